/**
 * The jobs that run: started, listened to, and when they have ended told of, with their outcome on its way to
 * Redis. A job whose payload is no JSON object is a failure without ever having run.
 */
import type { EngineEvent, EngineFact, KillReason } from '../../protocol/events.ts';
import type { OutputStream } from '../../protocol/job.ts';
import type { InvalidPayload } from '../../resque/format/payload.ts';
import type { Dispatcher } from '../dispatch/dispatcher.ts';
import type { Pool } from '../pools/pool.ts';
import type { QueueRouter } from '../pools/queue-router.ts';
import { refusalIn, Shortages } from '../pools/shortages.ts';
import type { TakenJob } from '../pools/taken-job.ts';
import { type Hold, signalGroup } from '../process/child.ts';
import { noExit } from '../process/libc.ts';
import { ProcessGroups } from '../process/process-groups.ts';
import type { StartBackoff } from '../process/start-backoff.ts';
import { standbyEvents, WarmChildren } from '../warm/warm-children.ts';
import type { Counters } from './counters.ts';
import { describeRefusal, Job, type JobEnd, type JobHooks } from './job.ts';

export interface RunningJobsHooks {
  /** Tells this runner process from all others, in the environment of its jobs. */
  readonly mark: string;
  readonly publish: (fact: EngineFact) => void;
  readonly finish: Dispatcher['finish'];
  readonly onPrinted: (job: Job, stream: OutputStream) => void;
  readonly onEnded: (job: Job) => void;
  /** More jobs can be started than before. */
  readonly onMore: () => void;
}

/** Where their output goes. */
export interface JobOutputs {
  take(jobId: string, stream: OutputStream, chunk: Buffer, atMs: number): Hold;
  /** The job has ended. */
  end(jobId: string): void;
  /** Closes files, because jobs need descriptors. @returns whether it closed any */
  giveBackFiles(): boolean;
}

interface RunningJobsOptions extends RunningJobsHooks {
  readonly counters: Counters;
  readonly outputs: JobOutputs;
  readonly unstartable: StartBackoff;
  readonly router: QueueRouter;
}

export class RunningJobs {
  readonly #hooks: RunningJobsHooks;
  readonly #counters: Counters;
  readonly #outputs: JobOutputs;
  readonly #unstartable: StartBackoff;
  readonly #jobs = new Map<string, Job>();
  readonly #processGroups = new ProcessGroups();
  readonly #standby: WarmChildren;
  readonly #shortages: Shortages;
  readonly #jobHooks: JobHooks = {
    onOutput: (job, stream, chunk, atMs) => {
      const hold = this.#outputs.take(job.id, stream, chunk, atMs);
      this.#hooks.onPrinted(job, stream);
      return hold;
    },
    onKilled: ({ id: jobId, taken: { queue } }, signal, reason) =>
      this.#hooks.publish({ type: 'job.killed', jobId, queue, signal, reason }),
    onEnd: (job, end) => this.#end(job, end),
    onUnread: (job) => this.#startAnew(job),
    onStartFailed: ({ taken: { pool } }, reason) => this.#startFailed(pool, reason),
  };
  #count = 0;

  constructor(options: RunningJobsOptions) {
    this.#counters = options.counters;
    this.#outputs = options.outputs;
    this.#unstartable = options.unstartable;
    this.#standby = new WarmChildren({
      ...options,
      processGroups: this.#processGroups,
      childrenOf: (pool) => this.#childrenOf(pool),
      onStartFailed: (pool, reason) => this.#startFailed(pool, reason),
      onEnded: () => this.#shortages.ended(),
    });
    this.#shortages = new Shortages({
      publish: options.publish,
      pools: () => options.router.pools,
      childrenOf: (pool) => this.#childrenOf(pool),
      hasIdle: (pool) => this.#standby.waitingFor(pool) > 0,
      onMore: () => {
        this.#standby.update();
        options.onMore();
      },
    });
    this.#hooks = options;
  }

  get size(): number {
    return this.#jobs.size;
  }

  all(): Iterable<Job> {
    return this.#jobs.values();
  }

  has(jobId: string): boolean {
    return this.#jobs.has(jobId);
  }

  /** @returns false where its program can't be started: it must go back to its queue */
  start(taken: TakenJob): boolean {
    if (!taken.payload.isObject) {
      this.#refuse(taken, taken.payload);
      return true;
    }
    this.#count += 1;
    const id = String(this.#count);
    const job = new Job(id, taken, this.#hooks.mark, this.#jobHooks);
    if (!this.#startIn(job)) return false;
    this.#jobs.set(id, job);
    this.#hooks.publish({ type: 'job.started', job: job.view });
    return true;
  }

  /** @returns false where its program can't be started */
  #startIn(job: Job): boolean {
    const { taken } = job;
    const standing = this.#standby.standingFor(taken);
    // What can't be started, it has said to the same.
    if (standing === 'unstartable') return false;
    if (!job.start(standing === 'cold' ? null : standing)) {
      this.#unstartable.hold(taken.pool);
      return false;
    }
    this.#unstartable.started(taken.pool);
    return true;
  }

  #startFailed(pool: Pool, reason: string): void {
    const refusal = refusalIn(reason);
    if (refusal === null) {
      void this.#unstartable.explain(pool, reason);
      return;
    }
    // Jobs are worth more than the output that is kept for screens.
    const isHelped = (refusal === 'EMFILE' || refusal === 'ENFILE') && this.#outputs.giveBackFiles();
    if (!isHelped) this.#shortages.refused(pool, refusal);
    this.#unstartable.dismiss(pool);
  }

  #childrenOf(pool: Pool): number {
    let count = this.#standby.waitingFor(pool);
    for (const { taken } of this.#jobs.values()) if (taken.pool === pool) count += 1;
    return count;
  }

  /** A child that it was given to has ended without looking at it. Happens once to a job. */
  #startAnew(job: Job): void {
    if (this.#startIn(job)) return;
    this.#end(job, { outcome: 'requeued', durationMs: 0, end: noExit, failure: null, unstartable: null });
  }

  #refuse(taken: TakenJob, payload: InvalidPayload): void {
    const failure = describeRefusal(taken, payload);
    this.#counters.add('failed');
    this.#hooks.finish(taken, { kind: 'failure', record: failure.record });
    this.#hooks.publish({ type: 'failure.recorded', failure: failure.summary });
  }

  #end(job: Job, { outcome, durationMs, end, failure, unstartable }: JobEnd): void {
    const { taken } = job;
    const { publish, finish, onEnded } = this.#hooks;
    if (unstartable !== null) {
      this.#unstartable.hold(taken.pool);
      void this.#unstartable.explain(taken.pool, unstartable);
    }
    this.#jobs.delete(job.id);
    this.#outputs.end(job.id);
    onEnded(job);
    if (job.isAlone) {
      this.#processGroups.end(job.pid, taken.pool.config.killAfterSeconds);
      this.#shortages.ended();
      // Its descriptors are free for a child that stands by.
      if (taken.pool.hasWarmChildren) this.#standby.update();
    }
    const isRecorded = finish(
      taken,
      failure !== null
        ? { kind: 'failure', record: failure.record }
        : { kind: outcome === 'requeued' ? 'requeue' : 'success' },
    );
    if (isRecorded) this.#counters.add(outcome);
    publish({
      type: 'job.finished',
      jobId: job.id,
      queue: taken.queue,
      jobClass: taken.payload.isObject ? taken.payload.jobClass : null,
      outcome,
      durationMs,
      exitCode: end.exitCode,
      signal: end.signal,
      failure: failure?.summary ?? null,
    });
    if (failure !== null && isRecorded) publish({ type: 'failure.recorded', failure: failure.summary });
  }

  /** @returns false where no such job runs */
  kill(jobId: string, signal: 'SIGTERM' | 'SIGKILL'): boolean {
    this.#jobs.get(jobId)?.kill('operator', signal);
    return this.#jobs.has(jobId);
  }

  /** Others have put this job back to its queue and may have started it. */
  killTakenOver(taken: TakenJob): void {
    for (const job of this.#jobs.values()) if (job.taken === taken) job.kill('taken-over', 'SIGKILL');
  }

  killAll(reason: KillReason, signal: 'SIGTERM' | 'SIGKILL'): void {
    for (const job of this.#jobs.values()) job.kill(reason, signal);
  }

  /** What changes which queues may be taken from changes which children stand by. */
  heard({ type }: EngineEvent): void {
    if (type === 'config.reloaded') this.#shortages.review();
    if (standbyEvents.has(type)) this.#standby.update();
  }

  /** No child is to stand by any longer, for good; jobs that run go on. */
  stop(): void {
    this.#standby.stop();
    this.#shortages.stop();
  }

  /** Kills what has no job: children that stand by, and what jobs that have ended left behind. */
  killOthers(): void {
    this.#standby.killNow();
    this.#processGroups.killNow();
  }

  /** Resolves when no child is left, nor any process that one has started. */
  async childrenGone(): Promise<void> {
    await this.#standby.gone();
    await this.#processGroups.gone();
  }

  /** The process ends this instant, whatever the cause: no child may outlive it. */
  abandon(): void {
    for (const job of this.#jobs.values()) signalGroup(job.pid, 'SIGKILL');
    this.killOthers();
  }
}

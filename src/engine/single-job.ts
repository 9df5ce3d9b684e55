/**
 * One job through the program of its queue, without Redis: with all that an engine does for a job, so that what
 * becomes of it is what would become of it there. Only children that wait for their job (`prestart`) are left out,
 * since one that is there for nobody but this job would not have waited.
 */
import { randomUUID } from 'node:crypto';
import type { Config, PoolConfig } from '../config/config.ts';
import type { EngineFact, KillReason } from '../protocol/events.ts';
import type { JobOutcome, OutputStream } from '../protocol/job.ts';
import type { Payload } from '../resque/format/payload.ts';
import { Counters } from './jobs/counters.ts';
import { RunningJobs } from './jobs/running-jobs.ts';
import { QueueRouter } from './pools/queue-router.ts';
import type { TakenJob } from './pools/taken-job.ts';
import { workerHostOf, workerId } from './pools/worker-ids.ts';
import type { Hold } from './process/child.ts';
import { type ChildrenUsage, UsageMeter } from './process/children-usage.ts';
import { commandOf } from './process/program.ts';
import { StartBackoff } from './process/start-backoff.ts';

export interface SingleJobOptions {
  readonly config: Config;
  readonly queue: string;
  readonly payload: Payload;
  /** Takes what the job prints. */
  readonly onOutput: (stream: OutputStream, chunk: Buffer) => Hold;
}

export interface SingleJobEnd {
  /** `unstartable`: its program can't be started; an engine would put the job back and pause the queue. */
  readonly outcome: JobOutcome | 'unstartable';
  /** `null` where nothing ran, a signal ended it, or its process was to stay. */
  readonly exitCode: number | null;
  readonly signal: string | null;
  /** `null` where nothing ran. */
  readonly durationMs: number | null;
  /** Why it was ended, where it was. */
  readonly killedFor: KillReason | null;
  /** Why it can't be started, a sentence without a full stop. */
  readonly whyUnstartable: string | null;
  /** The failure record that Redis would get, where it failed: JSON text. */
  readonly record: string | null;
  readonly usage: ChildrenUsage | null;
}

type Finished = Extract<EngineFact, { type: 'job.finished' }>;

/** The entry that takes a queue's jobs, as an engine chooses it; `null` where none does. */
export function entryFor(config: Config, queue: string): PoolConfig | null {
  return routerOf(config, queue, () => {}).ownerOf(queue)?.config ?? null;
}

function routerOf(config: Config, queue: string, publish: (fact: EngineFact) => void): QueueRouter {
  const owner = `${workerHostOf(config)}:${process.pid}`;
  const router = new QueueRouter(publish, (slot, key) => workerId(owner, slot, key));
  router.configure(config.runners);
  router.expand([queue]);
  return router;
}

export class SingleJob {
  readonly #router: QueueRouter;
  readonly #jobs: RunningJobs;
  readonly #unstartable: StartBackoff;
  readonly #taken: TakenJob;
  readonly #meter = new UsageMeter();
  #record: string | null = null;
  #killedFor: KillReason | null = null;
  #finished: Finished | null = null;
  #whyUnstartable: string | null = null;
  #isInterrupted = false;
  #conclude: () => void = () => {};
  readonly #concluded = new Promise<void>((resolve) => {
    this.#conclude = resolve;
  });

  /** The queue must be one that an entry takes. */
  constructor({ config, queue, payload, onOutput }: SingleJobOptions) {
    const router = routerOf(config, queue, (fact) => this.#heard(fact));
    const pool = router.ownerOf(queue);
    const [slot] = pool?.reserveSlots(1) ?? [];
    if (pool === undefined || slot === undefined) throw new Error(`no entry takes the queue ${queue}`);
    this.#router = router;
    this.#taken = { pool, slot, queue, payload, takenAt: new Date(), isHeld: false, takenIn: null };
    this.#unstartable = new StartBackoff(router, () => {});
    this.#jobs = new RunningJobs({
      router,
      counters: new Counters(),
      outputs: {
        take: (_, stream, chunk) => onOutput(stream, chunk),
        end: () => {},
        giveBackFiles: () => false,
      },
      unstartable: this.#unstartable,
      mark: randomUUID(),
      publish: (fact) => this.#heard(fact),
      finish: (_, outcome) => {
        if (outcome.kind === 'failure') this.#record = outcome.record.toString();
        return true;
      },
      onPrinted: () => {},
      onEnded: () => {},
      onMore: () => {},
    });
    // No child is to wait for another job.
    this.#jobs.stop();
  }

  /** Resque worker id. */
  get worker(): string {
    return this.#taken.slot.worker;
  }

  get entry(): PoolConfig {
    return this.#taken.pool.config;
  }

  /** The program, its words, the queue, and the arguments behind. */
  get command(): readonly string[] {
    return commandOf(this.entry, this.#taken.queue);
  }

  /** Resolves when the job has ended, and all that it started. */
  async run(): Promise<SingleJobEnd> {
    // Between the end of its pipes and that of its process, a child that is started natively keeps no loop going.
    const alive = setInterval(() => {}, aliveMs);
    this.#meter.prepare();
    this.#taken.slot.state = 'running';
    this.#jobs.start(this.#taken);
    this.#meter.started();
    await this.#concluded;
    await this.#jobs.childrenGone();
    this.#unstartable.stop();
    clearInterval(alive);
    // Its child may have been started anew, when we had more memory than at first.
    if (this.entry.mode === 'persistent') this.#meter.started();
    const { outcome, exitCode, signal, durationMs } = this.#finished ?? nothingRan;
    const isUnstartable = this.#whyUnstartable !== null;
    return {
      outcome: isUnstartable ? 'unstartable' : outcome,
      exitCode,
      signal,
      durationMs: isUnstartable ? null : durationMs,
      killedFor: this.#killedFor,
      whyUnstartable: this.#whyUnstartable,
      record: this.#record,
      usage: this.#finished === null ? null : this.#meter.read(),
    };
  }

  /** Ends it as a shutdown does: TERM, and KILL after its `killAfter`; when called again KILL at once. */
  interrupt(): void {
    this.#jobs.killAll('shutdown', this.#isInterrupted ? 'SIGKILL' : 'SIGTERM');
    if (this.#isInterrupted) this.#jobs.killOthers();
    this.#isInterrupted = true;
  }

  /** The process ends this instant: no child may outlive it. */
  abandon(): void {
    this.#jobs.abandon();
  }

  #heard(fact: EngineFact): void {
    if (fact.type === 'job.killed') this.#killedFor ??= fact.reason;
    if (fact.type === 'job.finished') {
      this.#finished = fact;
      // Otherwise it is on hold, and the reason is still to come.
      if (this.#router.isTakeable(this.#taken.queue)) this.#conclude();
    }
    // One that never ran.
    if (fact.type === 'failure.recorded' && fact.failure.jobId === null) this.#conclude();
    if (fact.type === 'runner.throttled' && fact.throttled.shortage !== null) {
      this.#whyUnstartable = fact.throttled.shortage;
      this.#conclude();
    }
    if (fact.type === 'queue.paused') {
      this.#whyUnstartable = fact.pauses.find(({ kind }) => kind === 'unstartable')?.detail ?? null;
      if (this.#whyUnstartable !== null) this.#conclude();
    }
  }
}

/** Nothing happens then. */
const aliveMs = 60_000;
const nothingRan = { outcome: 'failed', exitCode: null, signal: null, durationMs: null } as const;

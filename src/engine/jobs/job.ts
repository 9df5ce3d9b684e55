/**
 * One job, from the moment it is taken to its outcome. `startJob` and `#run` tell it from top to bottom.
 *
 *     taken ──▶ started ──▶ watched ──▶ ended ──▶ outcome: success, failure, or back to the queue
 *       │          │  ▲        │          │
 *       │          │  └─unread─┘          │
 *       │          └──can't be started────┴──▶ back to the queue; its pool pauses
 *       └──payload is not a JSON object──▶ failure
 *
 * "Unread": the warm child died before it read the job, so the job can start again. "Can't be started" is one answer,
 * `NotStarted`, whether the system refuses the start or an exit code shows later that the program never ran.
 *
 * The whole way is in eight files: dispatch/dispatcher.ts takes the job and hands it to this one; process/program.ts says
 * what its program is given, process/child.ts starts, reads and ends it, through launch/posix-launcher.ts;
 * jobs/failure-report.ts and resque/format/failure-record.ts put a failure into words; the dispatcher gets the outcome and
 * outcomes/outbox.ts puts it into the next step. A warm child (warm/) replaces program.ts and the launcher.
 */
import type { EngineFact, FailureSummary, KillReason } from '../../protocol/events.ts';
import type { JobOutcome, JobView, OutputStream } from '../../protocol/job.ts';
import type { Payload } from '../../resque/format/payload.ts';
import { traceIdOf } from '../../resque/format/traceparent.ts';
import { isNotStarted, type NotStarted } from '../launch/launched-process.ts';
import { type ExitStatus, noExit } from '../launch/libc.ts';
import { OutputTail } from '../output/output-tail.ts';
import { type Outcome, payloadFor, type TakenJob } from '../pools/taken-job.ts';
import { Child, type Hold, type OutputSink } from '../process/child.ts';
import type { PoolHealth } from '../process/pool-health.ts';
import type { ProcessGroups } from '../process/process-groups.ts';
import { launchSpecOf } from '../process/program.ts';
import { noResult } from '../process/result-lines.ts';
import { whyItNeverRan } from '../process/startable.ts';
import type { JobEnd, WarmChild } from '../warm/warm-child.ts';
import type { WarmChildren } from '../warm/warm-children.ts';
import { type FailedRun, refusalOf } from './failure-report.ts';
import { LoggedOutput } from './logged-output.ts';
import { attemptView, endOf, isKnownInAdvance, nextRun } from './retry.ts';

/** Where the output of jobs is kept. */
export interface JobOutputs {
  take(jobId: string, stream: OutputStream, chunk: Buffer, atMs: number): Hold;
  /** The job has ended. */
  end(jobId: string): void;
  /** Closes files, because jobs need descriptors. @returns whether it closed any */
  giveBackFiles(): boolean;
}

/** Follows what jobs print, for screens. */
export interface JobWatcher {
  printed(job: Job, stream: OutputStream): void;
  ended(job: Job): void;
}

/** What all jobs of a runner share. */
export interface JobContext {
  /** Identifies this runner process, in the environment of its programs. */
  readonly mark: string;
  readonly publish: (fact: EngineFact) => void;
  readonly outputs: JobOutputs;
  /** Set while a screen looks. */
  readonly watcher: JobWatcher | null;
  readonly warm: WarmChildren;
  readonly health: PoolHealth;
  readonly groups: ProcessGroups;
  /** Jobs that run, by id. */
  readonly running: Map<string, Job>;
  nextId(): string;
}

const outcomeWords = {
  success: 'succeeded',
  failure: 'failed',
  requeue: 'requeued',
  retry: 'retried',
  snooze: 'snoozed',
} as const satisfies Record<Outcome['kind'], JobOutcome>;

/**
 * Taken.
 *
 * @returns how it ends; `null` if its program can't be started and the job must go back to its queue
 */
export function startJob(taken: TakenJob, context: JobContext): Promise<Outcome> | null {
  if (!taken.payload.isObject) {
    const { record, summary } = refusalOf(taken, taken.payload);
    context.publish({ type: 'failure.recorded', failure: summary });
    return Promise.resolve({ kind: 'failure', record });
  }
  return new Job(context.nextId(), taken, context).start();
}

export class Job implements OutputSink {
  readonly id: string;
  readonly taken: TakenJob;
  readonly #context: JobContext;
  #program: Child | WarmChild | null = null;
  #startedAtMs = 0;
  #startedAt = 0;
  #durationMs = 0;
  #limitTimer: NodeJS.Timeout | null = null;
  #killedFor: KillReason | null = null;
  /** Made when the first output comes: most jobs print nothing on one of them. */
  readonly #output: Partial<Record<OutputStream, OutputTail>> = {};
  readonly #printedAtMs = { stdout: 0, stderr: 0 };
  /** Set if its output may go into the log. */
  readonly #log: LoggedOutput | null;

  constructor(id: string, taken: TakenJob, context: JobContext) {
    this.id = id;
    this.taken = taken;
    this.#context = context;
    const { queue, payload, pool } = taken;
    const { logOutput } = pool.config;
    const about = { jobId: id, queue, jobClass: payload.isObject ? payload.jobClass : null };
    this.#log = logOutput === 'none' ? null : new LoggedOutput(about, logOutput, context.publish);
  }

  start(): Promise<Outcome> | null {
    const program = this.#startProgram();
    return program === null ? null : this.#run(program);
  }

  async #run(program: Child | WarmChild): Promise<Outcome> {
    // Started.
    const { running, publish, health } = this.#context;
    const { config } = this.taken.pool;
    running.set(this.id, this);
    publish({ type: 'job.started', job: this.view });

    // Watched. Once, a job that its warm child has not read starts again.
    let end = await this.#watch(program);
    if (end.isUnread && this.#killedFor === null) {
      const next = this.#startProgram();
      if (next === null) return this.#conclude({ kind: 'requeue' }, noExit);
      end = await this.#watch(next);
    }

    // Ended.
    const { answer } = end;
    // A child that broke the rules was ended by us: its exit says nothing.
    const isOurEnd = answer?.kind === 'breach' && answer !== noResult && this.#killedFor === null;
    const exit = isOurEnd ? noExit : end.exit;
    const neverRan = this.#killedFor === null ? await whyItNeverRan(exit, config) : null;
    if (neverRan !== null) {
      void health.failed(this.taken.pool, neverRan);
      return this.#conclude({ kind: 'requeue' }, exit);
    }

    // Outcome.
    const isSuccess = answer === null ? exit.exitCode === 0 : answer.kind === 'success';
    const run: FailedRun = {
      end: exit,
      killedFor: this.#killedFor,
      timeoutSeconds: config.timeoutSeconds,
      answer,
      stderr: this.#output.stderr?.text() ?? '',
      stdout: this.#output.stdout?.text() ?? '',
      usage: this.#program?.usage ?? {},
    };
    const { outcome, summary } = endOf(this.taken, this.id, run, isSuccess);
    return this.#conclude(outcome, exit, summary);
  }

  /** @returns `null` if the program can't be started: its pool is on hold from now on */
  #startProgram(): Child | WarmChild | null {
    const { warm, health } = this.#context;
    const { pool } = this.taken;
    this.#startedAtMs = Date.now();
    this.#startedAt = performance.now();
    this.#durationMs = 0;
    const warmChild = isKnownInAdvance(this.taken) ? warm.childFor(this.taken) : null;
    const program = warmChild ?? this.#startChild();
    if (isNotStarted(program)) {
      void health.failed(pool, program);
      return null;
    }
    health.started(pool);
    this.#program = program;
    const { timeoutSeconds } = pool.config;
    if (timeoutSeconds !== null) {
      this.#limitTimer = setTimeout(() => this.#timeOut(program), timeoutSeconds * 1_000);
    }
    return program;
  }

  #startChild(): Child | NotStarted {
    const { queue, pool, slot } = this.taken;
    const { config } = pool;
    const { mark, groups } = this.#context;
    const { bytes: stdin, traceparent = null } = payloadFor(this.taken);
    const facts = { queue, worker: slot.worker, mark, attempt: attemptView(this.taken), traceparent };
    const spec = launchSpecOf(config, facts, { stdin, hasResults: false });
    return groups.start(spec, this, config.killAfterSeconds);
  }

  async #watch(program: Child | WarmChild): Promise<JobEnd> {
    const end =
      program instanceof Child
        ? { exit: await program.ended, answer: null, isUnread: false }
        : await program.run(payloadFor(this.taken).bytes, this);
    this.#durationMs = Math.round(performance.now() - this.#startedAt);
    if (this.#limitTimer !== null) clearTimeout(this.#limitTimer);
    return end;
  }

  /** Takes what its program prints. */
  take(stream: OutputStream, chunk: Buffer): Hold {
    const { outputs, watcher } = this.#context;
    const atMs = Date.now();
    this.#printedAtMs[stream] = atMs;
    this.#output[stream] ??= new OutputTail();
    this.#output[stream].push(chunk);
    this.#log?.take(stream, chunk);
    const hold = outputs.take(this.id, stream, chunk, atMs);
    watcher?.printed(this, stream);
    return hold;
  }

  /** TERM to its process group, then KILL `killAfter` later; with `SIGKILL` at once. */
  kill(reason: KillReason, signal: 'SIGTERM' | 'SIGKILL' = 'SIGTERM'): void {
    if (this.#program === null) return;
    const { queue } = this.taken;
    const publish = (sent: typeof signal) =>
      this.#context.publish({ type: 'job.killed', jobId: this.id, queue, signal: sent, reason });
    this.#killedFor ??= reason;
    if (signal === 'SIGKILL') this.#program.kill();
    else this.#program.end(() => publish('SIGKILL'));
    publish(signal);
  }

  #timeOut(program: Child | WarmChild): void {
    // Its last output may come late. It was in time all the same.
    if (program instanceof Child && program.hasExited()) return;
    this.kill('timeout');
  }

  #conclude(outcome: Outcome, exit: ExitStatus, failure: FailureSummary | null = null): Outcome {
    const { running, outputs, watcher, publish, warm } = this.#context;
    const { queue, pool, payload } = this.taken;
    running.delete(this.id);
    outputs.end(this.id);
    watcher?.ended(this);
    if (this.#program !== null && !(this.#program instanceof Child)) warm.release(this.#program);
    // Its descriptors are free for a warm child.
    else if (pool.hasWarmChildren) warm.update();
    const word = outcomeWords[outcome.kind];
    this.#log?.end(word, this.#output);
    publish({
      type: 'job.finished',
      jobId: this.id,
      queue,
      jobClass: payload.isObject ? payload.jobClass : null,
      outcome: word,
      durationMs: this.#durationMs,
      exitCode: exit.exitCode,
      signal: exit.signal,
      failure,
      ...nextRun(this.taken, outcome),
      ...this.#program?.usage,
    });
    if (failure !== null && outcome.kind === 'failure' && this.#killedFor !== 'taken-over')
      publish({ type: 'failure.recorded', failure });
    return outcome;
  }

  get pid(): number {
    return this.#program?.pid ?? 0;
  }

  /** When a stream last brought anything, milliseconds since the epoch; 0 if it never did. */
  printedAtMs(stream: OutputStream): number {
    return this.#printedAtMs[stream];
  }

  /** The end of what a stream has brought. @param bytes at most some thousands */
  lastOutput(stream: OutputStream, bytes: number): Buffer {
    return this.#output[stream]?.end(bytes) ?? Buffer.alloc(0);
  }

  get view(): JobView {
    const { queue, pool, slot } = this.taken;
    const payload = payloadFor(this.taken);
    const attempt = attemptView(this.taken);
    const { timeoutSeconds } = pool.config;
    return {
      id: this.id,
      queue,
      runner: pool.key,
      worker: slot.worker,
      jobClass: payload.isObject ? payload.jobClass : null,
      args: payload.isObject ? payload.argsText : '',
      payloadBytes: payload.bytes.length,
      startedAtMs: this.#startedAtMs,
      pid: this.pid,
      ...this.#enqueuedAt(payload),
      ...(payload.isObject && payload.traceparent ? { traceId: traceIdOf(payload.traceparent) } : {}),
      ...(timeoutSeconds === null ? {} : { timeoutSeconds }),
      ...(attempt === null ? {} : { attempt }),
    };
  }

  #enqueuedAt(payload: Payload): Pick<JobView, 'enqueuedAtMs'> {
    const enqueuedAtMs = payload.isObject ? payload.enqueuedAtMs : null;
    const isRetry = (this.taken.attempt?.number ?? 1) > 1;
    return enqueuedAtMs === null || isRetry ? {} : { enqueuedAtMs };
  }
}

/**
 * A child that was started before its job, and waits for it on STDIN.
 *
 *     prestarted:  waiting ──run──▶ working ──exit──▶ ended              (and then it is as any other child of a job)
 *     persistent:  waiting ──run──▶ working ──result──▶ waiting ─ ─ ▶ …
 *                     └──leave──▶ leaving ◀──breach──┘     leaving ──exit, at the latest by KILL──▶ ended, with its job
 *
 * It belongs to one slot and one queue, because its arguments and environment say which.
 */
import type { PoolConfig } from '../../config/config.ts';
import type { OutputStream } from '../../protocol/job.ts';
import type { Pool, Slot } from '../pools/pool.ts';
import { type Child, type Hold, startChild } from '../process/child.ts';
import type { JobProcess, JobProcessHooks } from '../process/job-process.ts';
import type { OutputPipe } from '../process/launched-process.ts';
import type { ExitStatus } from '../process/libc.ts';
import { commandOf, environmentOf, resultVariable } from '../process/program.ts';
import { breaches, type JobResult, ResultLines, readResult } from '../process/result-lines.ts';
import { IdleOutput } from './idle-output.ts';
import { payloadLine } from './payload-line.ts';
import { StdinDelivery } from './stdin-delivery.ts';

export interface WarmChildSpec {
  readonly pool: Pool;
  readonly slot: Slot;
  readonly queue: string;
  /** Tells this runner process from all others, in its environment. */
  readonly mark: string;
}

export interface WarmChildrenHooks {
  /** It can run another job, or will run none any more. */
  onFree(): void;
  /** Its process has ended, with or without a job. */
  onEnd(end: ExitStatus): void;
  onStartFailed(reason: string): void;
}

const resultDescriptor = 3;
/** A process that exits closes its descriptors a moment before its end can be seen. */
const closedLimitMs = 200;

export class WarmChild implements JobProcess {
  readonly pool: Pool;
  readonly slot: Slot;
  readonly queue: string;
  /** What it was started by; the runner's may be another by now. */
  readonly config: PoolConfig;
  readonly startedAtMs = performance.now();
  readonly #mark: string;
  readonly #hooks: WarmChildrenHooks;
  #child: Child | null = null;
  #job: JobProcessHooks | null = null;
  #handover: StdinDelivery | null = null;
  /** Jobs that it was given. */
  #jobs = 0;
  /** Jobs that ended with a result. */
  #results = 0;
  #isLeaving = false;
  /** It broke the agreement while it had no job. */
  #isExpelled = false;
  /** It ended in the middle of a job of which it had read something. */
  #endedAtWork = false;
  #hasEnded = false;
  /** It has no descriptor for results any more. */
  #isClosed = false;
  #killTimer: NodeJS.Timeout | null = null;
  #closedTimer: NodeJS.Timeout | null = null;
  readonly #idleOutput = new IdleOutput();
  /** What it said of its job, as long as output of the job may be on its way; of a breach, until the child has ended. */
  #told: JobResult | null = null;

  constructor({ pool, slot, queue, mark }: WarmChildSpec, hooks: WarmChildrenHooks) {
    this.pool = pool;
    this.slot = slot;
    this.queue = queue;
    this.config = pool.config;
    this.#mark = mark;
    this.#hooks = hooks;
  }

  get pid(): number {
    return this.#child?.pid ?? 0;
  }

  /** Whether it stays, and a job has ended only when it says so. */
  get isPersistent(): boolean {
    return this.config.mode === 'persistent';
  }

  /** Whether it can be given a job now. */
  get isWaiting(): boolean {
    const hasPlace = this.#child !== null && this.#job === null && !this.#isSpent;
    return hasPlace && !this.#isLeaving && !this.isLost && !this.#hasEnded;
  }

  get isWorking(): boolean {
    return this.#job !== null;
  }

  /**
   * It is of no use any more, by its own doing. Another one takes its place when it has ended: where each does the
   * same at once, they would be many.
   */
  get isLost(): boolean {
    return this.#isExpelled || this.#isClosed;
  }

  /** A prestarted one has been given its only job, a persistent one as many as it may run. */
  get #isSpent(): boolean {
    return this.isPersistent
      ? this.#jobs >= (this.config.maxJobs ?? Number.POSITIVE_INFINITY)
      : this.#jobs > 0;
  }

  /** Whether it has done a job. */
  get hasServed(): boolean {
    return this.isPersistent ? this.#results > 0 : this.#endedAtWork;
  }

  /** Whether it ended, or had to be ended, although it was wanted: not at its work, and not after it. */
  isFault({ exitCode }: ExitStatus): boolean {
    if (this.#isExpelled) return true;
    return !this.#isLeaving && !this.#endedAtWork && !(this.hasServed && exitCode === 0);
  }

  /** What it printed while it had no job, for people. */
  get lastWords(): string {
    return this.#idleOutput.lastWords;
  }

  /** @returns false where the program can't be started; `onStartFailed` says why, a little later */
  start(): boolean {
    const { config, queue, slot } = this;
    const env = environmentOf(config, { queue, worker: slot.worker, mark: this.#mark });
    if (this.isPersistent) env.push(`${resultVariable}=${resultDescriptor}`);
    const spec = {
      command: commandOf(config, queue),
      cwd: config.cwd,
      env,
      stdin: 'pipe' as const,
      hasResults: this.isPersistent,
    };
    this.#child = startChild(spec, {
      onOutput: (stream, chunk) => this.#takeOutput(stream, chunk),
      onEnd: (end) => this.#ended(end),
      onStartFailed: (reason) => this.#hooks.onStartFailed(reason),
    });
    if (this.#child === null) return false;
    // What it leaves unread when it ends is no error of ours.
    this.#child.stdin?.on('error', () => {});
    if (this.#child.results !== null) this.#listen(this.#child.results);
    return true;
  }

  #takeOutput(stream: OutputStream, chunk: Buffer): Hold {
    if (this.#job !== null) return this.#job.onOutput(stream, chunk);
    this.#idleOutput.push(stream, chunk);
    return null;
  }

  /**
   * Whether it is still there to take a job; what the system has not told us yet is asked for. Of a persistent child
   * we would hear that it has read nothing, and asking costs as much as all else about a small job.
   */
  isAlive(): boolean {
    if (this.#child === null || this.#hasEnded) return false;
    // STDIN goes with the exit; the end comes when its pipes are closed, too.
    return this.isPersistent ? this.#child.stdin?.destroyed === false : !this.#child.hasExited();
  }

  /** Gives it a job. */
  run(payload: Buffer, hooks: JobProcessHooks): void {
    if (this.#child === null || !this.isWaiting) throw new Error('a child is not waiting for a job');
    this.#jobs += 1;
    this.#job = hooks;
    // A program that was started for its job would have printed this meanwhile.
    if (!this.isPersistent) this.#idleOutput.replay((stream, chunk) => void hooks.onOutput(stream, chunk));
    this.#idleOutput.forget();
    this.#handover = this.isPersistent
      ? new StdinDelivery(this.#child, payloadLine(payload), false)
      : new StdinDelivery(this.#child, payload, true);
  }

  /** Ends it, and it is given no other job. Where TERM is not enough, its job sends a KILL; without one, we do. */
  signal(name: NodeJS.Signals): void {
    this.#isLeaving = true;
    this.#child?.signal(name);
    if (this.#job === null) this.#killLater();
  }

  /**
   * It is not wanted any more: a persistent one is told by the end of its STDIN, a prestarted one by TERM, since it
   * would take an end for an empty payload. KILL follows after `killAfter`.
   */
  leave(): void {
    if (this.#isLeaving || this.#hasEnded) return;
    if (this.isPersistent) this.#letGo();
    else this.signal('SIGTERM');
  }

  #letGo(): void {
    this.#isLeaving = true;
    this.#child?.stdin?.end();
    this.#killLater();
  }

  #killLater(): void {
    const kill = () => this.#child?.signal('SIGKILL');
    if (!this.#hasEnded) this.#killTimer ??= setTimeout(kill, this.config.killAfterSeconds * 1_000);
  }

  #listen(results: OutputPipe): void {
    const lines = new ResultLines(
      (line) => this.#hear(() => readResult(line)),
      () => this.#hear(() => breaches.tooLong),
    );
    results.onData((piece) => {
      // Or a flood would take everybody's time.
      if (this.#isDeaf) results.destroy();
      else lines.push(piece);
    });
    results.onClose(() => {
      if (this.#hasEnded) return;
      this.#isClosed = true;
      this.#closedTimer = setTimeout(() => this.#missResults(), closedLimitMs);
    });
  }

  /** Nothing that it says makes a difference any more. */
  get #isDeaf(): boolean {
    return this.#told?.kind === 'breach' || (this.#isLeaving && this.#job === null);
  }

  #hear(read: () => JobResult): void {
    if (this.#isDeaf) return;
    const result = read();
    if (this.#job === null) {
      this.#blame((result.kind === 'breach' ? result : breaches.unasked).sentence);
      this.#expel();
    } else if (this.#told !== null) {
      // The first one stands.
      this.#expel();
    } else {
      // Whoever answers without having read the job answers another one.
      const isEarly = result.kind !== 'breach' && this.#handover?.isRead === false;
      this.#told = isEarly ? breaches.early : result;
      if (this.#told.kind === 'breach') this.#expel();
      else this.#child?.afterOutput(() => this.#settle());
    }
  }

  /** It can't answer any more, though it lives on: perhaps for as long as it takes to tidy up. */
  #missResults(): void {
    if (this.#isDeaf || this.#hasEnded) return;
    const isOfJob = this.#job !== null && this.#told === null;
    if (isOfJob) this.#told = breaches.closed;
    else if (this.#job === null && !this.hasServed) this.#blame(breaches.closed.sentence);
    // What it has not begun, it may leave.
    if (isOfJob && this.#handover?.isUnread === false) this.#expel();
    else this.leave();
  }

  #blame(sentence: string): void {
    this.#isExpelled = true;
    this.#idleOutput.push('stderr', Buffer.from(`\nit ${sentence}`));
  }

  #expel(): void {
    this.signal('SIGTERM');
    this.#killLater();
  }

  #settle(): void {
    const job = this.#job;
    const told = this.#told;
    if (job === null || told === null || told.kind === 'breach') return;
    this.#job = null;
    this.#told = null;
    this.#results += 1;
    // What its job had begun to end, it is up to us to end.
    if (this.#isLeaving || this.#isSpent) this.#letGo();
    job.onResult(told);
    this.#hooks.onFree();
  }

  #ended(end: ExitStatus): void {
    this.#hasEnded = true;
    for (const timer of [this.#killTimer, this.#closedTimer]) if (timer !== null) clearTimeout(timer);
    this.#settle();
    const job = this.#job;
    const breach = this.#told;
    this.#job = null;
    this.#told = null;
    const isUnread = (breach === null || breach === breaches.closed) && this.#handover?.isUnread === true;
    this.#endedAtWork = job !== null && !isUnread;
    job?.onEnd({ status: end, isUnread, breach });
    this.#hooks.onEnd(end);
  }
}

/**
 * A child that was started before its job, and waits for it on STDIN.
 *
 *     prestarted:  waiting ──run──▶ working ──exit──▶ ended
 *     persistent:  waiting ──run──▶ working ──result──▶ waiting ─ ─ ▶ …
 *                     └──leave──▶ leaving ◀──breach──┘     leaving ──exit, at the latest by KILL──▶ ended, with its job
 *
 * It belongs to one slot and one queue, because its arguments and environment name them.
 *
 * Long because it is one state machine: every message, signal and end means something else in each state.
 */
import type { PoolConfig } from '../../config/config.ts';
import type { JobUsage, OutputStream } from '../../protocol/job.ts';
import { isNotStarted, type NotStarted, type OutputPipe } from '../launch/launched-process.ts';
import { type ExitStatus, noExit } from '../launch/libc.ts';
import { OutputTail } from '../output/output-tail.ts';
import type { Pool, Slot } from '../pools/pool.ts';
import type { Child, Hold, OutputSink } from '../process/child.ts';
import type { ProcessGroups } from '../process/process-groups.ts';
import { attemptInAdvance, launchSpecOf } from '../process/program.ts';
import { breaches, type JobResult, noResult, ResultLines, readResult } from '../process/result-lines.ts';
import { payloadLine, StdinDelivery } from './stdin-delivery.ts';

export interface WarmChildSpec {
  readonly pool: Pool;
  readonly slot: Slot;
  readonly queue: string;
  /** Identifies this runner process, in the child's environment. */
  readonly mark: string;
  readonly groups: ProcessGroups;
}

/** How a child ended its job. */
export interface JobEnd {
  /** `noExit` if the child stays. */
  readonly exit: ExitStatus;
  /** What a persistent child says of its job; `null` for a child that says it by its exit. */
  readonly answer: JobResult | null;
  /** Nothing of the job was read, so the job has not begun. */
  readonly isUnread: boolean;
}

/** A process that exits closes its descriptors a moment before its end can be seen. */
const closedLimitMs = 200;
/** Characters of a child's last words. */
const lastWordsLimit = 300;

/** @param onServed it has told the result of a job */
export function startWarmChild(spec: WarmChildSpec, onServed: () => void): WarmChild | NotStarted {
  const { pool, slot, queue, mark, groups } = spec;
  const { config } = pool;
  const isPersistent = config.mode === 'persistent';
  const output = new WarmOutput();
  const facts = { queue, worker: slot.worker, mark, attempt: attemptInAdvance(config) };
  const launchSpec = launchSpecOf(config, facts, { stdin: 'pipe', hasResults: isPersistent });
  const child = groups.start(launchSpec, output, config.killAfterSeconds);
  return isNotStarted(child) ? child : new WarmChild(spec, child, output, onServed);
}

/** Takes what a child prints: for its job, or while it has none, the end of it. */
class WarmOutput implements OutputSink {
  job: OutputSink | null = null;
  /** Made when the first output comes. */
  #idle: Partial<Record<OutputStream, OutputTail>> = {};

  take(stream: OutputStream, chunk: Buffer): Hold {
    if (this.job !== null) return this.job.take(stream, chunk);
    this.#idle[stream] ??= new OutputTail();
    this.#idle[stream].push(chunk);
    return null;
  }

  /** The end of what came without a job, for people. */
  get lastWords(): string {
    const { stderr, stdout } = this.#idle;
    return (stderr?.text().trim() || stdout?.text().trim() || '').slice(-lastWordsLimit);
  }

  /** Output is the job's from now on. @param isReplayed whether that includes what came before */
  give(job: OutputSink, isReplayed: boolean): void {
    this.job = job;
    const idle = this.#idle;
    this.#idle = {};
    if (!isReplayed) return;
    for (const stream of ['stdout', 'stderr'] as const) {
      const printed = idle[stream];
      if (printed !== undefined) void job.take(stream, Buffer.from(printed.text()));
    }
  }
}

export class WarmChild {
  readonly pool: Pool;
  readonly slot: Slot;
  readonly queue: string;
  /** The config that it was started with; the pool may have another one by now. */
  readonly config: PoolConfig;
  readonly startedAtMs = performance.now();
  /** Resolves when its process has ended, with or without a job. */
  readonly ended: Promise<ExitStatus>;
  /** Whether it is counted as a job: from `run` until the job is over, a moment after its result. */
  hasJob = false;
  readonly #child: Child;
  readonly #output: WarmOutput;
  readonly #onServed: () => void;
  /** Set while it works: tells its job how that ended. */
  #endJob: ((end: JobEnd) => void) | null = null;
  #delivery: StdinDelivery | null = null;
  /** Jobs that it was given. */
  #jobs = 0;
  /** Jobs that ended with a result. */
  #results = 0;
  #isLeaving = false;
  /** It broke the rules while it had no job. */
  #isExpelled = false;
  /** It ended in the middle of a job of which it had read something. */
  #endedAtWork = false;
  #hasEnded = false;
  /** It has closed its descriptor for results. */
  #isClosed = false;
  #closedTimer: NodeJS.Timeout | null = null;
  /** What it said of its job: kept while output of the job may be on its way; a breach, until the child has ended. */
  #told: JobResult | null = null;

  constructor({ pool, slot, queue }: WarmChildSpec, child: Child, output: WarmOutput, onServed: () => void) {
    this.pool = pool;
    this.slot = slot;
    this.queue = queue;
    this.config = pool.config;
    this.#child = child;
    this.#output = output;
    this.#onServed = onServed;
    // What it leaves unread when it ends is not an error of ours.
    child.stdin?.on('error', () => {});
    if (child.results !== null) this.#listen(child.results);
    this.ended = child.ended.then((exit) => this.#ended(exit));
  }

  get pid(): number {
    return this.#child.pid;
  }

  /** Whether it stays after a job, and says how the job ended. */
  get isPersistent(): boolean {
    return this.config.mode === 'persistent';
  }

  /** Whether it can be given a job now. */
  get isWaiting(): boolean {
    return !this.isWorking && !this.#isSpent && !this.#isLeaving && !this.isLost && !this.#hasEnded;
  }

  get isWorking(): boolean {
    return this.#endJob !== null;
  }

  /**
   * It made itself useless. Its replacement waits until it has ended: otherwise there would be many if each does the same
   * at once.
   */
  get isLost(): boolean {
    return this.#isExpelled || this.#isClosed;
  }

  /** A prestarted child was given its only job, a persistent child as many as it may run. */
  get #isSpent(): boolean {
    return this.isPersistent
      ? this.#jobs >= (this.config.maxJobs ?? Number.POSITIVE_INFINITY)
      : this.#jobs > 0;
  }

  /** Whether it has done a job. */
  get hasServed(): boolean {
    return this.isPersistent ? this.#results > 0 : this.#endedAtWork;
  }

  /** Whether it ended, or had to be ended, while it was wanted, outside of its work. */
  isFault({ exitCode }: ExitStatus): boolean {
    if (this.#isExpelled) return true;
    return !this.#isLeaving && !this.#endedAtWork && !(this.hasServed && exitCode === 0);
  }

  /** What it printed while it had no job, for people. */
  get lastWords(): string {
    return this.#output.lastWords;
  }

  /**
   * Whether it is still there to take a job. Asks the system, which may not have told us of its end yet. Not for a
   * persistent child: it tells that nothing was read, and asking would double the cost of a small job.
   */
  isAlive(): boolean {
    if (this.#hasEnded) return false;
    // STDIN is destroyed at the exit; the end comes once its pipes are closed, too.
    return this.isPersistent ? this.#child.stdin?.destroyed === false : !this.#child.hasExited();
  }

  /** Of its job; unknown for one of many jobs. */
  get usage(): JobUsage {
    return this.isPersistent ? {} : this.#child.usage;
  }

  /** Gives it a job. Its output goes to `sink`. */
  run(payload: Buffer, sink: OutputSink): Promise<JobEnd> {
    if (!this.isWaiting) throw new Error('a child is not waiting for a job');
    this.hasJob = true;
    this.#jobs += 1;
    // A program that was started for its job would have printed this during the job.
    this.#output.give(sink, !this.isPersistent);
    this.#delivery = this.isPersistent
      ? new StdinDelivery(this.#child, payloadLine(payload), false)
      : new StdinDelivery(this.#child, payload, true);
    return new Promise((resolve) => {
      this.#endJob = resolve;
    });
  }

  /** Ends it, and it gets no other job: TERM, and KILL `killAfter` later. @param onKill its job gets KILL */
  end(onKill: () => void = () => {}): void {
    this.#isLeaving = true;
    this.#child.end(() => {
      if (this.isWorking) onKill();
    });
  }

  kill(): void {
    this.#isLeaving = true;
    this.#child.kill();
  }

  /**
   * Asks it to end: a persistent child by the end of its STDIN, a prestarted child by TERM, because it would take the end
   * for an empty payload. KILL follows after `killAfter`.
   */
  leave(): void {
    if (this.#isLeaving || this.#hasEnded) return;
    if (this.isPersistent) this.#letGo();
    else this.end();
  }

  #letGo(): void {
    this.#isLeaving = true;
    this.#child.stdin?.end();
    this.#child.killLater();
  }

  #listen(results: OutputPipe): void {
    const lines = new ResultLines(
      (line) => this.#hear(() => readResult(line)),
      () => this.#hear(() => breaches.tooLong),
    );
    results.onData((piece) => {
      // Otherwise a flood would delay everything else.
      if (this.#isDeaf) results.destroy();
      else lines.push(piece);
    });
    results.onClose(() => {
      if (this.#hasEnded) return;
      this.#isClosed = true;
      this.#closedTimer = setTimeout(() => this.#missResults(), closedLimitMs);
    });
  }

  /** Whether its results no longer matter. */
  get #isDeaf(): boolean {
    return this.#told?.kind === 'breach' || (this.#isLeaving && !this.isWorking);
  }

  #hear(read: () => JobResult): void {
    if (this.#isDeaf) return;
    const result = read();
    if (!this.isWorking) {
      this.#blame((result.kind === 'breach' ? result : breaches.unasked).sentence);
      this.end();
    } else if (this.#told !== null) {
      // The first result counts.
      this.end();
    } else {
      // An answer to a job that it has not read is the answer to another job.
      const isEarly = result.kind !== 'breach' && this.#delivery?.isRead === false;
      this.#told = isEarly ? breaches.early : result;
      if (this.#told.kind === 'breach') this.end();
      else this.#child.afterOutput(() => this.#settle());
    }
  }

  /** It can't answer any more, but is still alive: perhaps it is cleaning up. */
  #missResults(): void {
    if (this.#isDeaf || this.#hasEnded) return;
    const isOfJob = this.isWorking && this.#told === null;
    if (isOfJob) this.#told = breaches.closed;
    else if (!this.isWorking && !this.hasServed) this.#blame(breaches.closed.sentence);
    // A child that has not begun its job may leave.
    if (isOfJob && this.#delivery?.isUnread === false) this.end();
    else this.leave();
  }

  #blame(sentence: string): void {
    this.#isExpelled = true;
    void this.#output.take('stderr', Buffer.from(`\nit ${sentence}`));
  }

  #settle(): void {
    const answer = this.#told;
    if (!this.isWorking || answer === null || answer.kind === 'breach') return;
    this.#results += 1;
    // A signal to its job asked the child to end: now we have to end it.
    if (this.#isLeaving || this.#isSpent) this.#letGo();
    this.#concludeJob({ exit: noExit, answer, isUnread: false });
    this.#onServed();
  }

  #concludeJob(end: JobEnd): void {
    const endJob = this.#endJob;
    this.#endJob = null;
    this.#told = null;
    this.#output.job = null;
    endJob?.(end);
  }

  #ended(exit: ExitStatus): ExitStatus {
    this.#hasEnded = true;
    if (this.#closedTimer !== null) clearTimeout(this.#closedTimer);
    this.#settle();
    const breach = this.#told;
    const isUnread = (breach === null || breach === breaches.closed) && this.#delivery?.isUnread === true;
    this.#endedAtWork = this.isWorking && !isUnread;
    this.#concludeJob({ exit, answer: this.isPersistent ? (breach ?? noResult) : null, isUnread });
    return exit;
  }
}

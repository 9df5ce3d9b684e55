/**
 * A child that was started before its job, and waits for it on STDIN.
 *
 *     prestarted:  waiting ──run──▶ working ──exit──▶ ended              (and then it is as any other child of a job)
 *     persistent:  waiting ──run──▶ working ──result──▶ waiting ─ ─ ▶ …
 *                     └──leave, or a result that is none──▶ leaving ──exit, at the latest by KILL──▶ ended
 *
 * It belongs to one slot and one queue, because its arguments and environment say which.
 */
import type { RunnerConfig } from '../config/config.ts';
import type { OutputStream } from '../protocol/job.ts';
import { type Child, startChild } from './child.ts';
import type { JobProcess, JobProcessHooks } from './job-process.ts';
import { type JobResult, ResultLines, readResult, resultLimitBytes } from './job-result.ts';
import type { ExitStatus } from './libc.ts';
import { OutputTail } from './output-tail.ts';
import { payloadLine } from './payload-line.ts';
import { commandOf, environmentOf } from './program.ts';
import type { Runner, Slot } from './runner.ts';

export interface StandbySpec {
  readonly runner: Runner;
  readonly slot: Slot;
  readonly queue: string;
  /** Tells this runner process from all others, in its environment. */
  readonly mark: string;
}

export interface StandbyHooks {
  /** It can run another job, or will run none any more. */
  onFree(): void;
  /** Its process has ended, with or without a job. */
  onEnd(end: ExitStatus): void;
  onStartFailed(reason: string): void;
}

/** Where a persistent child finds the number of the descriptor for its results. */
const resultVariable = 'RESQUE_RESULT_FD';
const resultDescriptor = 3;
const lastWordsLimit = 300;
const closedLimitMs = 200;
/** As many as a pipe of Linux holds; of a longer payload it can't be known for certain that nothing was read. */
const pipeBytes = 64 * 1024;

export class StandbyChild implements JobProcess {
  readonly runner: Runner;
  readonly slot: Slot;
  readonly queue: string;
  /** What it was started by; the runner's may be another by now. */
  readonly config: RunnerConfig;
  readonly startedAtMs = performance.now();
  readonly #mark: string;
  readonly #hooks: StandbyHooks;
  #child: Child | null = null;
  #job: JobProcessHooks | null = null;
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
  #killTimer: NodeJS.Timeout | null = null;
  #closedTimer: NodeJS.Timeout | null = null;
  /** What it printed without a job; made when there is something. */
  #printed: Partial<Record<OutputStream, OutputTail>> = {};
  /** How its job ended, as long as output of the job may be on its way. */
  #told: JobResult | null = null;
  /** As many unread bytes mean that nothing of the job was read. */
  #unreadBytes = 0;

  constructor({ runner, slot, queue, mark }: StandbySpec, hooks: StandbyHooks) {
    this.runner = runner;
    this.slot = slot;
    this.queue = queue;
    this.config = runner.config;
    this.#mark = mark;
    this.#hooks = hooks;
  }

  get pid(): number {
    return this.#child?.pid ?? 0;
  }

  /** Whether a job has ended only when it says so. */
  get mustAnswer(): boolean {
    return this.#isPersistent;
  }

  get #isPersistent(): boolean {
    return this.config.mode === 'persistent';
  }

  /** Whether it can be given a job now. */
  get isWaiting(): boolean {
    return (
      this.#child !== null && this.#job === null && !this.#isLeaving && !this.#hasEnded && !this.#isSpent
    );
  }

  get isWorking(): boolean {
    return this.#job !== null;
  }

  /** A prestarted one has been given its only job, a persistent one as many as it may run. */
  get #isSpent(): boolean {
    return this.#isPersistent
      ? this.#jobs >= (this.config.maxJobs ?? Number.POSITIVE_INFINITY)
      : this.#jobs > 0;
  }

  /** Whether it has done a job. */
  get hasServed(): boolean {
    return this.#isPersistent ? this.#results > 0 : this.#endedAtWork;
  }

  /** Whether it ended, or had to be ended, although it was wanted: not at its work, and not after it. */
  isFault({ exitCode }: ExitStatus): boolean {
    if (this.#isExpelled) return true;
    return !this.#isLeaving && !this.#endedAtWork && !(this.hasServed && exitCode === 0);
  }

  /** What it printed while it had no job, for people. */
  get lastWords(): string {
    const { stderr, stdout } = this.#printed;
    return (stderr?.text().trim() || stdout?.text().trim() || '').slice(-lastWordsLimit);
  }

  /** @returns false where the program can't be started; `onStartFailed` says why, a little later */
  start(): boolean {
    const { config, queue, slot } = this;
    const env = environmentOf(config, { queue, worker: slot.worker, mark: this.#mark });
    if (this.#isPersistent) env.push(`${resultVariable}=${resultDescriptor}`);
    const spec = {
      command: commandOf(config, queue),
      cwd: config.cwd,
      env,
      stdin: 'pipe' as const,
      hasResults: this.#isPersistent,
    };
    this.#child = startChild(spec, {
      onOutput: (stream, chunk) => this.#takeOutput(stream, chunk),
      onEnd: (end) => this.#ended(end),
      onStartFailed: (reason) => this.#hooks.onStartFailed(reason),
    });
    if (this.#child === null) return false;
    // What it leaves unread when it ends is no error of ours.
    this.#child.stdin?.on('error', () => {});
    if (this.#child.results !== null) this.#listen(this.#child);
    return true;
  }

  #takeOutput(stream: OutputStream, chunk: Buffer): void {
    if (this.#job === null) this.#keep(stream, chunk);
    else this.#job.onOutput(stream, chunk);
  }

  #keep(stream: OutputStream, chunk: Buffer): void {
    this.#printed[stream] ??= new OutputTail();
    this.#printed[stream].push(chunk);
  }

  /**
   * Whether it is still there to take a job; what the system has not told us yet is asked for. Of a persistent child
   * we would hear that it has read nothing, and asking costs as much as all else about a small job.
   */
  isAlive(): boolean {
    if (this.#child === null || this.#hasEnded) return false;
    return this.#isPersistent || !this.#child.hasExited();
  }

  /** Gives it a job. */
  run(payload: Buffer, hooks: JobProcessHooks): void {
    const stdin = this.#child?.stdin;
    if (stdin === null || stdin === undefined || !this.isWaiting)
      throw new Error('a child is not waiting for a job');
    this.#jobs += 1;
    this.#job = hooks;
    const bytes = this.#isPersistent ? payloadLine(payload) : payload;
    this.#unreadBytes = bytes.length <= pipeBytes ? bytes.length : Number.POSITIVE_INFINITY;
    // A program that was started for its job would have printed this meanwhile.
    if (!this.#isPersistent) this.#replay(hooks);
    this.#printed = {};
    stdin.write(bytes);
    if (!this.#isPersistent) stdin.end();
  }

  #replay(hooks: JobProcessHooks): void {
    for (const stream of ['stdout', 'stderr'] as const) {
      const printed = this.#printed[stream];
      if (printed !== undefined) hooks.onOutput(stream, Buffer.from(printed.text()));
    }
  }

  /** Ends it: with TERM, or where that is not enough `killAfter` later with KILL. It is given no other job. */
  signal(name: NodeJS.Signals): void {
    this.#isLeaving = true;
    this.#child?.signal(name);
    this.#killLater();
  }

  /**
   * It is not wanted any more: a persistent one is told by the end of its STDIN, a prestarted one by TERM, since it
   * would take an end for an empty payload. KILL follows after `killAfter`.
   */
  leave(): void {
    if (this.#isLeaving || this.#hasEnded) return;
    if (!this.#isPersistent) {
      this.signal('SIGTERM');
      return;
    }
    this.#isLeaving = true;
    this.#child?.stdin?.end();
    this.#killLater();
  }

  #killLater(): void {
    const kill = () => this.#child?.signal('SIGKILL');
    this.#killTimer ??= setTimeout(kill, this.config.killAfterSeconds * 1_000);
  }

  #listen({ results }: Child): void {
    const lines = new ResultLines(
      (line) => this.#takeResult(readResult(line)),
      () =>
        this.#takeResult({
          kind: 'breach',
          sentence: `wrote a result of more than ${resultLimitBytes / 2 ** 20} MiB to descriptor 3`,
        }),
    );
    results?.onData((piece) => lines.push(piece));
    results?.onClose(() => {
      // A process that exits closes it a moment before its end can be seen.
      this.#closedTimer = setTimeout(() => {
        this.#takeResult({ kind: 'breach', sentence: 'closed its descriptor 3' });
      }, closedLimitMs);
    });
  }

  #takeResult(result: JobResult): void {
    if (this.#isLeaving && this.#job === null) return;
    if (this.#job === null || this.#told !== null) {
      if (this.#job === null) {
        this.#isExpelled = true;
        this.#keep('stderr', Buffer.from('it wrote a result to descriptor 3 without a job'));
      }
      this.signal('SIGTERM');
      this.#hooks.onFree();
      return;
    }
    // Whoever answers without having read the job answers another one.
    const isEarly = result.kind !== 'breach' && (this.#child?.unreadBytes() ?? 0) > 0;
    this.#told = isEarly
      ? { kind: 'breach', sentence: 'wrote a result to descriptor 3 before it had read its job' }
      : result;
    if (this.#told.kind === 'breach') this.signal('SIGTERM');
    this.#child?.afterOutput(() => this.#settle());
  }

  #settle(): void {
    const job = this.#job;
    const told = this.#told;
    if (job === null || told === null) return;
    this.#job = null;
    this.#told = null;
    if (told.kind !== 'breach') this.#results += 1;
    if (this.#isSpent) this.leave();
    job.onResult(told);
    this.#hooks.onFree();
  }

  #ended(end: ExitStatus): void {
    this.#hasEnded = true;
    for (const timer of [this.#killTimer, this.#closedTimer]) if (timer !== null) clearTimeout(timer);
    this.#settle();
    const job = this.#job;
    this.#job = null;
    const isUnread = (this.#child?.unreadBytes() ?? 0) >= this.#unreadBytes;
    this.#endedAtWork = job !== null && !isUnread;
    job?.onEnd(end, isUnread);
    this.#hooks.onEnd(end);
  }
}

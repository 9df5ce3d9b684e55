/**
 * One job from its start to its outcome: the child, its limits in time and output, and the words for what
 * became of it.
 *
 *     starting ─▶ running ──exit──▶ ended        running ──kill──▶ TERM ──killAfter──▶ KILL ──▶ ended
 */
import type { FailureSummary, KillReason } from '../../protocol/events.ts';
import type { JobOutcome, JobView, OutputStream } from '../../protocol/job.ts';
import { exceptions, failureRecord } from '../../resque/format/failure-record.ts';
import { cut, type InvalidPayload, refusalText } from '../../resque/format/payload.ts';
import { OutputTail } from '../output/output-tail.ts';
import type { TakenJob } from '../pools/taken-job.ts';
import { type Child, type Hold, startChild } from '../process/child.ts';
import type { JobProcess, JobProcessEnd, JobProcessHooks } from '../process/job-process.ts';
import { type ExitStatus, noExit } from '../process/libc.ts';
import { commandOf, environmentOf } from '../process/program.ts';
import { type JobResult, noResult } from '../process/result-lines.ts';
import { checkStartable } from '../process/startable.ts';
import type { WarmChild } from '../warm/warm-child.ts';
import { type FailureReport, failureReport } from './failure-report.ts';

export interface JobEnd {
  readonly outcome: JobOutcome;
  readonly durationMs: number;
  readonly end: ExitStatus;
  /** Set where it failed: the record for Redis, and its words for people. */
  readonly failure: { readonly record: string; readonly summary: FailureSummary } | null;
  /** Set where it turned out that its program never ran, with the reason; the outcome is then `requeued`. */
  readonly unstartable: string | null;
}

export interface JobHooks {
  onOutput(job: Job, stream: OutputStream, chunk: Buffer, atMs: number): Hold;
  onKilled(job: Job, signal: NodeJS.Signals, reason: KillReason): void;
  onEnd(job: Job, end: JobEnd): void;
  /** The child that stood by for it has ended without having read it: it can be started anew. */
  onUnread(job: Job): void;
  onStartFailed(job: Job, reason: string): void;
}

/** What `env`, or a shell, says of a command that it can't find, and of one that it finds but can't run. */
const exitsNotStarted: readonly (number | null)[] = [127, 126];
/** Error texts for people; the record has all of it. */
const summaryErrorLimit = 1_000;
/** Bytes of a payload that was refused, in the failure's error; the record has all of it. */
const refusedTextLimit = 200;

export class Job {
  readonly id: string;
  readonly taken: TakenJob;
  readonly #hooks: JobHooks;
  readonly #mark: string;
  /** Made when there is something: most jobs print nothing on one of them. */
  readonly #output: Partial<Record<OutputStream, OutputTail>> = {};
  readonly #printedAtMs = { stdout: 0, stderr: 0 };
  #process: JobProcess | null = null;
  /** The same, where it was started for this job. */
  #ownChild: Child | null = null;
  #isAlone = true;
  #wasStartedAnew = false;
  /** Whether its process stays, and has to say how the job ended. */
  #mustAnswer = false;
  /** What it has said. */
  #result: JobResult | null = null;
  #startedAtMs = 0;
  #startedAt = 0;
  #killedFor: KillReason | null = null;
  #timers: NodeJS.Timeout[] = [];

  /** @param mark tells this runner process from all others, in the environment of its jobs */
  constructor(id: string, taken: TakenJob, mark: string, hooks: JobHooks) {
    this.id = id;
    this.taken = taken;
    this.#mark = mark;
    this.#hooks = hooks;
  }

  get pid(): number {
    return this.#process?.pid ?? 0;
  }

  /** Whether its process was started for it, and ends with it. */
  get isAlone(): boolean {
    return this.#isAlone;
  }

  /** When a stream last brought anything, milliseconds since the epoch; 0 where it never did. */
  printedAtMs(stream: OutputStream): number {
    return this.#printedAtMs[stream];
  }

  /** The end of what a stream has brought. @param bytes at most some thousands */
  lastOutput(stream: OutputStream, bytes: number): Buffer {
    return this.#output[stream]?.end(bytes) ?? Buffer.alloc(0);
  }

  get view(): JobView {
    const { payload, queue, pool, slot } = this.taken;
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
    };
  }

  /**
   * @param child that stands by for it; `null`: one is started for this job alone
   * @returns false where the program can't be started; `onStartFailed` says why, a little later
   */
  start(child: WarmChild | null): boolean {
    const { payload, pool } = this.taken;
    const { timeoutSeconds } = pool.config;
    this.#startedAtMs = Date.now();
    this.#startedAt = performance.now();
    if (child === null) this.#ownChild = this.#startChild();
    this.#process = child ?? this.#ownChild;
    this.#isAlone = child === null;
    this.#mustAnswer = child?.isPersistent ?? false;
    child?.run(payload.bytes, this.#processHooks);
    if (this.#process === null) return false;
    if (timeoutSeconds !== null) this.#after(timeoutSeconds, () => this.#timeOut());
    return true;
  }

  #startChild(): Child | null {
    const { payload, queue, pool, slot } = this.taken;
    const { config } = pool;
    return startChild(
      {
        command: commandOf(config, queue),
        cwd: config.cwd,
        env: environmentOf(config, { queue, worker: slot.worker, mark: this.#mark }),
        stdin: payload.bytes,
        hasResults: false,
      },
      {
        ...this.#processHooks,
        onEnd: (status) => this.#ended({ status, isUnread: false, breach: null }),
        onStartFailed: (reason) => this.#hooks.onStartFailed(this, reason),
      },
    );
  }

  get #processHooks(): JobProcessHooks {
    return {
      onOutput: (stream, chunk) => {
        const atMs = Date.now();
        this.#printedAtMs[stream] = atMs;
        this.#output[stream] ??= new OutputTail();
        this.#output[stream].push(chunk);
        return this.#hooks.onOutput(this, stream, chunk, atMs);
      },
      onEnd: (end) => this.#ended(end),
      onResult: (result) => this.#answered(result),
    };
  }

  /** TERM to its process group, then KILL `killAfter` later; with `SIGKILL` at once. */
  kill(reason: KillReason, signal: 'SIGTERM' | 'SIGKILL' = 'SIGTERM'): void {
    if (this.#process === null) return;
    this.#killedFor ??= reason;
    this.#process.signal(signal);
    this.#hooks.onKilled(this, signal, reason);
    if (signal === 'SIGKILL') return;
    this.#after(this.taken.pool.config.killAfterSeconds, () => this.kill(reason, 'SIGKILL'));
  }

  #timeOut(): void {
    // Its last output may come late: it was in time all the same.
    if (this.#ownChild?.hasExited() !== true) this.kill('timeout');
  }

  #after(seconds: number, act: () => void): void {
    // Longer than setTimeout can count: no limit that anyone would see the end of.
    const milliseconds = Math.min(seconds * 1000, 2 ** 31 - 1);
    this.#timers.push(setTimeout(act, milliseconds));
  }

  #answered(result: JobResult): void {
    this.#result = result;
    this.#conclude(noExit, this.#over());
  }

  /** @returns how long it took, in milliseconds */
  #over(): number {
    for (const timer of this.#timers) clearTimeout(timer);
    return Math.round(performance.now() - this.#startedAt);
  }

  #ended({ status: end, isUnread, breach }: JobProcessEnd): void {
    const durationMs = this.#over();
    if (isUnread && this.#killedFor === null && !this.#wasStartedAnew) {
      this.#wasStartedAnew = true;
      this.#hooks.onUnread(this);
      return;
    }
    this.#result = breach;
    // How it ended was our doing then.
    if (breach !== null && this.#killedFor === null) this.#conclude(noExit, durationMs);
    else if (exitsNotStarted.includes(end.exitCode) && this.#killedFor === null)
      void this.#doubt(end, durationMs);
    else this.#conclude(end, durationMs);
  }

  /**
   * `#!/usr/bin/env ruby` without a ruby does start: env, which then says 127, or 126 if a directory of PATH can't be
   * searched. A script says the same if one of its commands is missing, and that is a failure like any other.
   */
  async #doubt(end: ExitStatus, durationMs: number): Promise<void> {
    const verdict = await checkStartable(this.taken.pool.config);
    if (verdict.ok || !verdict.isCertain) {
      this.#conclude(end, durationMs);
      return;
    }
    const unstartable = verdict.reason;
    this.#hooks.onEnd(this, { outcome: 'requeued', durationMs, end, failure: null, unstartable });
  }

  #conclude(end: ExitStatus, durationMs: number): void {
    const facts = { durationMs, end, failure: null, unstartable: null };
    const { config } = this.taken.pool;
    const isSuccess = this.#mustAnswer ? this.#result?.kind === 'success' : end.exitCode === 0;
    // A job that ended well although we had told it to stop has done its work, unless it was out of time.
    if (isSuccess && this.#killedFor !== 'timeout') {
      this.#hooks.onEnd(this, { ...facts, outcome: 'succeeded' });
      return;
    }
    if (this.#killedFor === 'shutdown' && config.interrupted === 'requeue') {
      this.#hooks.onEnd(this, { ...facts, outcome: 'requeued' });
      return;
    }
    const report = failureReport({
      end,
      killedFor: this.#killedFor,
      timeoutSeconds: config.timeoutSeconds,
      answer: this.#mustAnswer ? (this.#result ?? noResult) : null,
      stderr: this.#output.stderr?.text() ?? '',
      stdout: this.#output.stdout?.text() ?? '',
    });
    const failure = describeFailure(this.taken, this.id, report, end);
    this.#hooks.onEnd(this, { ...facts, outcome: 'failed', failure });
  }
}

type DescribedFailure = NonNullable<JobEnd['failure']>;

/** A payload that no program could make sense of is a failure that never ran. */
export function describeRefusal(job: TakenJob, payload: InvalidPayload): DescribedFailure {
  const text = payload.original.subarray(0, refusedTextLimit).toString('utf8');
  const error = `${refusalText(payload)}${text === '' ? '' : `: ${text}`}`;
  const report = { exception: exceptions.invalidPayload, error, backtrace: [], stderr: '', stdout: '' };
  return describeFailure(job, null, report, noExit);
}

function describeFailure(
  job: TakenJob,
  jobId: string | null,
  report: FailureReport,
  end: ExitStatus,
): DescribedFailure {
  const { payload, queue, slot } = job;
  const { exception, error, backtrace, stderr, stdout } = report;
  const { exitCode, signal } = end;
  const record = failureRecord({
    failedAt: new Date(),
    worker: slot.worker,
    queue,
    payload,
    exception,
    error,
    backtrace,
    exitCode,
    signal,
    stderr,
    stdout,
  });
  const summary: FailureSummary = {
    queue,
    jobId,
    jobClass: payload.isObject ? payload.jobClass : null,
    exception: cut(exception, summaryErrorLimit),
    error: cut(error, summaryErrorLimit),
    exitCode,
    signal,
  };
  return { record, summary };
}

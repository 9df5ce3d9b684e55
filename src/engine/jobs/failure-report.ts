/**
 * Turns what a failed job left into what is recorded. A job may explain itself on STDERR: with a JSON object, with a JSON
 * object as its last line, with the traceback that its language prints, in words, or not at all.
 */
import type { FailureSummary, KillReason } from '../../protocol/events.ts';
import type { JobUsage } from '../../protocol/job.ts';
import { exceptions, failureRecord } from '../../resque/format/failure-record.ts';
import { asObject, jsonText, type Members, parsedJson } from '../../resque/format/json.ts';
import { cut, type InvalidPayload, refusalText } from '../../resque/format/payload.ts';
import { failedAtText } from '../../resque/format/timestamps.ts';
import { type ExitStatus, noExit } from '../launch/libc.ts';
import { outputLimitBytes } from '../output/output-tail.ts';
import { payloadFor, type TakenJob } from '../pools/taken-job.ts';
import { type JobResult, noResult } from '../process/result-lines.ts';
import { readTraceback } from './traceback.ts';

export interface FailureReport {
  readonly exception: string;
  readonly error: string;
  readonly backtrace: readonly string[];
  /** Stderr that is not already in `error`; '' if nothing is left. */
  readonly stderr: string;
  readonly stdout: string;
}

/** How a run ended that did not succeed. */
export interface FailedRun {
  readonly end: ExitStatus;
  /** Set if we killed the job. */
  readonly killedFor: KillReason | null;
  readonly timeoutSeconds: number | null;
  /** What a persistent child said; `null` for a child that says it by its exit. */
  readonly answer: JobResult | null;
  readonly stderr: string;
  readonly stdout: string;
  /** Left out if unknown. */
  readonly usage?: JobUsage;
}

/** What is written of a failed job: the record for Redis, and its words for people. */
export interface Failure {
  readonly record: string;
  readonly summary: FailureSummary;
}

/** Characters of an error for people; the record has all of it. */
const summaryErrorLimit = 1_000;
/** Bytes of a refused payload in the failure's error; the record has all of it. */
const refusedTextLimit = 200;

/** @param note a sentence to add to the error; '' for none */
export function failureOf(taken: TakenJob, jobId: string, run: FailedRun, note = ''): Failure {
  const report = failureReport(run);
  const error = note === '' ? report.error : `${report.error} (${note})`;
  return describe(taken, jobId, { ...report, error }, run);
}

/** A payload that no program could understand is a failure that never ran. */
export function refusalOf(taken: TakenJob, payload: InvalidPayload): Failure {
  const text = payload.original.subarray(0, refusedTextLimit).toString('utf8');
  const error = `${refusalText(payload)}${text === '' ? '' : `: ${text}`}`;
  const report = { exception: exceptions.invalidPayload, error, backtrace: [], stderr: '', stdout: '' };
  return describe(taken, null, report, { end: noExit });
}

function describe(
  taken: TakenJob,
  jobId: string | null,
  report: FailureReport,
  { end, usage = {} }: Pick<FailedRun, 'end' | 'usage'>,
): Failure {
  const { queue, slot, pool, attempt } = taken;
  const payload = payloadFor(taken);
  const failedAt = new Date();
  // As other tools can't know a policy, the record tells what came of it.
  const attempts = pool.config.retry === null && attempt === null ? null : (attempt?.number ?? 1);
  const firstFailedAt = attempts === null ? null : (attempt?.firstFailedAt ?? failedAtText(failedAt));
  const { exitCode, signal } = end;
  const { worker } = slot;
  return {
    record: failureRecord({
      ...{ failedAt, worker, queue, payload, attempts, firstFailedAt, exitCode, signal },
      ...report,
      ...usage,
    }),
    summary: {
      queue,
      jobId,
      jobClass: payload.isObject ? payload.jobClass : null,
      exception: cut(report.exception, summaryErrorLimit),
      error: cut(report.error, summaryErrorLimit),
      exitCode,
      signal,
    },
  };
}

export function failureReport(run: FailedRun): FailureReport {
  const told = run.answer?.kind === 'failure' ? answered(run.answer.told, run.stderr) : toldBy(run.stderr);
  const cause = causeOf(run);
  const { stdout } = run;
  if (told.object !== null) {
    const ownError = wordsOf(told.object.error);
    const error = ownError ?? cause?.sentence ?? exitSentence(run.end);
    return {
      exception: cause?.isOurs
        ? cause.exception
        : (wordsOf(told.object.exception) ?? exceptions.unclassified),
      error: cause?.isOurs && error !== cause.sentence ? `${cause.sentence}: ${error}` : error,
      backtrace: backtraceOf(told.object.backtrace),
      // Without an error, the rest of the object may be all the information there is.
      stderr: ownError === null ? run.stderr.trimEnd() : told.rest,
      stdout,
    };
  }
  const text = told.rest;
  const traceback = cause === null ? readTraceback(text) : null;
  if (traceback !== null) {
    return { ...traceback, error: traceback.error || exitSentence(run.end), stderr: text, stdout };
  }
  const sentence = cause?.sentence ?? `${exitSentence(run.end)}, nothing on stderr`;
  const explained = cause === null ? text : `${sentence}: ${text}`;
  const error = text === '' ? sentence : explained;
  return { exception: cause?.exception ?? exceptions.unclassified, error, backtrace: [], stderr: '', stdout };
}

interface Cause {
  readonly exception: string;
  readonly sentence: string;
  /** Whether this runner ended the job: then that is the failure, whatever the job says. */
  readonly isOurs: boolean;
}

function causeOf({ end, killedFor, timeoutSeconds, answer }: FailedRun): Cause | null {
  const ours = (exception: string, sentence: string) => ({ exception, sentence, isOurs: true });
  if (killedFor === 'timeout') return ours(exceptions.timeout, `timed out after ${timeoutSeconds} s`);
  if (killedFor === 'shutdown') return ours(exceptions.terminated, 'killed by the shutdown of its runner');
  if (killedFor !== null) return ours(exceptions.dirtyExit, 'killed on request');
  if (end.signal !== null) {
    return { exception: exceptions.dirtyExit, sentence: exitSentence(end), isOurs: false };
  }
  // A child that failed by itself, with an exit code and words, is treated like any other.
  if (answer?.kind !== 'breach' || (answer === noResult && end.exitCode !== 0)) return null;
  return ours(exceptions.invalidResult, `the persistent child ${answer.sentence}`);
}

function exitSentence(end: ExitStatus): string {
  if (end.signal === null && end.exitCode === null) return 'it did not say why';
  return end.signal === null ? `exit code ${end.exitCode}` : `killed by signal ${end.signal}`;
}

/** The members of a job's result or report, whether it failed or not; `null` if there is none. */
export function toldIn({ answer, stderr }: Pick<FailedRun, 'answer' | 'stderr'>): Members | null {
  if (answer === null) return toldBy(stderr).object;
  return answer.kind === 'breach' ? null : answer.told;
}

interface Told {
  readonly object: Members | null;
  readonly rest: string;
}

/** The same limit as for STDERR. */
const resultTextLimit = outputLimitBytes;

const knownMembers = ['exception', 'error', 'backtrace', 'retry', 'retry_in', 'snooze'] as const;

/** STDERR is then not a report but additional output. */
function answered(told: Members, stderr: string): Told {
  const text = (value: unknown) => (typeof value === 'string' ? cut(value, resultTextLimit) : value);
  return {
    object: { ...told, exception: text(told.exception), error: text(told.error) },
    rest: stderr.trimEnd(),
  };
}

/** All of STDERR as a JSON object with a known member, or its last non-empty line as one with an exception or error. */
function toldBy(stderr: string): Told {
  const text = stderr.trimEnd();
  const whole = parseObject(text);
  if (whole !== null) {
    const isReport = knownMembers.some((name) => name in whole);
    return isReport ? { object: whole, rest: '' } : { object: null, rest: text };
  }
  const lineStart = text.lastIndexOf('\n') + 1;
  const last = parseObject(text.slice(lineStart));
  if (last !== null && ('exception' in last || 'error' in last || 'snooze' in last || 'retry_in' in last)) {
    return { object: last, rest: text.slice(0, lineStart).trimEnd() };
  }
  return { object: null, rest: text };
}

function parseObject(text: string): Members | null {
  const trimmed = text.trim();
  if (!trimmed.startsWith('{') || !trimmed.endsWith('}')) return null;
  return asObject(parsedJson(trimmed));
}

/** A member as text; `null` if it is empty. */
function wordsOf(value: unknown): string | null {
  if (value === undefined || value === null || value === '') return null;
  return typeof value === 'string' ? value : jsonText(value);
}

function backtraceOf(value: unknown): string[] {
  if (value === undefined || value === null || value === '') return [];
  if (typeof value === 'string') return value.trimEnd().split(/\r?\n/);
  if (Array.isArray(value)) return value.map((line) => wordsOf(line) ?? '');
  return [jsonText(value)];
}

/**
 * Whether a job that has ended runs again, and when. The policy of its entry decides; the job may say more: in its failure
 * report on STDERR, or in the result of a persistent child.
 *
 *     "retry": false      it fails for good
 *     "retry_in": 30      the next run comes in 30 s, if there is one left
 *     {"snooze": 60}      it runs again in 60 s, even if its exit code is not 0: no failure, and no attempt
 */
import type { RetryPolicy, RetryRule } from '../../config/config.ts';
import type { FailureSummary } from '../../protocol/events.ts';
import type { AttemptView, NextRun } from '../../protocol/job.ts';
import { delayedForms } from '../../resque/delayed/retry-entry.ts';
import { failedAtText } from '../../resque/format/timestamps.ts';
import {
  type Attempt,
  attemptOf,
  type Delayed,
  type Outcome,
  payloadFor,
  type TakenJob,
} from '../pools/taken-job.ts';
import { attemptInAdvance } from '../process/program.ts';
import { type FailedRun, type Failure, failureOf, toldIn } from './failure-report.ts';

/** What a job says about its next run. */
export interface Wishes {
  /** False if it asks to fail for good. */
  readonly isRetryable: boolean;
  /** Seconds; `null` if it doesn't say. */
  readonly retryInSeconds: number | null;
  /** Seconds; `null` if it doesn't ask for it. */
  readonly snoozeSeconds: number | null;
}

/** Longer delays are cut: by then, nobody remembers. */
const longestDelaySeconds = 10 * 365 * 86_400;

/** How many characters of the error are kept with a waiting retry. */
const longestError = 200;

const cantWait = 'not retried: a delayed job needs a class and an array of args';

/** @param told the members of its report or result */
export function wishesIn(told: Readonly<Record<string, unknown>> | null): Wishes {
  return {
    isRetryable: told?.retry !== false,
    retryInSeconds: delayOf(told?.retry_in),
    snoozeSeconds: delayOf(told?.snooze),
  };
}

function delayOf(value: unknown): number | null {
  const isDelay = typeof value === 'number' && value >= 0;
  return isDelay ? Math.min(value, longestDelaySeconds) : null;
}

/** The rule for a job of this class. */
export function ruleFor(policy: RetryPolicy, jobClass: string | null): RetryRule {
  const isOwn = jobClass !== null && Object.hasOwn(policy.classes, jobClass);
  return (isOwn ? policy.classes[jobClass] : undefined) ?? policy;
}

/** A failure, as far as it decides about a retry. */
export interface FailedAttempt {
  readonly exception: string;
  readonly exitCode: number | null;
  readonly wishes: Wishes;
}

/** @returns seconds until the next run; `null` if the job has failed for good */
export function retryDelay(
  rule: RetryRule,
  attempt: number,
  { exception, exitCode, wishes }: FailedAttempt,
  random: () => number = Math.random,
): number | null {
  const { on, attempts, firstDelaySeconds, longestDelaySeconds: longest, jitter } = rule;
  const isMeant = on === 'any' || on.some((cause) => cause === exception || cause === exitCode);
  if (attempt >= attempts || !isMeant || !wishes.isRetryable) return null;
  if (wishes.retryInSeconds !== null) return wishes.retryInSeconds;
  return Math.min(longest, firstDelaySeconds * 2 ** (attempt - 1)) * (1 + random() * jitter);
}

/** Which of the job's runs this is. */
function currentAttempt({ attempt }: Pick<TakenJob, 'attempt'>): Attempt {
  return attempt ?? attemptOf('');
}

/** The same for people and for the job's program; `null` if its pool doesn't retry jobs. */
export function attemptView(taken: TakenJob): AttemptView | null {
  const rule = ruleOf(taken);
  return rule === null ? null : { number: currentAttempt(taken).number, of: rule.attempts };
}

/** Whether a warm child was told the truth about the attempt of this job. */
export function isKnownInAdvance(taken: TakenJob): boolean {
  const [told, actual] = [attemptInAdvance(taken.pool.config), attemptView(taken)];
  return told === null || (told.number === actual?.number && told.of === actual.of);
}

/** What follows from a run; the summary is set if it failed. */
interface RunEnd {
  readonly outcome: Outcome;
  readonly summary: FailureSummary | null;
}

/** @param isSuccess as its program says */
export function endOf(taken: TakenJob, jobId: string, run: FailedRun, isSuccess: boolean): RunEnd {
  const rule = ruleOf(taken);
  const { killedFor, end } = run;
  if (rule !== null && killedFor === null) {
    const { snoozeSeconds } = wishesIn(toldIn(run));
    const again =
      snoozeSeconds === null ? '' : delayed(taken, 'snooze', snoozeSeconds, failureOf(taken, jobId, run));
    if (typeof again !== 'string') return { outcome: again, summary: null };
  }
  // A job that succeeded after we told it to stop has done its work, unless it was out of time.
  if (isSuccess && killedFor !== 'timeout') return { outcome: { kind: 'success' }, summary: null };
  if (killedFor === 'shutdown' && taken.pool.config.interrupted === 'requeue') {
    return { outcome: { kind: 'requeue' }, summary: null };
  }
  const failure = failureOf(taken, jobId, run);
  const { record, summary } = failure;
  // What a shutdown has cut off follows `interrupted`.
  if (rule === null || killedFor === 'shutdown') return { outcome: { kind: 'failure', record }, summary };
  const cause = { exception: summary.exception, exitCode: end.exitCode, wishes: wishesIn(toldIn(run)) };
  const delaySeconds = retryDelay(rule, currentAttempt(taken).number, cause);
  if (delaySeconds === null) return { outcome: { kind: 'failure', record }, summary };
  const again = delayed(taken, 'retry', delaySeconds, failure);
  if (typeof again !== 'string') return { outcome: again, summary };
  const explained = failureOf(taken, jobId, run, again);
  return { outcome: { kind: 'failure', record: explained.record }, summary: explained.summary };
}

/** For `job.finished`: the run that follows, if one does. */
export function nextRun(taken: TakenJob, outcome: Outcome): { next?: NextRun } {
  if (outcome.kind !== 'retry' && outcome.kind !== 'snooze') return {};
  const { attempt: number, delaySeconds } = outcome;
  return { next: { number, of: ruleOf(taken)?.attempts ?? number, inSeconds: Math.ceil(delaySeconds) } };
}

/** The job waits and runs again. @returns a sentence if it can't wait */
function delayed(
  taken: TakenJob,
  kind: Delayed['kind'],
  delaySeconds: number,
  { record, summary }: Failure,
): Delayed | string {
  const payload = payloadFor(taken);
  const { number, firstFailedAt } = currentAttempt(taken);
  const isRetry = kind === 'retry';
  const queue = (isRetry ? ruleOf(taken)?.queue : null) ?? taken.queue;
  const forms = payload.isObject ? delayedForms(payload, queue) : null;
  if (forms === null) return cantWait;
  return {
    ...{ kind, delaySeconds, forms, record, payload: payload.bytes },
    attempt: isRetry ? number + 1 : number,
    firstFailedAt: isRetry ? (firstFailedAt ?? failedAtText(new Date())) : firstFailedAt,
    lastError: isRetry
      ? `${summary.exception}: ${summary.error}`.slice(0, longestError).toWellFormed()
      : null,
  };
}

function ruleOf({ pool, payload }: TakenJob): RetryRule | null {
  const { retry } = pool.config;
  return retry === null ? null : ruleFor(retry, payload.isObject ? payload.jobClass : null);
}

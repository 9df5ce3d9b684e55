import { type DelayedForms, entryText, readEntry, sha1Of } from '../../resque/delayed/retry-entry.ts';
import { type JobPayload, type Payload, readPayload } from '../../resque/format/payload.ts';
import { keysToDelete, type Moment } from '../../resque/format/plugin-keys.ts';
import { workerRecord } from '../../resque/format/worker-record.ts';
import type { BeginWrite, HeldJob, OutcomeWrite, ReturnWrite } from '../../resque/steps/step.ts';
import { type Pool, pluginsOf, type Slot } from './pool.ts';

/** A job with a slot and a record in Redis, or on its way there. It must be run or put back. */
export interface TakenJob {
  readonly pool: Pool;
  readonly slot: Slot;
  readonly queue: string;
  readonly payload: Payload;
  readonly takenAt: Date;
  /** At-least-once: it stays on the list of held jobs until its outcome is written. */
  readonly isHeld: boolean;
  /** The step that took it, as in its record; `null` until it is on record. */
  takenIn: number | null;
  /** `null` until it is known, and for pools that don't retry jobs. */
  attempt: Attempt | null;
  /** A step deletes the locks that its start releases, or has done so. */
  isUnlocked?: boolean;
}

/** Which of the job's runs this is. */
export interface Attempt {
  /** From 1. */
  readonly number: number;
  /** When the job failed first, as in failure records; `null` if it has not failed. */
  readonly firstFailedAt: string | null;
  /** The job as it was on its queue at first; `null` if that is what was taken now. */
  readonly payload: JobPayload | null;
  /** As it is in Redis; '' for a job that was never delayed. */
  readonly entry: string;
}

const firstAttempt: Attempt = { number: 1, firstFailedAt: null, payload: null, entry: '' };

/** @param entry as Redis had it; '' for none */
export function attemptOf(entry: string): Attempt {
  const known = entry === '' ? null : readEntry(entry);
  if (known === null) return firstAttempt;
  const payload = readPayload(known.payload);
  const { attempt: number, firstFailedAt } = known;
  return { number, firstFailedAt, payload: payload.isObject ? payload : null, entry };
}

/** The payload that the job's program gets. */
export function payloadFor({ payload, attempt }: TakenJob): Payload {
  return attempt?.payload ?? payload;
}

/** A job that waits as a delayed job and runs again. */
export interface Delayed {
  /** `retry` counts as a failure, `snooze` doesn't count. */
  readonly kind: 'retry' | 'snooze';
  readonly delaySeconds: number;
  readonly forms: DelayedForms;
  /** Of the run that follows. */
  readonly attempt: number;
  readonly firstFailedAt: string | null;
  /** For people; `null` for a snooze. */
  readonly lastError: string | null;
  readonly payload: Buffer;
  /** The failure record, in case that it can't wait. */
  readonly record: string;
}

/** How a job ended, for Redis. */
export type Outcome =
  | { readonly kind: 'success' }
  | { readonly kind: 'failure'; readonly record: string }
  | { readonly kind: 'requeue' }
  | Delayed;

/** See `keysToDelete`. */
export function pluginKeysOf({ pool, payload, queue }: TakenJob, ...moments: readonly Moment[]): string {
  const plugins = pluginsOf(pool.config);
  return plugins.length === 0 || !payload.isObject
    ? ''
    : keysToDelete(payload.bytes, queue, plugins, moments);
}

/** @param dueAt the time after a delay, in seconds by Redis' clock */
export function outcomeWrite(
  job: TakenJob,
  outcome: Outcome,
  dueAt: (delaySeconds: number) => number,
): OutcomeWrite {
  const { slot, queue, payload, isHeld, takenIn } = job;
  const { worker } = slot;
  const { statusName } = payloadFor(job);
  const held = isHeld ? { queue, payload: payload.bytes } : null;
  const share = shareOf(job);
  if (outcome.kind === 'success') {
    // Without a spread, which costs more than all the rest.
    const pluginKeys = pluginKeysOf(job, 'ended', 'over');
    return { kind: 'success', worker, held, takenIn, statusName, share, pluginKeys };
  }
  const about = { worker, held, takenIn, statusName, share };
  switch (outcome.kind) {
    case 'failure':
      return { ...about, ...outcome, pluginKeys: pluginKeysOf(job, 'ended', 'over') };
    case 'requeue':
      return { ...about, kind: 'requeue', queue, payload: payload.bytes };
    case 'retry':
    case 'snooze': {
      const { kind, record, delaySeconds, forms, payload: bytes } = outcome;
      const { attempt, firstFailedAt, lastError } = outcome;
      const dueSeconds = dueAt(delaySeconds);
      const { item, names } = forms;
      const known = { attempt, firstFailedAt, lastError, payload: bytes, dueSeconds, item };
      const entry = entryText(names, known);
      const pluginKeys = pluginKeysOf(job, 'ended');
      return { ...about, kind, dueSeconds, item, entry, record, pluginKeys };
    }
  }
}

/** A limited queue's job has a share of its limit while it runs. */
function shareOf({ pool, queue }: TakenJob): string | undefined {
  return pool.config.limit === null ? undefined : queue;
}

/** The write that records the job with its worker. */
export function beginWrite(job: TakenJob, step: number): BeginWrite {
  const { slot, pool, queue, payload, takenAt, attempt, isUnlocked = false } = job;
  // A job that was popped by BLPOP: its attempt isn't known before a step has looked.
  const unknown = pool.config.retry === null ? '' : sha1Of(payload.bytes);
  return {
    worker: slot.worker,
    record: workerRecord({ worker: slot.worker, queue, payload, runAt: takenAt, step, isUnlocked }),
    payload: payload.isObject && payload.isVerbatim ? null : payload.bytes,
    attempt: attempt === null ? unknown : attempt.entry,
    share: shareOf(job),
  };
}

/** Taken jobs that can't run and go back to their queues. */
export class RequeueBuffer {
  #jobs: TakenJob[] = [];

  push(job: TakenJob): void {
    this.#jobs.push(job);
  }

  /**
   * Jobs of pools that have no open reservations, last first: so they return to the heads of their queues in their original
   * order.
   */
  takeSettled(): TakenJob[] {
    const isSettled = ({ pool }: TakenJob) => pool.slots.every((slot) => slot.state !== 'reserved');
    const settled = this.#jobs.filter(isSettled);
    this.#jobs = this.#jobs.filter((job) => !isSettled(job));
    return settled.reverse();
  }
}

/** Jobs on the lists of held jobs that neither run, nor wait for their outcome to be written, nor are going back. */
export function unaccountedFor(
  held: readonly HeldJob[],
  running: Iterable<TakenJob>,
  outcomes: Iterable<OutcomeWrite>,
  returns: readonly ReturnWrite[],
): HeldJob[] {
  const rest = [...held];
  for (const { isHeld, queue, payload } of running) if (isHeld) takeOne(rest, queue, payload.bytes);
  for (const { held: job } of outcomes) if (job) takeOne(rest, job.queue, job.payload);
  for (const { isHeld, queue, payload } of returns) if (isHeld === true) takeOne(rest, queue, payload);
  return rest;
}

/** Takes one job like this out of a list. @returns whether there was one */
export function takeOne(jobs: HeldJob[], queue: string, payload: Buffer): boolean {
  const at = jobs.findIndex((job) => job.queue === queue && job.payload.equals(payload));
  if (at !== -1) jobs.splice(at, 1);
  return at !== -1;
}

/** Running jobs that are on none of these lists. */
export function missingFrom(held: readonly HeldJob[], running: Iterable<TakenJob>): TakenJob[] {
  const rest = [...held];
  return [...running].filter(({ queue, payload }) => !takeOne(rest, queue, payload.bytes));
}

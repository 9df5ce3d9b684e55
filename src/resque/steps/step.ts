/**
 * A step: one atomic script of a runner, in one round trip. It writes how jobs ended, then records jobs from BLPOP, then
 * pops a job for each free slot and records it on its worker. A job that it takes is always in a key: on its queue, or in
 * its worker's record.
 *
 * It writes what Resque writes, in Resque's order (`Resque::Worker#working_on`, `#done_working`,
 * `Resque::Failure::Redis.save`).
 */
import { keptSeconds } from '../delayed/retry-entry.ts';
import { trimArgument } from '../failed/failed-limit.ts';
import { jobStatuses } from '../format/job-status.ts';
import type { ResqueKeys } from '../format/keys.ts';
import { limitsArgument, type QueueLimits } from '../format/limits.ts';
import { heartbeatText, runAtText, startedText } from '../format/timestamps.ts';

/** How a job ended. */
export type OutcomeWrite = {
  readonly worker: string;
  /** The step that took the job, as in its worker's record; `null` if the job was never recorded. */
  readonly takenIn?: number | null;
  /** Set if the job is on a list of held jobs; the step removes it from there. */
  readonly held?: HeldJob | null;
  /** Name of the job's status, see job-status.ts; '' or left out if it can't have one. */
  readonly statusName?: string;
  /** Keys of plugins to delete, see `keysToDelete`; '' or left out for none. */
  readonly pluginKeys?: string;
  /** The queue whose limit the job has a share of; left out if it has none. */
  readonly share?: string | undefined;
} & (
  | { readonly kind: 'success' }
  | { readonly kind: 'failure'; readonly record: string | Buffer }
  /** Back to the head of its queue. Not counted. */
  | { readonly kind: 'requeue'; readonly queue: string; readonly payload: Buffer }
  | DelayWrite
);

/**
 * The job waits as a delayed job and runs again. `retry` counts as a failure that is not recorded; `snooze` isn't counted.
 */
export interface DelayWrite {
  readonly kind: 'retry' | 'snooze';
  /** By Redis' clock, in seconds since the epoch. */
  readonly dueSeconds: number;
  /** See retry-entry.ts. */
  readonly item: string;
  readonly entry: string;
  /** Recorded instead if a key of another type stands in the way. */
  readonly record: string;
}

/** A job of an at-least-once queue. It stays on the runner's list of held jobs until its outcome is written. */
export interface HeldJob {
  readonly queue: string;
  readonly payload: Buffer;
}

/** A job from BLPOP that runs or is about to. */
export interface BeginWrite {
  readonly worker: string;
  readonly record: string;
  /** The payload's bytes, unless `record` holds them verbatim. */
  readonly payload: Buffer | null;
  /**
   * For pools that retry jobs: the entry of the job's attempt, see retry-entry.ts; or the payload's SHA-1, to look for the
   * entry before the job starts. '' or left out for other pools.
   */
  readonly attempt?: string;
  /** The queue whose limit the job has a share of; left out if it has none. */
  readonly share?: string | undefined;
}

/** A job has started: keys of plugins that are deleted now. */
export interface StartWrite {
  readonly worker: string;
  /** The step that took the job; `null` if it was never recorded. */
  readonly takenIn: number | null;
  /** See `keysToDelete`. */
  readonly pluginKeys: string;
}

/** A job from BLPOP that must not run after all: back to the head of its queue. */
export interface ReturnWrite {
  readonly queue: string;
  readonly payload: Buffer;
  /** It is on the list of held jobs. If it no longer is, nothing goes back. */
  readonly isHeld?: boolean;
}

/** Slots to fill from queues, first queue first. */
export interface Reservation {
  readonly queues: readonly string[];
  readonly workers: readonly string[];
  /** At-least-once: the jobs move to the list of held jobs. */
  readonly isHeld?: boolean;
  /** The pool retries jobs: each may have an entry with the number of its attempt. */
  readonly hasAttempts?: boolean;
  /** Limits of each of the queues by itself. */
  readonly limits?: QueueLimits | null;
}

export interface StepRequest {
  readonly outcomes: readonly OutcomeWrite[];
  readonly begins: readonly BeginWrite[];
  /** Names of the statuses of jobs that have started, and whose status may not say so yet. */
  readonly running?: readonly string[];
  readonly starts?: readonly StartWrite[];
  readonly returns: readonly ReturnWrite[];
  readonly reservations: readonly Reservation[];
  /**
   * Number of the step: one more than that of the owner's last step. A step whose reply was lost is sent again with its
   * number. Redis carries out each number once and in order, so neither a repetition nor a late arrival from an old
   * connection does anything twice, and no step is skipped.
   *
   * Redis refuses all steps of a process that it doesn't know (any more): a step that was underway when its runner died
   * must not happen after the recovery. A living process connects again and asks for its standing.
   */
  readonly step: number;
}

export interface ReservedJob {
  /** Index of the reservation in the request. */
  readonly reservation: number;
  readonly worker: string;
  readonly queue: string;
  readonly payload: Buffer;
  /** Whether the worker's record holds the payload. If not, it holds `{}`, and `workerPayload` the payload. */
  readonly isEmbedded: boolean;
  /** The entry of its attempt, see retry-entry.ts; '' if it has none. */
  readonly attempt: string;
}

/** A job whose payload didn't fit in the reply. It is stored beside the record. */
export type UnsentJob = Omit<ReservedJob, 'payload'> & { readonly length: number };

/** A queue that holds jobs that may not start now. */
export interface LimitedQueue {
  readonly queue: string;
  /** Milliseconds until one may start; `null` if another job must end first. */
  readonly waitMs: number | null;
}

export interface StepReply {
  readonly jobs: readonly ReservedJob[];
  readonly unsent: readonly UnsentJob[];
  /** By reservation: how many of its workers, from the first, got a job. */
  readonly filled: readonly number[];
  /** For each begin that asked for it, by worker: the entry of its attempt, or ''. */
  readonly attempts: ReadonlyMap<string, string>;
  /** Retries that are recorded as failures, because a key was of another type. */
  readonly refusedDelays: number;
  /** The first counter that Redis refused to increment, with Redis' message; `null` if none. */
  readonly countRefusal: string | null;
  /** Queues whose key is not a list, with Redis' message. */
  readonly unreadable: readonly { readonly queue: string; readonly error: string }[];
  readonly limited: readonly LimitedQueue[];
}

/** For the scripts: when the job is due, its item and entry, and how long the entry is kept. */
export function delayArguments({ dueSeconds, item, entry }: DelayWrite, now: Date): (string | number)[] {
  return [dueSeconds, item, entry, keptSeconds(dueSeconds, now)];
}

/** The process that takes steps. */
export interface StepOwner {
  /** `HOST:PID`, for the key. */
  readonly name: string;
  /** Another one after others have declared the process dead. */
  readonly nonce: string;
}

/**
 * The script's ARGV.
 *
 * @param now by this machine's clock
 * @param redisNow by Redis' clock, for the heartbeat
 * @param room bytes of payloads that the reply may hold
 * @param failedLimit see failed-limit.ts
 */
export function stepArguments(
  keys: ResqueKeys,
  owner: StepOwner,
  request: StepRequest,
  now: Date,
  redisNow: Date,
  room = Number.MAX_SAFE_INTEGER,
  failedLimit: number | null = null,
): (string | Buffer | number)[] {
  const args: (string | Buffer | number)[] = [
    keys.prefix,
    keys.runnerStep(owner.name),
    owner.nonce,
    request.step,
    runAtText(now),
    startedText(now),
    heartbeatText(redisNow),
    owner.name,
    room,
  ];
  const trim = trimArgument(failedLimit, redisNow.getTime());
  args.push(request.outcomes.length);
  for (const outcome of request.outcomes) {
    args.push(outcome.kind, outcome.worker, outcome.held?.queue ?? '', outcome.held?.payload ?? '');
    if (outcome.kind === 'failure') args.push(outcome.record, trim);
    if (outcome.kind === 'requeue') args.push(outcome.queue, outcome.payload);
    if (outcome.kind === 'retry' || outcome.kind === 'snooze')
      args.push(...delayArguments(outcome, now), outcome.record);
  }
  args.push(request.returns.length);
  for (const { queue, payload, isHeld } of request.returns)
    args.push(queue, payload, isHeld === true ? 1 : 0);
  args.push(request.begins.length);
  for (const { worker, record, payload, attempt } of request.begins)
    args.push(worker, record, payload ?? '', attempt ?? '');
  pushShares(args, request);
  args.push(request.reservations.length);
  for (const { queues, workers, isHeld, hasAttempts, limits } of request.reservations) {
    args.push(isHeld === true ? 1 : 0, hasAttempts === true ? 1 : 0, limitsArgument(limits));
    args.push(queues.length, ...queues, workers.length, ...workers);
  }
  for (const name of request.running ?? []) args.push(name, jobStatuses.running);
  for (const { pluginKeys } of request.starts ?? []) args.push(pluginKeys, 'delete');
  for (const { statusName, kind, pluginKeys } of request.outcomes) {
    if (statusName) args.push(statusName, statusAfter[kind]);
    if (pluginKeys) args.push(pluginKeys, 'delete');
  }
  return args;
}

/** Without arrays of their own: nearly all steps have none. */
function pushShares(args: (string | Buffer | number)[], { outcomes, begins }: StepRequest): void {
  const at = args.push(0);
  for (const { share, worker } of outcomes) if (share !== undefined) args.push(0, share, worker);
  for (const { share, worker } of begins) if (share !== undefined) args.push(1, share, worker);
  args[at - 1] = (args.length - at) / 3;
}

/** php-resque has no status for a job that goes back, so it is `waiting`. */
export const statusAfter = {
  success: jobStatuses.complete,
  failure: jobStatuses.failed,
  requeue: jobStatuses.waiting,
  retry: jobStatuses.waiting,
  snooze: jobStatuses.waiting,
} as const;

/**
 * Decodes the script's reply, a flat list of five values each:
 *
 *     reservation, worker index, queue index, 1|0, payload or its length
 *     reservation, worker index, queue index, 2, entry of the attempt of the job that follows
 *     reservation, -1, queue index, 0, error
 *     reservation, -1, queue index, 5, milliseconds until a job may start; -1 if another must end first
 *     -1, index of the begin, -1, 3, entry of its attempt
 *     -1, -1, -1, 4, number of refused delays
 *     -1, -1, -1, 0, refusal of a counter
 */
export function readStepReply(request: StepRequest, reply: unknown): StepReply {
  const jobs: ReservedJob[] = [];
  const unsent: UnsentJob[] = [];
  const filled = request.reservations.map(() => 0);
  const unreadable: { queue: string; error: string }[] = [];
  const limited: LimitedQueue[] = [];
  const attempts = new Map<string, string>();
  let attempt = '';
  let refusedDelays = 0;
  let countRefusal: string | null = null;
  const flat = reply as (number | Buffer)[];
  for (let at = 0; at + 4 < flat.length; at += 5) {
    const index = Number(flat[at]);
    const reservation = request.reservations[index];
    const queue = reservation?.queues[Number(flat[at + 2])];
    const worker = reservation?.workers[Number(flat[at + 1])];
    const bytes = flat[at + 4];
    const kind = flat[at + 3];
    if (index === -1) {
      if (kind === 3) attempts.set(request.begins[Number(flat[at + 1])]?.worker ?? '', String(bytes));
      else if (kind === 4) refusedDelays = Number(bytes);
      else countRefusal = String(bytes);
      continue;
    }
    if (kind === 2) {
      attempt = String(bytes);
      continue;
    }
    if (queue === undefined || bytes === undefined) throw new Error('step: reply of an unknown shape');
    if (kind === 5) {
      limited.push({ queue, waitMs: Number(bytes) < 0 ? null : Number(bytes) });
      continue;
    }
    if (worker === undefined) {
      unreadable.push({ queue, error: bytes.toString() });
      continue;
    }
    const job = { reservation: index, worker, queue, isEmbedded: kind === 1, attempt };
    attempt = '';
    if (typeof bytes === 'number') unsent.push({ ...job, length: bytes });
    else jobs.push({ ...job, payload: bytes });
    filled[index] = (filled[index] ?? 0) + 1;
  }
  return { jobs, unsent, filled, unreadable, limited, attempts, refusedDelays, countRefusal };
}

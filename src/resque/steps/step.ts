/**
 * One atomic step of a worker fleet, in one round trip. It writes how jobs ended, then what jobs
 * BLPOP brought, then pops as many jobs as there are free slots and records each on its worker. So a job
 * that it takes is at no instant in no key: it is on its queue or in its worker's record.
 *
 * What it writes, and in which order, is Resque's own (`Resque::Worker#working_on`, `#done_working`,
 * `Resque::Failure::Redis.save`).
 */
import { jobStatuses } from '../format/job-status.ts';
import type { ResqueKeys } from '../format/keys.ts';
import { heartbeatText, runAtText, startedText } from '../format/timestamps.ts';
import type { LargeReads } from '../redis/large-reads.ts';
import { RedisError } from '../redis/redis-error.ts';
import type { CommandSender } from '../redis/send.ts';
import { stepScript } from './step-script.ts';

/** How a job ended, to be written. */
export type OutcomeWrite = {
  readonly worker: string;
  /** The step that took the job, as its record on the worker names it; `null` if it was never on record. */
  readonly takenIn?: number | null;
  /** Set if the job lies on a list of held ones, which it leaves with this. */
  readonly held?: HeldJob | null;
  /** See job-status.ts: the name of the job's status; '' or left out if it can't have one. */
  readonly statusName?: string;
} & (
  | { readonly kind: 'success' }
  | { readonly kind: 'failure'; readonly record: string | Buffer }
  /** Back to the head of its queue; counts nowhere. */
  | { readonly kind: 'requeue'; readonly queue: string; readonly payload: Buffer }
);

/** A job of an at-least-once queue: it is on this runner's list of held jobs until its outcome is written. */
export interface HeldJob {
  readonly queue: string;
  readonly payload: Buffer;
}

/** A job that BLPOP brought and that now runs (or is about to). */
export interface BeginWrite {
  readonly worker: string;
  readonly record: string;
  /** The payload's bytes, where `record` doesn't hold them verbatim. */
  readonly payload: Buffer | null;
}

/** A job that BLPOP brought and that must not run after all: back to the head of its queue. */
export interface ReturnWrite {
  readonly queue: string;
  readonly payload: Buffer;
  /** It lies on the list of held jobs; where it doesn't any more, nothing goes back. */
  readonly isHeld?: boolean;
}

/** Slots to fill from queues, first queue first. */
export interface Reservation {
  readonly queues: readonly string[];
  readonly workers: readonly string[];
  /** At-least-once: what is taken goes onto the list of held jobs. */
  readonly isHeld?: boolean;
}

export interface StepRequest {
  readonly outcomes: readonly OutcomeWrite[];
  readonly begins: readonly BeginWrite[];
  /** Names of the statuses of jobs that have begun and whose status isn't known to say so. */
  readonly running?: readonly string[];
  readonly returns: readonly ReturnWrite[];
  readonly reservations: readonly Reservation[];
  /**
   * Rises by one from step to step of one owner. A step whose reply was lost is sent again with its number:
   * Redis carries out each number once and in turn, so that neither a repetition nor a straggler from a
   * connection given up can do anything twice, and none is passed over.
   * It refuses all steps of a process that it doesn't know (any more): what was on its way when its runner died must
   * not be done once that has been recovered. One that lives connects again and asks for its standing.
   */
  readonly step: number;
}

export interface ReservedJob {
  /** Index into the request's reservations. */
  readonly reservation: number;
  readonly worker: string;
  readonly queue: string;
  readonly payload: Buffer;
  /** Whether the worker's record holds the payload; otherwise `workerPayload` does, and the record `{}`. */
  readonly isEmbedded: boolean;
}

/** A job whose payload the reply had no room for: it lies beside the record. */
export type UnsentJob = Omit<ReservedJob, 'payload'> & { readonly length: number };

export interface StepReply {
  readonly jobs: readonly ReservedJob[];
  readonly unsent: readonly UnsentJob[];
  /** By reservation: how many of its workers got a job, the first ones. */
  readonly filled: readonly number[];
  /** The first counter that could not be raised, with Redis' words; `null`: all could. */
  readonly countRefusal: string | null;
  /** Queues whose key is no list, with Redis' words. */
  readonly unreadable: readonly { readonly queue: string; readonly error: string }[];
}

/** Who takes steps: one process of a runner. */
export interface StepOwner {
  /** `HOST:PID`, for the key. */
  readonly name: string;
  /** Tells this process from an earlier one of the same name. */
  readonly nonce: string;
}

/**
 * The script's ARGV. `redisNow` is by Redis' clock, for the heartbeat; `now` is by this machine's.
 *
 * @param room bytes of payloads that the reply may have
 */
export function stepArguments(
  keys: ResqueKeys,
  owner: StepOwner,
  request: StepRequest,
  now: Date,
  redisNow: Date,
  room = Number.MAX_SAFE_INTEGER,
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
  args.push(request.outcomes.length);
  for (const outcome of request.outcomes) {
    args.push(outcome.kind, outcome.worker, outcome.held?.queue ?? '', outcome.held?.payload ?? '');
    if (outcome.kind === 'failure') args.push(outcome.record);
    if (outcome.kind === 'requeue') args.push(outcome.queue, outcome.payload);
  }
  args.push(request.returns.length);
  for (const { queue, payload, isHeld } of request.returns)
    args.push(queue, payload, isHeld === true ? 1 : 0);
  args.push(request.begins.length);
  for (const { worker, record, payload } of request.begins) args.push(worker, record, payload ?? '');
  args.push(request.reservations.length);
  for (const { queues, workers, isHeld } of request.reservations) {
    args.push(isHeld === true ? 1 : 0, queues.length, ...queues, workers.length, ...workers);
  }
  for (const name of request.running ?? []) args.push(name, jobStatuses.running);
  for (const { statusName, kind } of request.outcomes)
    if (statusName) args.push(statusName, statusAfter[kind]);
  return args;
}

/** php-resque has no status for a job that goes back: it waits again. */
export const statusAfter = {
  success: jobStatuses.complete,
  failure: jobStatuses.failed,
  requeue: jobStatuses.waiting,
} as const;

/**
 * Decodes the script's reply: a flat list of
 * `[reservation, worker index, queue index, 1|0, payload or its length]`, `[reservation, -1, queue index, 0, error]`, or
 * `[-1, -1, -1, 0, refusal of a counter]`.
 */
export function readStepReply(request: StepRequest, reply: unknown): StepReply {
  const jobs: ReservedJob[] = [];
  const unsent: UnsentJob[] = [];
  const filled = request.reservations.map(() => 0);
  const unreadable: { queue: string; error: string }[] = [];
  let countRefusal: string | null = null;
  const flat = reply as (number | Buffer)[];
  for (let at = 0; at + 4 < flat.length; at += 5) {
    const index = Number(flat[at]);
    const reservation = request.reservations[index];
    const queue = reservation?.queues[Number(flat[at + 2])];
    const worker = reservation?.workers[Number(flat[at + 1])];
    const bytes = flat[at + 4];
    if (index === -1 && Buffer.isBuffer(bytes)) {
      countRefusal = bytes.toString();
      continue;
    }
    if (queue === undefined || bytes === undefined) throw new Error('step: reply of an unknown shape');
    if (worker === undefined) {
      unreadable.push({ queue, error: bytes.toString() });
      continue;
    }
    const job = { reservation: index, worker, queue, isEmbedded: flat[at + 3] === 1 };
    if (typeof bytes === 'number') unsent.push({ ...job, length: bytes });
    else jobs.push({ ...job, payload: bytes });
    filled[index] = (filled[index] ?? 0) + 1;
  }
  return { jobs, unsent, filled, unreadable, countRefusal };
}

/**
 * Sends steps, and brings payloads that a reply has no room for. Steps are many and on their way at the same time, so they
 * share what Redis lets wait for a client. All reject with RedisError.
 */
export class StepSender {
  readonly #sender: CommandSender;
  readonly #keys: ResqueKeys;
  readonly #reads: LargeReads;
  /** Bytes that the replies of steps on their way may have, if there is a limit. */
  #room = 0;

  constructor(sender: CommandSender, keys: ResqueKeys, reads: LargeReads) {
    this.#sender = sender;
    this.#keys = keys;
    this.#reads = reads;
  }

  async send(owner: StepOwner, request: StepRequest, now: Date, redisNow: Date): Promise<StepReply> {
    const room = this.#roomFor(request);
    const args = stepArguments(this.#keys, owner, request, now, redisNow, room);
    this.#room += room;
    const sent = this.#sender.command((commands) =>
      commands.callBuffer('EVALSHA', [stepScript.sha1, 0, ...args]),
    );
    const reply = await sent.finally(() => {
      this.#room -= room;
    });
    return readStepReply(request, reply);
  }

  async bring({ length, ...job }: UnsentJob): Promise<ReservedJob> {
    const payload = await this.#reads.value(this.#keys.workerPayload(job.worker), length);
    // Others took this process for dead meanwhile.
    if (payload === null) throw new RedisError('away', `the job of ${job.worker} was taken away`);
    return { ...job, payload };
  }

  /** Half of what is left, so that there is some for the next: together less than two replies. */
  #roomFor({ reservations }: StepRequest): number {
    const { limit } = this.#reads;
    if (reservations.length === 0) return 0;
    if (limit === Number.POSITIVE_INFINITY) return Number.MAX_SAFE_INTEGER;
    return Math.max(0, Math.floor((2 * limit - this.#room) / 2));
  }
}

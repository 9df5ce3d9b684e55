import type { ResqueKeys } from '../format/keys.ts';
import { type RecordedJob, recordedJob, stepOfRecord } from '../format/worker-record.ts';
import type { LargeReads } from '../redis/large-reads.ts';
import { RedisError } from '../redis/redis-error.ts';
import type { CommandSender } from '../redis/send.ts';
import {
  type ReservedJob,
  readStepReply,
  type StepOwner,
  type StepReply,
  type StepRequest,
  stepArguments,
  type UnsentJob,
} from './step.ts';
import { stepScript } from './step-script.ts';

/** A job as a step has recorded it on a worker. */
export interface RecordedStepJob extends RecordedJob {
  /** The entry of its attempt, see retry-entry.ts; '' if it has none. */
  readonly attempt: string;
}

export interface StepTiming {
  readonly elapsedMs: () => number;
  /** Redis has carried out a step. */
  readonly replied: (roundTripMs: number) => void;
}

/**
 * Sends steps, and reads payloads that don't fit in a reply. Many steps are underway at the same time and share the limit
 * of Redis' output buffer. All reject with RedisError.
 */
export class StepSender {
  readonly #sender: CommandSender;
  readonly #keys: ResqueKeys;
  readonly #reads: LargeReads;
  readonly #timing: StepTiming;
  /** Bytes reserved for the replies of steps that are underway, if there is a limit. */
  #room = 0;
  #sent = 0;
  #ended = 0;

  constructor(sender: CommandSender, keys: ResqueKeys, reads: LargeReads, timing: StepTiming) {
    this.#timing = timing;
    this.#sender = sender;
    this.#keys = keys;
    this.#reads = reads;
  }

  /** With or without an error. */
  get ended(): number {
    return this.#ended;
  }

  get underWay(): number {
    return this.#sent - this.#ended;
  }

  async send(
    owner: StepOwner,
    request: StepRequest,
    now: Date,
    redisNow: Date,
    failedLimit: number | null,
  ): Promise<StepReply> {
    const room = this.#roomFor(request);
    const args = stepArguments(this.#keys, owner, request, now, redisNow, room, failedLimit);
    this.#room += room;
    this.#sent += 1;
    const sentAtMs = this.#timing.elapsedMs();
    const sent = this.#sender.command((commands) =>
      commands.callBuffer('EVALSHA', [stepScript.sha1, 0, ...args]),
    );
    const reply = await sent.finally(() => {
      this.#room -= room;
      this.#ended += 1;
    });
    this.#timing.replied(this.#timing.elapsedMs() - sentAtMs);
    return readStepReply(request, reply);
  }

  async bring({ length, ...job }: UnsentJob): Promise<ReservedJob> {
    const payload = await this.#reads.value(this.#keys.workerPayload(job.worker), length);
    // Others have recovered this process as dead.
    if (payload === null) throw new RedisError('away', `the job of ${job.worker} was taken away`);
    return { ...job, payload };
  }

  /** Half of what is left, so that the next step gets some. Together they stay below two replies. */
  #roomFor({ reservations }: StepRequest): number {
    const { limit } = this.#reads;
    if (reservations.length === 0) return 0;
    if (limit === Number.POSITIVE_INFINITY) return Number.MAX_SAFE_INTEGER;
    return Math.max(0, Math.floor((2 * limit - this.#room) / 2));
  }

  /**
   * The job that this step recorded on a worker, if only the reply was lost; otherwise `null`.
   *
   * @param hasAttempts whether to read the entry of its attempt, too
   */
  async recordedJob(worker: string, step: number, hasAttempts: boolean): Promise<RecordedStepJob | null> {
    const { worker: recordKey, workerPayload, workerRetry } = this.#keys;
    const keys = [recordKey(worker), workerPayload(worker), ...(hasAttempts ? [workerRetry(worker)] : [])];
    const [record = null, beside = null, attempt = null] = await this.#reads.values(keys);
    if (record === null || stepOfRecord(record) !== step) return null;
    const job = recordedJob(record, beside);
    return job === null ? null : { ...job, attempt: attempt?.toString() ?? '' };
  }
}

/**
 * Sends steps, and brings payloads that a reply has no room for. Steps are many and on their way at the same time, so they
 * share what Redis lets wait for a client. All reject with RedisError.
 */
import type { ResqueKeys } from '../format/keys.ts';
import type { LargeReads } from '../redis/large-reads.ts';
import { RedisError } from '../redis/redis-error.ts';
import type { CommandSender } from '../redis/send.ts';
import {
  type AdvanceBatch,
  type AdvanceReply,
  advanceArguments,
  advanceReply,
  type ReservedJob,
  type StepOwner,
  type UnsentJob,
} from './step.ts';
import { advanceScript } from './step-script.ts';

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

  async send(owner: StepOwner, batch: AdvanceBatch, now: Date, redisNow: Date): Promise<AdvanceReply> {
    const room = this.#roomFor(batch);
    const args = advanceArguments(this.#keys, owner, batch, now, redisNow, room);
    this.#room += room;
    const sent = this.#sender.command((commands) =>
      commands.callBuffer('EVALSHA', [advanceScript.sha1, 0, ...args]),
    );
    const reply = await sent.finally(() => {
      this.#room -= room;
    });
    return advanceReply(batch, reply);
  }

  async bring({ length, ...job }: UnsentJob): Promise<ReservedJob> {
    const payload = await this.#reads.value(this.#keys.workerPayload(job.worker), length);
    // Others took this process for dead meanwhile.
    if (payload === null) throw new RedisError('away', `the job of ${job.worker} was taken away`);
    return { ...job, payload };
  }

  /** Half of what is left, so that there is some for the next: together less than two replies. */
  #roomFor({ reservations }: AdvanceBatch): number {
    const { limit } = this.#reads;
    if (reservations.length === 0) return 0;
    if (limit === Number.POSITIVE_INFINITY) return Number.MAX_SAFE_INTEGER;
    return Math.max(0, Math.floor((2 * limit - this.#room) / 2));
  }
}

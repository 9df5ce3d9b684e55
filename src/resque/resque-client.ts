/**
 * Everything that a fleet of workers does with Redis, as typed operations on one session. All reject with
 * `RedisTrouble`.
 */
import { randomUUID } from 'node:crypto';
import {
  type AdvanceBatch,
  type AdvanceReply,
  advanceArguments,
  advanceReply,
  advanceScript,
  prepareScript,
  type StepOwner,
} from './advance.ts';
import type { ReachableRedis, Redis } from './connection.ts';
import { retryScript } from './failed-list.ts';
import { type FailureView, retryOf, viewFailure } from './failure-record.ts';
import { heartbeatScript } from './heartbeat.ts';
import { type ResqueKeys, resqueKeys } from './keys.ts';
import { type Payload, readPayload } from './payload.ts';
import type { Script } from './script.ts';
import { RedisSession, type SessionHooks } from './session.ts';
import { heartbeatText, startedText } from './timestamps.ts';
import { payloadOfRecord, queueOfRecord } from './worker-record.ts';

/** A job that BLPOP brought: it is in no key until `advance` begins or returns it. */
export interface PoppedJob {
  readonly queue: string;
  readonly payload: Buffer;
}

export interface ListedFailure extends FailureView {
  /** From the head of the list, where the oldest is. */
  readonly index: number;
  readonly record: Buffer;
}

export class ResqueClient {
  readonly keys: ResqueKeys;
  readonly session: RedisSession;
  /** Redis' clock minus ours, in milliseconds. */
  #clockOffsetMs = 0;

  readonly #owner: StepOwner;

  /** @param ownerName `HOST:PID` of the process whose steps `advance` takes */
  constructor(redis: ReachableRedis, namespace: string, ownerName: string, hooks: SessionHooks) {
    this.#owner = { name: ownerName, nonce: randomUUID() };
    this.keys = resqueKeys(namespace);
    this.session = new RedisSession(redis, hooks);
  }

  /**
   * To be called on fresh connections, before the first `advance`.
   *
   * @param lastStep the last one that is known to be done, 0 at first
   */
  async prepare(lastStep: number): Promise<void> {
    await this.session.command((commands) => commands.script('LOAD', advanceScript.source));
    await this.#script(prepareScript, 0, [
      this.keys.runnerStep(this.#owner.name),
      this.#owner.nonce,
      lastStep,
    ]);
  }

  /**
   * Takes a step. There is no second try with the script's text, as for other scripts: it would come after
   * steps that were sent meanwhile. A Redis that has forgotten the script is prepared anew, like after an
   * outage, and every step of then repeated in its order.
   */
  async advance(batch: AdvanceBatch): Promise<AdvanceReply> {
    const args = advanceArguments(this.keys, this.#owner, batch, new Date(), this.#redisNow());
    const reply = await this.session.command((commands) =>
      commands.callBuffer('EVALSHA', [advanceScript.sha1, 0, ...args]),
    );
    return advanceReply(batch, reply);
  }

  /**
   * Waits until one of the queues has a job and takes it, first queue first.
   *
   * @returns `null` when `endWait` ended the wait
   */
  async waitForJob(queues: readonly string[]): Promise<PoppedJob | null> {
    const keys = queues.map((queue) => this.keys.queue(queue));
    const popped = await this.session.blockingCommand((blocker) => blocker.blpopBuffer(keys, 0));
    if (popped === null) return null;
    const [key, payload] = popped as [Buffer, Buffer];
    return { queue: key.toString('utf8').slice(this.keys.queue('').length), payload };
  }

  /** True where a wait was ended; false where there was none (any more). */
  endWait(): Promise<boolean> {
    return this.session.unblock();
  }

  /**
   * Sign of life of these workers, by Redis' clock; registers those that are not (or no longer) registered.
   */
  async heartbeat(workers: readonly string[]): Promise<void> {
    const before = Date.now();
    const [seconds, micros] = await this.session.command((commands) => commands.time());
    this.#clockOffsetMs = Number(seconds) * 1000 + Number(micros) / 1000 - before;
    if (workers.length === 0) return;
    const args = [this.keys.prefix, startedText(new Date()), heartbeatText(this.#redisNow()), ...workers];
    await this.#script(heartbeatScript, 0, args);
  }

  /** How many of these queues hold jobs. */
  filledQueues(queues: readonly string[]): Promise<number> {
    const keys = queues.map((queue) => this.keys.queue(queue));
    return this.session.command((commands) => commands.exists(...keys));
  }

  /** Whether `pause-all-workers` stops everyone. */
  async isPaused(): Promise<boolean> {
    const value = await this.session.command((commands) => commands.get(this.keys.pauseAllWorkers));
    return value !== null && value.trim().toLowerCase() === 'true';
  }

  /** Names of all queues, as far as they are UTF-8. */
  queueNames(): Promise<string[]> {
    return this.session.command((commands) => commands.smembers(this.keys.queues));
  }

  /** Jobs waiting per queue; -1 where the key is no list. */
  async backlog(queues: readonly string[]): Promise<Map<string, number>> {
    const replies = await this.session.command((commands) => {
      const pipeline = commands.pipeline();
      for (const queue of queues) pipeline.llen(this.keys.queue(queue));
      return pipeline.exec();
    });
    return new Map(queues.map((queue, at) => [queue, Number(replies?.[at]?.[1] ?? -1)]));
  }

  /** Nothing more will be said: forgets the step, too. Takes the workers off every list. */
  async leave(workers: readonly string[]): Promise<void> {
    await this.unregister(workers);
    await this.session.command((commands) => commands.del(this.keys.runnerStep(this.#owner.name)));
  }

  /** Takes the workers off every list. */
  async unregister(workers: readonly string[]): Promise<void> {
    if (workers.length === 0) return;
    await this.session.command(async (commands) => {
      const results = await this.#unregistration(commands, workers).exec();
      const failed = results?.find(([error]) => error !== null);
      if (failed?.[0]) throw failed[0];
    });
  }

  #unregistration(commands: Redis, workers: readonly string[]) {
    const { keys } = this;
    const transaction = commands.multi();
    transaction.srem(keys.workers, ...workers);
    for (const id of workers) {
      transaction.del(
        keys.worker(id),
        keys.workerStarted(id),
        keys.workerPayload(id),
        keys.workerProcessed(id),
        keys.workerFailed(id),
      );
    }
    transaction.hdel(keys.heartbeat, ...workers);
    return transaction;
  }

  /** The job that is recorded on a worker of ours, or `null`. */
  async recordedJob(worker: string): Promise<{ queue: string; payload: Payload } | null> {
    const [record, payload] = await this.session.command((commands) =>
      commands.mgetBuffer(this.keys.worker(worker), this.keys.workerPayload(worker)),
    );
    if (!record) return null;
    const queue = queueOfRecord(record);
    const recorded = payload ? readPayload(payload) : payloadOfRecord(record);
    return queue === null || recorded === null ? null : { queue, payload: recorded };
  }

  /** Failures newest first: `count` of them behind the `offset` newest. */
  async failures(offset: number, count: number): Promise<{ total: number; entries: ListedFailure[] }> {
    const replies = await this.session.command((commands) =>
      commands
        .multi()
        .llen(this.keys.failed)
        .lrangeBuffer(this.keys.failed, -(offset + count), -(offset + 1))
        .exec(),
    );
    const total = Number(replies?.[0]?.[1] ?? 0);
    const records = (replies?.[1]?.[1] ?? []) as Buffer[];
    const first = Math.max(0, total - offset - count);
    const entries = records.map((record, at) => ({ ...viewFailure(record), index: first + at, record }));
    return { total, entries: entries.reverse() };
  }

  /**
   * Puts a failed job back onto its queue and notes that on the entry.
   *
   * @param index where the entry was last seen; a hint only
   */
  async retryFailure(record: Buffer, index: number): Promise<'retried' | 'gone' | 'unretryable'> {
    const retry = retryOf(record, new Date());
    if (retry === null) return 'unretryable';
    const { keys } = this;
    const found = await this.#script(retryScript, 3, [
      keys.failed,
      keys.queues,
      keys.queue(retry.queue),
      index,
      record,
      retry.record,
      retry.queue,
      retry.payload,
    ]);
    return found === 1 ? 'retried' : 'gone';
  }

  /** Removes one entry with exactly these bytes, looking from the newest. */
  async removeFailure(record: Buffer): Promise<'removed' | 'gone'> {
    const removed = await this.session.command((commands) => commands.lrem(this.keys.failed, -1, record));
    return removed === 1 ? 'removed' : 'gone';
  }

  #redisNow(): Date {
    return new Date(Date.now() + this.#clockOffsetMs);
  }

  /** EVALSHA, and EVAL where Redis doesn't know the script (yet, or after SCRIPT FLUSH). */
  #script(script: Script, keyCount: number, args: readonly (string | Buffer | number)[]): Promise<unknown> {
    return this.session.command(async (commands) => {
      try {
        return await commands.callBuffer('EVALSHA', [script.sha1, keyCount, ...args]);
      } catch (error) {
        if (!(error instanceof Error) || !error.message.startsWith('NOSCRIPT')) throw error;
        return await commands.callBuffer('EVAL', [script.source, keyCount, ...args]);
      }
    });
  }
}

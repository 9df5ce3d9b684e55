/**
 * One connection to Redis that is opened anew where it is lost, for work that takes a while. A command without a reply
 * is sent again over the next one: only for what Redis carries out once, however often it is sent.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { openConnection, type ReachableRedis, type Redis } from '../redis/connection.ts';
import { opened } from '../redis/handshake.ts';
import { type RedisError, redisErrorOf } from '../redis/redis-error.ts';
import { answerLimitMs, type CommandSender, sendOn, withinLimit } from '../redis/send.ts';

export interface RetryingOptions {
  /** How long connecting may take. */
  readonly openLimitMs: number;
  /** How long a lost Redis is waited for. One that was never there is not. */
  readonly patienceMs: number;
  /** Ends the waiting for a lost Redis, not that for a reply. */
  readonly stop: AbortSignal;
  /** Redis is away, and doesn't come back at once. */
  onAway(error: RedisError): void;
  /** It has come back, after `onAway`. */
  onBack(): void;
}

const firstPauseMs = 50;
const longestPauseMs = 1_000;
const onceLimitMs = 1_000;
/** 1 MB a second. */
const slowestBytesPerMs = 1_000;

export class RetryingSender implements CommandSender {
  readonly #redis: ReachableRedis;
  readonly #options: RetryingOptions;
  #connection: Redis | null = null;
  #wasThere = false;

  constructor(redis: ReachableRedis, options: RetryingOptions) {
    this.#redis = redis;
    this.#options = options;
  }

  /**
   * @param bytes that are sent: they need their time on a slow line
   * @throws RedisError where Redis refuses, was never there, or is away for too long
   */
  async command<T>(send: (commands: Redis) => Promise<T>, bytes = 0): Promise<T> {
    let firstRedisError: RedisError | null = null;
    let pauseMs = firstPauseMs;
    let endMs = 0;
    for (let attempt = 1; ; attempt += 1) {
      try {
        const connection = this.#connection ?? (await this.#open());
        const reply = await sendOn(connection, send, answerLimitMs + bytes / slowestBytesPerMs);
        if (attempt > 2) this.#options.onBack();
        return reply;
      } catch (error) {
        const redisError = redisErrorOf(error);
        this.close();
        if (redisError.kind !== 'away' || !this.#wasThere || this.#options.stop.aborted) throw redisError;
        // A connection that was lost and can be had again at once is nothing to tell.
        if (firstRedisError === null) {
          firstRedisError = redisError;
          endMs = performance.now() + this.#options.patienceMs;
          continue;
        }
        if (attempt === 2) this.#options.onAway(redisError);
        if (performance.now() > endMs) throw redisError;
        await this.#pause(pauseMs);
        // What was lost first says more than that nobody waits for it any more.
        if (this.#options.stop.aborted) throw firstRedisError;
        pauseMs = Math.min(longestPauseMs, 2 * pauseMs);
      }
    }
  }

  async once<T>(send: (commands: Redis) => Promise<T>): Promise<T> {
    try {
      return await sendOn(this.#connection ?? (await this.#open()), send, onceLimitMs);
    } catch (error) {
      throw redisErrorOf(error);
    }
  }

  close(): void {
    this.#connection?.disconnect();
    // `disconnect` waits for the other side's good-bye, and a silent peer says none.
    this.#connection?.stream?.destroy();
    this.#connection = null;
  }

  async #open(): Promise<Redis> {
    const { openLimitMs } = this.#options;
    const use = { name: 'resque-runner enqueue', connectTimeoutMs: openLimitMs };
    const connection = openConnection(this.#redis, use);
    this.#connection = connection;
    await withinLimit(opened(connection), openLimitMs);
    this.#wasThere = true;
    return connection;
  }

  async #pause(ms: number): Promise<void> {
    try {
      await sleep(ms, null, { signal: this.#options.stop });
    } catch (error) {
      if (!this.#options.stop.aborted) throw error;
    }
  }
}

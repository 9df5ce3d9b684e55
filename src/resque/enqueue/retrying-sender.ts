/**
 * A connection to Redis for long work, which is opened again when it is lost. A command whose reply was lost is sent again
 * on the next connection. Use it only for commands that take effect once, however often they are sent.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { Backoff } from '../redis/backoff.ts';
import { openConnection, type ReachableRedis, type Redis } from '../redis/connection.ts';
import { opened } from '../redis/handshake.ts';
import { type RedisError, redisErrorOf } from '../redis/redis-error.ts';
import { answerLimitMs, type CommandSender, sendOn, withinLimit } from '../redis/send.ts';

export interface RetryingOptions {
  /** Time limit for connecting. */
  readonly openLimitMs: number;
  /** How long to wait for a Redis that was lost. A Redis that never answered is not waited for. */
  readonly patienceMs: number;
  /** Ends the wait for a lost Redis, but not the wait for a reply. */
  readonly stop: AbortSignal;
  /** Redis is away, and the first attempt to reconnect failed. */
  onAway(error: RedisError): void;
  /** Redis is back, after `onAway`. */
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
   * @param bytes size of the command, if it is large: a slow line needs time for it
   * @throws RedisError if Redis refuses, never answered, or is away for too long
   */
  async command<T>(send: (commands: Redis) => Promise<T>, bytes = 0): Promise<T> {
    let firstRedisError: RedisError | null = null;
    const backoff = new Backoff(firstPauseMs, longestPauseMs);
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
        // If a lost connection can be replaced immediately, nobody needs to know.
        if (firstRedisError === null) {
          firstRedisError = redisError;
          endMs = performance.now() + this.#options.patienceMs;
          continue;
        }
        if (attempt === 2) this.#options.onAway(redisError);
        if (performance.now() > endMs) throw redisError;
        await this.#pause(backoff.next());
        // The first error says more than the end of the wait.
        if (this.#options.stop.aborted) throw firstRedisError;
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
    // `disconnect` waits for the peer to close, which a silent peer never does.
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

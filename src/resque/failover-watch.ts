/**
 * Listens to the sentinels for the news that another server is the master. The old one may take commands for ten seconds
 * more, until the sentinels make it a replica; it then forgets all that it was told, and every job of that time runs twice.
 * One connection, to one sentinel at a time: the next one if that is gone.
 */
import type { Cancel, Clock } from './clock.ts';
import { openSentinel, type Redis, type SentinelRedis } from './connection.ts';

/** After all were tried. */
const retryMs = 5_000;

export class FailoverWatch {
  readonly #redis: SentinelRedis;
  readonly #clock: Clock;
  readonly #onSwitch: () => void;
  #connection: Redis | null = null;
  #cancelRetry: Cancel = () => {};
  #tries = 0;

  constructor(redis: SentinelRedis, clock: Clock, onSwitch: () => void) {
    this.#redis = redis;
    this.#clock = clock;
    this.#onSwitch = onSwitch;
  }

  start(): void {
    const { sentinels, master } = this.#redis;
    const sentinel = sentinels[this.#tries % sentinels.length];
    if (sentinel === undefined) return;
    this.#tries += 1;
    const connection = openSentinel(this.#redis, sentinel);
    this.#connection = connection;
    connection.on('error', () => {
      // `close` follows.
    });
    connection.once('close', () => {
      if (this.#connection === connection) this.#tryNext();
    });
    connection.on('message', (_, news) => {
      if (news.startsWith(`${master} `)) this.#onSwitch();
    });
    connection
      .connect()
      .then(() => connection.subscribe('+switch-master'))
      // Not there, or it doesn't permit it: then the connections to the master end when that becomes a replica.
      .catch(() => connection.disconnect());
  }

  stop(): void {
    this.#cancelRetry();
    const connection = this.#connection;
    this.#connection = null;
    connection?.disconnect();
  }

  #tryNext(): void {
    this.#connection = null;
    const isRoundOver = this.#tries % this.#redis.sentinels.length === 0;
    this.#cancelRetry = this.#clock.after(isRoundOver ? retryMs : 0, () => this.start(), {
      keepsAlive: false,
    });
  }
}

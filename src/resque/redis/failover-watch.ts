/**
 * Listens to the sentinels for a new master. The old master may accept commands for ten more seconds, until the sentinels
 * make it a replica. It then forgets everything from that time, and those jobs run twice.
 *
 * One connection, to one sentinel at a time. If that sentinel goes away, the next one is tried.
 */
import type { Cancel, Clock } from './clock.ts';
import { openSentinel, type Redis, type SentinelRedis } from './connection.ts';

/** After all were tried. */
const retryMs = 5_000;

export interface FailoverWatchHooks {
  /** The connection to the master, if there is one. */
  current(): Redis | undefined;
  /** It leads to a server that is no longer the master. */
  onReplaced(): void;
}

export class FailoverWatch {
  readonly #redis: SentinelRedis;
  readonly #clock: Clock;
  readonly #hooks: FailoverWatchHooks;
  #connection: Redis | null = null;
  #cancelRetry: Cancel = () => {};
  #tries = 0;

  constructor(redis: SentinelRedis, clock: Clock, hooks: FailoverWatchHooks) {
    this.#redis = redis;
    this.#clock = clock;
    this.#hooks = hooks;
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
      const [name, , , host, port] = news.split(' ');
      // The connection may already lead to the new master, if it opened after the failover.
      const isKnown = goesTo(this.#hooks.current(), host, port);
      if (name === master && !isKnown) this.#hooks.onReplaced();
    });
    connection
      .connect()
      .then(() => connection.subscribe('+switch-master'))
      // The sentinel is away or refuses. Then the connections end later, when the old master becomes a replica.
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

function goesTo(connection: Redis | undefined, host: string | undefined, port: string | undefined): boolean {
  const stream = connection?.stream;
  if (stream === undefined || !('remotePort' in stream)) return false;
  return stream.remoteAddress === host && stream.remotePort === Number(port);
}

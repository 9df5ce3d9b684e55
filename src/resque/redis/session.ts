/**
 * Two connections to Redis, kept up for as long as the runner lives: one that BLPOP may block, one for
 * everything else. They come and go together, so that there is one truth about whether Redis is there.
 *
 *     opening ──resumed──▶ up ──trouble──▶ waiting ──backoff──▶ opening      any ──close()──▶ closed
 *        └──────trouble──────────────────────▲
 *
 * Only `opening` and `up` carry commands. Nothing is queued or sent twice here: a command whose reply was
 * lost is rejected, and its sender decides. Long because these states belong together.
 */
import { type Cancel, type Clock, systemClock } from './clock.ts';
import { type OpenConnection, openConnection, type ReachableRedis, type Redis } from './connection.ts';
import type { RunnerConnections } from './connection-set.ts';
import {
  connectionsOf,
  ExtraBlockers,
  hasOutgrown,
  idsOf,
  isSameServer,
  type Link,
  waitsOf,
} from './connection-set.ts';
import { FailoverWatch } from './failover-watch.ts';
import { connected, handshake, lowered, type Server } from './handshake.ts';
import { factOf, RedisError, redisErrorOf } from './redis-error.ts';
import { answerLimitMs, ReplyTimeouts, sendOn } from './send.ts';

const never = Number.POSITIVE_INFINITY;
const outgrown = new RedisError(
  'away',
  'it closes connections for replies above its client-output-buffer-limit: raise the one of normal clients',
);
const firstBackoffMs = 100;
const longestBackoffMs = 5_000;
/** An outage that follows the last one sooner than this goes on backing off where that one was. */
const stableMs = 2_000;

export interface SessionHooks {
  /**
   * Called with the connections usable but before the session counts as up: says who we are and writes what
   * could not be written. A rejection is trouble like any other, so this is also the test that Redis takes
   * our writes.
   */
  resume(): Promise<void>;
  onUp(fact: { readonly serverVersion: string; readonly awayMs: number | null }): void;
  /** Once per outage, and once more where another kind of trouble takes its place. */
  onDown(error: RedisError): void;
}

/** What a session takes from its surroundings; the simulator brings its own. */
export interface SessionMeans {
  readonly clock: Clock;
  readonly openConnection: OpenConnection;
  /** From 0 up to 1. */
  readonly random: () => number;
}

export const systemMeans: SessionMeans = { clock: systemClock, openConnection, random: Math.random };

export class RedisSession {
  /** If not, everything is read whole. */
  mayReadPieces = true;
  readonly #redis: ReachableRedis;
  readonly #hooks: SessionHooks;
  readonly #means: SessionMeans;
  readonly #timeouts: ReplyTimeouts;
  readonly #waits: string;
  readonly #watch: FailoverWatch | null;
  #state: 'new' | 'opening' | 'up' | 'waiting' | 'closed' = 'new';
  #link: Link | null = null;
  /** The link before the one that is being opened. */
  #lastLink: Link | null = null;
  #opening: Redis[] = [];
  #attempts = 0;
  /** Counts the openings, so that a late failure of one can't end the next. */
  #epoch = 0;
  #upSinceMs = 0;
  /** When the outage began, by the monotonic clock; `null` when up or never yet up. */
  #awaySinceMs: number | null = null;
  #told = new Set<string>();
  /** How often connections were closed because of the server's limit. */
  #outgrown = 0;
  #cancelBackoff: Cancel = () => {};

  /** @param mark tells connections of this process from those of all others, by their names in Redis */
  constructor(redis: ReachableRedis, hooks: SessionHooks, means: SessionMeans = systemMeans, mark = '') {
    this.#redis = redis;
    this.#hooks = hooks;
    this.#means = means;
    this.#waits = waitsOf(mark);
    this.#timeouts = new ReplyTimeouts(means.clock);
    const onReplaced = () => this.fail(new RedisError('away', 'the sentinels name another master'));
    const failover = { current: () => this.#link?.commands, onReplaced };
    this.#watch = redis.kind === 'sentinel' ? new FailoverWatch(redis, means.clock, failover) : null;
  }

  get isUp(): boolean {
    return this.#state === 'up';
  }

  /** Ids of the open connections; `null` if there are none, or the server doesn't tell its run id. */
  get connections(): RunnerConnections | null {
    return this.#link === null || this.#link.server.runId === '' ? null : idsOf(this.#link);
  }

  /** What is known of the server; `null` without connections. */
  get server(): Server | null {
    return this.#link?.server ?? null;
  }

  get replyLimit(): number {
    if (this.#link === null || !this.mayReadPieces) return never;
    return lowered(this.#link.server.replyLimit, this.#outgrown);
  }

  start(): void {
    if (this.#state !== 'new') return;
    this.#watch?.start();
    void this.#open();
  }

  /** Ends both connections for good. Commands on their way are rejected. */
  close(): void {
    this.#state = 'closed';
    this.#watch?.stop();
    this.#cancelBackoff();
    this.#drop();
  }

  /** Whoever notices that the connections are no good calls this; they are opened anew. */
  fail(error: unknown): void {
    if (this.#state === 'closed' || this.#state === 'waiting') return;
    const redisError = redisErrorOf(error);
    const { clock, random } = this.#means;
    if (this.#state === 'up' && clock.elapsedMs() - this.#upSinceMs > stableMs) this.#attempts = 0;
    this.#state = 'waiting';
    this.#awaySinceMs ??= clock.elapsedMs();
    this.#drop();
    const backoffMs = Math.min(longestBackoffMs, firstBackoffMs * 2 ** this.#attempts);
    this.#attempts += 1;
    // Spread, so that a fleet doesn't come back in one instant.
    this.#cancelBackoff = clock.after(backoffMs * (0.8 + 0.2 * random()), () => void this.#open());
    this.#tell(factOf(redisError), redisError);
  }

  /** Connections were closed because of what waited to be sent on them: says so, once per outage. */
  tellOutgrown(): void {
    if (this.#awaySinceMs !== null) this.#tell('outgrown', outgrown);
  }

  #tell(fact: string, error: RedisError): void {
    if (this.#told.has(fact)) return;
    this.#told.add(fact);
    this.#hooks.onDown(error);
  }

  /**
   * Sends a command on the connection that never blocks.
   *
   * @throws RedisError when there is no connection, it is lost, there is no answer in time, or Redis
   * answers with an error. Only the last leaves the session as it is.
   */
  async command<T>(send: (commands: Redis) => Promise<T>): Promise<T> {
    const link = this.#link;
    if (link === null) throw new RedisError('away', 'not connected');
    try {
      return await this.#send(link.commands, send);
    } catch (error) {
      const redisError = redisErrorOf(error);
      if (redisError.kind === 'away' && this.#link === link) this.fail(redisError);
      throw redisError;
    }
  }

  /**
   * Sends a command that may block. Throws as `command`.
   *
   * @param limitMs without an answer after this time the connection counts as dead: one that a network has dropped
   * silently never says so
   */
  async blockingCommand<T>(send: (blocker: Redis) => Promise<T>, limitMs = never): Promise<T> {
    const link = this.#link;
    if (link === null) throw new RedisError('away', 'not connected');
    return await this.#send(link.blocker, send, limitMs);
  }

  /** Ends a block as if its time were up. True where there was one to end. */
  async unblock(): Promise<boolean> {
    return await this.#unblock(this.#link?.blockerId);
  }

  /** Like `blockingCommand`, on a connection of its own for this name. */
  async extraBlockingCommand<T>(
    name: string,
    send: (blocker: Redis) => Promise<T>,
    limitMs = never,
  ): Promise<T> {
    const link = this.#link;
    if (link === null) throw new RedisError('away', 'not connected');
    try {
      const { connection } = await link.extras.get(name);
      return await this.#send(connection, send, limitMs);
    } catch (error) {
      throw redisErrorOf(error);
    }
  }

  #send<T>(connection: Redis, send: (connection: Redis) => Promise<T>, limitMs = answerLimitMs): Promise<T> {
    return sendOn(connection, send, limitMs, this.#timeouts);
  }

  #within<T>(answer: Promise<T>): Promise<T> {
    return this.#timeouts.within(answer);
  }

  /** Ends a block of the connection of this name. */
  async unblockExtra(name: string): Promise<boolean> {
    return await this.#unblock(await this.#link?.extras.idOf(name));
  }

  async #unblock(id: number | null | undefined): Promise<boolean> {
    if (id === undefined || id === null) return false;
    return (await this.command((commands) => commands.client('UNBLOCK', id))) === 1;
  }

  #extras(): ExtraBlockers {
    const open = () => this.#connection(this.#waits, false);
    return new ExtraBlockers(open, async (connection) => {
      await this.#within(connected(connection));
      return Number(await this.#within(connection.client('ID')));
    });
  }

  async #open(): Promise<void> {
    this.#state = 'opening';
    this.#epoch += 1;
    const epoch = this.#epoch;
    const isCurrent = () => this.#epoch === epoch && this.#state === 'opening';
    try {
      const commands = this.#connection('resque-runner');
      const blocker = this.#connection(this.#waits);
      await this.#within(Promise.all([connected(commands), connected(blocker)]));
      const server = await this.#within(handshake(commands));
      const ids = await this.#within(Promise.all([commands.client('ID'), blocker.client('ID')]));
      if (!isCurrent()) return;
      const link: Link = {
        commands,
        blocker,
        commandsId: Number(ids[0]),
        blockerId: Number(ids[1]),
        extras: this.#extras(),
        server,
      };
      await this.#within(this.#settleLast(link));
      if (!isCurrent()) return;
      this.#link = link;
      this.#lastLink = link;
      await this.#hooks.resume();
      if (!isCurrent()) return;
      this.#state = 'up';
      this.#opening = [];
      this.#upSinceMs = this.#means.clock.elapsedMs();
      const awayMs = this.#awaySinceMs === null ? null : Math.round(this.#upSinceMs - this.#awaySinceMs);
      this.#awaySinceMs = null;
      this.#told.clear();
      this.#hooks.onUp({ serverVersion: server.serverVersion, awayMs });
    } catch (error) {
      if (isCurrent()) this.fail(error);
    }
  }

  /**
   * Where a network lost our last connections silently, Redis still holds them: what was sent on one may yet
   * be carried out, and a BLPOP on the other would take a job to nowhere.
   */
  async #settleLast(link: Link): Promise<void> {
    const last = this.#lastLink;
    this.#lastLink = null;
    if (last === null || !isSameServer(last, link)) return;
    if (hasOutgrown(last, link)) {
      this.#outgrown += 1;
      this.tellOutgrown();
    }
    // Refused where they are gone, as they mostly are, or where CLIENT KILL isn't permitted.
    const ends = idsOf(last).ids.map((id) => link.commands.client('KILL', 'ID', id));
    await Promise.allSettled(ends);
  }

  #connection(name: string, isOpening = true): Redis {
    const connection = this.#means.openConnection(this.#redis, { name, connectTimeoutMs: answerLimitMs });
    if (isOpening) this.#opening.push(connection);
    this.#listen(connection);
    return connection;
  }

  #listen(connection: Redis): void {
    // Before `ready` an error means that the connection can't be used, even where ioredis would go on: a
    // SELECT that failed leaves it on database 0.
    connection.on('error', (error) => this.#lost(connection, error));
    connection.on('close', () => this.#lost(connection, new RedisError('away', 'the connection was closed')));
  }

  #lost(connection: Redis, error: unknown): void {
    const ours = this.#link === null ? this.#opening : [...this.#opening, ...connectionsOf(this.#link)];
    if (ours.includes(connection)) this.fail(error);
  }

  #drop(): void {
    const connections = this.#link === null ? this.#opening : connectionsOf(this.#link);
    this.#link = null;
    this.#opening = [];
    for (const connection of connections) {
      connection.disconnect();
      // `disconnect` waits for the other side's good-bye, and a silent peer says none: what is on its way is
      // to be known as lost before the next connection is up.
      connection.stream?.destroy();
    }
  }
}

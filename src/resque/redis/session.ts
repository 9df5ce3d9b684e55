/**
 * A runner's connections to Redis: one that BLPOP may block, and one for everything else. They open and close together, so
 * there is one answer to whether Redis is available.
 *
 *     opening ──resumed──▶ up ──error──▶ waiting ──backoff──▶ opening      any ──close()──▶ closed
 *        └──────error──────────────────────▲
 *
 * Only `opening` and `up` send commands. Nothing is queued or sent twice: a command whose reply was lost is rejected, and
 * its sender decides what to do. Long because these states belong together.
 */
import { Backoff } from './backoff.ts';
import { type Cancel, type Clock, systemClock } from './clock.ts';
import { type OpenConnection, openConnection, type ReachableRedis, type Redis } from './connection.ts';
import type { RunnerConnections } from './connection-set.ts';
import {
  type ConnectionSet,
  connectionsOf,
  ExtraBlockers,
  hasOutgrown,
  idsOf,
  isSameServer,
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
/** If an outage follows the last one sooner than this, the backoff continues from there. */
const stableMs = 2_000;

export interface SessionHooks {
  /**
   * Called when the connections are usable, before the session counts as up. Identifies the runner and writes what could
   * not be written before. A rejection counts as an outage, so this also tests whether Redis accepts our writes.
   */
  resume(): Promise<void>;
  onUp(fact: { readonly serverVersion: string; readonly awayMs: number | null }): void;
  /** Called once per outage, and again if the kind of error changes. */
  onDown(error: RedisError): void;
}

/** A session's surroundings, which the simulator replaces. */
export interface SessionMeans {
  readonly clock: Clock;
  readonly openConnection: OpenConnection;
  /** From 0 up to 1. */
  readonly random: () => number;
}

export const systemMeans: SessionMeans = { clock: systemClock, openConnection, random: Math.random };

export class RedisSession {
  /** If false, every value is read as a whole. */
  mayReadPieces = true;
  readonly #redis: ReachableRedis;
  readonly #hooks: SessionHooks;
  readonly #means: SessionMeans;
  readonly #timeouts: ReplyTimeouts;
  readonly #waits: string;
  readonly #watch: FailoverWatch | null;
  #state: 'new' | 'opening' | 'up' | 'waiting' | 'closed' = 'new';
  #set: ConnectionSet | null = null;
  /** The connections before the current opening. */
  #lastSet: ConnectionSet | null = null;
  #opening: Redis[] = [];
  readonly #backoff = new Backoff(firstBackoffMs, longestBackoffMs);
  /** Number of the current opening, so that a late failure of an earlier one can't end it. */
  #epoch = 0;
  #upSinceMs = 0;
  /** Start of the outage, by the monotonic clock; `null` without an outage. */
  #awaySinceMs: number | null = null;
  #told = new Set<string>();
  /** How often connections were closed because of the server's limit. */
  #outgrown = 0;
  #cancelBackoff: Cancel = () => {};

  /** @param instanceId distinguishes the connections of this process by their names in Redis */
  constructor(
    redis: ReachableRedis,
    hooks: SessionHooks,
    means: SessionMeans = systemMeans,
    instanceId = '',
  ) {
    this.#redis = redis;
    this.#hooks = hooks;
    this.#means = means;
    this.#waits = waitsOf(instanceId);
    this.#timeouts = new ReplyTimeouts(means.clock);
    const onReplaced = () => this.fail(new RedisError('away', 'the sentinels name another master'));
    const failover = { current: () => this.#set?.commands, onReplaced };
    this.#watch = redis.kind === 'sentinel' ? new FailoverWatch(redis, means.clock, failover) : null;
  }

  get isUp(): boolean {
    return this.#state === 'up';
  }

  /** Started and not closed. */
  get isOpen(): boolean {
    return this.#state !== 'new' && this.#state !== 'closed';
  }

  /** Grows with each reply, each error and each try to connect. */
  get progress(): number {
    return this.#epoch + this.#timeouts.settled;
  }

  /** Ids of the open connections; `null` without connections, or if the server doesn't tell its run id. */
  get connections(): RunnerConnections | null {
    return this.#set === null || this.#set.server.runId === '' ? null : idsOf(this.#set);
  }

  /** `null` without connections. */
  get server(): Server | null {
    return this.#set?.server ?? null;
  }

  get replyLimit(): number {
    if (this.#set === null || !this.mayReadPieces) return never;
    return lowered(this.#set.server.replyLimit, this.#outgrown);
  }

  start(): void {
    if (this.#state !== 'new') return;
    this.#watch?.start();
    void this.#open();
  }

  /** Closes the connections for good. Commands without a reply are rejected. */
  close(): void {
    this.#state = 'closed';
    this.#watch?.stop();
    this.#cancelBackoff();
    this.#drop();
    this.#timeouts.stop();
  }

  /** Reports that the connections are unusable. New ones are opened. */
  fail(error: unknown): void {
    if (this.#state === 'closed' || this.#state === 'waiting') return;
    const redisError = redisErrorOf(error);
    const { clock, random } = this.#means;
    if (this.#state === 'up' && clock.elapsedMs() - this.#upSinceMs > stableMs) this.#backoff.reset();
    this.#state = 'waiting';
    this.#awaySinceMs ??= clock.elapsedMs();
    this.#drop();
    const backoffMs = this.#backoff.next();
    // Spread, so that not all runners return at the same moment.
    this.#cancelBackoff = clock.after(backoffMs * (0.8 + 0.2 * random()), () => void this.#open());
    this.#tell(factOf(redisError), redisError);
  }

  /** Reports, once per outage, that the server closed connections because of its output buffer limit. */
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
   * @throws RedisError without a connection, or if it is lost, the reply is late, or Redis answers with an error. Only the
   * last keeps the session up.
   */
  async command<T>(send: (commands: Redis) => Promise<T>): Promise<T> {
    const set = this.#set;
    if (set === null) throw new RedisError('away', 'not connected');
    try {
      return await this.#send(set.commands, send);
    } catch (error) {
      const redisError = redisErrorOf(error);
      if (redisError.kind === 'away' && this.#set === set) this.fail(redisError);
      throw redisError;
    }
  }

  /**
   * Sends a command that may block. Throws as `command`.
   *
   * @param limitMs after this time without a reply the connection counts as dead, because a network may drop it silently
   */
  async blockingCommand<T>(send: (blocker: Redis) => Promise<T>, limitMs = never): Promise<T> {
    const set = this.#set;
    if (set === null) throw new RedisError('away', 'not connected');
    return await this.#send(set.blocker, send, limitMs);
  }

  /** Ends a blocking command as if its time were up. @returns whether there was one */
  async unblock(): Promise<boolean> {
    return await this.#unblock(this.#set?.blockerId);
  }

  /** Like `blockingCommand`, on a separate connection for each name. */
  async extraBlockingCommand<T>(
    name: string,
    send: (blocker: Redis) => Promise<T>,
    limitMs = never,
  ): Promise<T> {
    const set = this.#set;
    if (set === null) throw new RedisError('away', 'not connected');
    try {
      const { connection } = await set.extras.get(name);
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

  /** Like `unblock`, for the connection with this name. */
  async unblockExtra(name: string): Promise<boolean> {
    return await this.#unblock(await this.#set?.extras.idOf(name));
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
      const [server, ...ids] = await this.#within(
        Promise.all([handshake(commands), commands.client('ID'), blocker.client('ID')]),
      );
      if (!isCurrent()) return;
      const set: ConnectionSet = {
        commands,
        blocker,
        commandsId: Number(ids[0]),
        blockerId: Number(ids[1]),
        extras: this.#extras(),
        server,
      };
      await this.#within(this.#settleLast(set));
      if (!isCurrent()) return;
      this.#set = set;
      this.#lastSet = set;
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
   * If a network dropped the last connections silently, Redis still has them open. It may yet carry out what was sent on
   * one, and a BLPOP on the other would lose a job.
   */
  async #settleLast(set: ConnectionSet): Promise<void> {
    const last = this.#lastSet;
    this.#lastSet = null;
    if (last === null || !isSameServer(last, set)) return;
    if (hasOutgrown(last, set)) {
      this.#outgrown += 1;
      this.tellOutgrown();
    }
    // Refused if they are gone, as they usually are, or if CLIENT KILL isn't permitted.
    const ends = idsOf(last).ids.map((id) => set.commands.client('KILL', 'ID', id));
    await Promise.allSettled(ends);
  }

  #connection(name: string, isOpening = true): Redis {
    const connection = this.#means.openConnection(this.#redis, { name, connectTimeoutMs: answerLimitMs });
    if (isOpening) this.#opening.push(connection);
    this.#listen(connection);
    return connection;
  }

  #listen(connection: Redis): void {
    // Before `ready`, any error makes the connection unusable, even if ioredis would go on: after a SELECT that failed,
    // it would use database 0.
    connection.on('error', (error) => this.#lost(connection, error));
    connection.on('close', () => this.#lost(connection, new RedisError('away', 'the connection was closed')));
  }

  #lost(connection: Redis, error: unknown): void {
    const ours = this.#set === null ? this.#opening : [...this.#opening, ...connectionsOf(this.#set)];
    if (ours.includes(connection)) this.fail(error);
  }

  #drop(): void {
    const connections = this.#set === null ? this.#opening : connectionsOf(this.#set);
    this.#set = null;
    this.#opening = [];
    for (const connection of connections) {
      connection.disconnect();
      // `disconnect` waits for the peer to close, which a silent peer never does. Pending commands must be rejected before
      // the next connection is up.
      connection.stream?.destroy();
    }
  }
}

/**
 * Sends commands to Redis. Each reply has a time limit, and each error becomes a RedisError.
 *
 * Redis answers nearly all commands within a millisecond. A timer for each would be expensive, so one timer serves all of
 * them, and replies don't touch it.
 */
import { type Cancel, type Clock, systemClock } from './clock.ts';
import type { Redis } from './connection.ts';
import { RedisError, redisErrorOf } from './redis-error.ts';

/** Sends commands on a connection. Its owner decides what happens when the connection is lost. */
export interface CommandSender {
  /** The largest reply to ask for, in bytes; unlimited if left out. */
  readonly replyLimit?: number;
  /**
   * Rejects with RedisError.
   *
   * @param bytes size of the command, if it is large: a slow line needs time for it
   */
  command<T>(send: (commands: Redis) => Promise<T>, bytes?: number): Promise<T>;
}

/** Finds a peer that accepts a connection or a command and never answers. */
export const answerLimitMs = 10_000;
/** A reply that is late gets this much longer; see `within`. */
const graceMs = 100;
const never = Number.POSITIVE_INFINITY;

/**
 * Sends one command.
 *
 * @param limitMs after this time without a reply the connection counts as dead
 * @throws RedisError if the connection is lost, Redis refuses, or the reply is late
 */
export async function sendOn<T>(
  connection: Redis,
  send: (connection: Redis) => Promise<T>,
  limitMs = answerLimitMs,
  timeouts: ReplyTimeouts = systemTimeouts,
): Promise<T> {
  try {
    return await timeouts.within(send(connection), limitMs);
  } catch (error) {
    throw redisErrorOf(error);
  }
}

interface Waiting {
  readonly limitMs: number;
  readonly deadlineMs: number;
  readonly giveUp: (error: RedisError) => void;
  /** Whether its time was over at the last check. */
  isOverdue: boolean;
}

/** Time limits of all replies, by one clock. */
export class ReplyTimeouts {
  /** How many replies, errors and expired limits there were. */
  settled = 0;
  readonly #clock: Clock;
  readonly #all = new Set<Waiting>();
  #cancelCheck: Cancel = () => {};
  #checkAtMs = never;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * The reply, or a RedisError if it is late.
   *
   * If the process was stopped for longer than the limit (SIGSTOP, a laptop's lid), the limit has passed before the
   * process has read the replies that arrived. Such a reply may be a job, so a reply counts as late only if it is still
   * missing at the next check.
   */
  within<T>(reply: Promise<T>, limitMs = answerLimitMs): Promise<T> {
    if (limitMs === never) return reply;
    return new Promise((resolve, reject) => {
      const deadlineMs = this.#clock.elapsedMs() + limitMs;
      const waiting = { limitMs, deadlineMs, giveUp: reject, isOverdue: false };
      this.#all.add(waiting);
      this.#checkAt(deadlineMs);
      reply.then(
        (value) => {
          this.settled += 1;
          this.#all.delete(waiting);
          resolve(value);
        },
        (error: unknown) => {
          this.settled += 1;
          this.#all.delete(waiting);
          reject(error as Error);
        },
      );
    });
  }

  /** Call it when all replies are settled, or never will be: leaves no timer. */
  stop(): void {
    this.#cancelCheck();
    this.#checkAtMs = never;
  }

  #checkAt(atMs: number): void {
    if (atMs >= this.#checkAtMs) return;
    this.#cancelCheck();
    this.#checkAtMs = atMs;
    const inMs = Math.max(1, atMs - this.#clock.elapsedMs());
    this.#cancelCheck = this.#clock.after(inMs, () => this.#check());
  }

  #check(): void {
    this.#cancelCheck = () => {};
    this.#checkAtMs = never;
    const nowMs = this.#clock.elapsedMs();
    let nextMs = never;
    for (const waiting of this.#all) {
      if (nowMs < waiting.deadlineMs) {
        nextMs = Math.min(nextMs, waiting.deadlineMs);
      } else if (waiting.isOverdue) {
        this.settled += 1;
        this.#all.delete(waiting);
        waiting.giveUp(new RedisError('away', `no answer within ${waiting.limitMs / 1000} s`));
      } else {
        waiting.isOverdue = true;
        nextMs = Math.min(nextMs, nowMs + graceMs);
      }
    }
    if (nextMs !== never) this.#checkAt(nextMs);
  }
}

const systemTimeouts = new ReplyTimeouts(systemClock);

/** The reply, or a RedisError if it is late by the system's clock. */
export function withinLimit<T>(reply: Promise<T>, limitMs = answerLimitMs): Promise<T> {
  return systemTimeouts.within(reply, limitMs);
}

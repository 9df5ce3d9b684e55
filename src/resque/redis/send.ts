/** The one way to send a command or a script: within a limit, and with each error as RedisError. */

import { type Cancel, type Clock, systemClock } from './clock.ts';
import type { Redis } from './connection.ts';
import { RedisError, troubleOf } from './redis-error.ts';

/** Anything that has a connection: a session, or one short talk. */
export interface CommandSender {
  /** Bytes that a reply may have; any number if left out. */
  readonly replyLimit?: number;
  /** Rejects with RedisError. */
  command<T>(send: (commands: Redis) => Promise<T>): Promise<T>;
}

export type Limit = <T>(reply: Promise<T>, limitMs: number) => Promise<T>;

/**
 * @param limitMs without an answer after this time the connection counts as dead
 * @throws RedisError if the connection is lost, Redis refuses, or doesn't answer in time
 */
export async function sendOn<T>(
  connection: Redis,
  send: (connection: Redis) => Promise<T>,
  limitMs = answerLimitMs,
  limit: Limit = withinLimit,
): Promise<T> {
  try {
    return await limit(send(connection), limitMs);
  } catch (error) {
    throw troubleOf(error);
  }
}

/** A peer that takes a connection or a command and doesn't answer is found after this time. */
export const answerLimitMs = 10_000;
/** Between the end of the limit and the look that decides. */
const lastLookMs = 100;
const never = Number.POSITIVE_INFINITY;

interface Waiting {
  readonly limitMs: number;
  readonly deadlineMs: number;
  readonly giveUp: (trouble: RedisError) => void;
  /** Whether its time was over at the last look. */
  isOverdue: boolean;
}

/** All replies that are waited for by one clock. */
export class ReplyLimits {
  readonly #clock: Clock;
  readonly #all = new Set<Waiting>();
  #cancelLook: Cancel = () => {};
  #lookAtMs = never;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * The reply, or RedisError if it doesn't come in time.
   *
   * A process that was stopped for longer (SIGSTOP, a laptop's lid) finds the time over before it has read the replies
   * that arrived in between, and such a reply may be a job. So a reply is given up only if it is still missing at the
   * next look.
   */
  within<T>(reply: Promise<T>, limitMs = answerLimitMs): Promise<T> {
    if (limitMs === never) return reply;
    return new Promise((resolve, reject) => {
      const deadlineMs = this.#clock.elapsedMs() + limitMs;
      const waiting = { limitMs, deadlineMs, giveUp: reject, isOverdue: false };
      this.#all.add(waiting);
      this.#lookAt(deadlineMs);
      reply.then(
        (value) => {
          this.#all.delete(waiting);
          resolve(value);
        },
        (error: unknown) => {
          this.#all.delete(waiting);
          reject(error as Error);
        },
      );
    });
  }

  /** Of two looks, the earlier one stands. */
  #lookAt(atMs: number): void {
    if (atMs >= this.#lookAtMs) return;
    this.#cancelLook();
    this.#lookAtMs = atMs;
    const inMs = Math.max(1, atMs - this.#clock.elapsedMs());
    this.#cancelLook = this.#clock.after(inMs, () => this.#look());
  }

  #look(): void {
    this.#cancelLook = () => {};
    this.#lookAtMs = never;
    const nowMs = this.#clock.elapsedMs();
    let nextMs = never;
    for (const waiting of this.#all) {
      if (nowMs < waiting.deadlineMs) {
        nextMs = Math.min(nextMs, waiting.deadlineMs);
      } else if (waiting.isOverdue) {
        this.#all.delete(waiting);
        waiting.giveUp(new RedisError('away', `no answer within ${waiting.limitMs / 1000} s`));
      } else {
        waiting.isOverdue = true;
        nextMs = Math.min(nextMs, nowMs + lastLookMs);
      }
    }
    if (nextMs !== never) this.#lookAt(nextMs);
  }
}

const systemLimits = new ReplyLimits(systemClock);

/** By the system's clock. */
export function withinLimit<T>(reply: Promise<T>, limitMs = answerLimitMs): Promise<T> {
  return systemLimits.within(reply, limitMs);
}

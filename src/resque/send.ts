/** The one way to send a command: within a limit, and with each error as RedisTrouble. */
import type { Redis } from './connection.ts';
import { troubleOf } from './trouble.ts';
import { answerLimitMs, withinLimit } from './within-limit.ts';

/** Anything that has a connection: a session, or one short talk. */
export interface CommandSender {
  /** Bytes that a reply may have; any number if left out. */
  readonly replyLimit?: number;
  /** Rejects with RedisTrouble. */
  command<T>(send: (commands: Redis) => Promise<T>): Promise<T>;
}

export type Limit = <T>(reply: Promise<T>, limitMs: number) => Promise<T>;

/**
 * @param limitMs without an answer after this time the connection counts as dead
 * @throws RedisTrouble if the connection is lost, Redis refuses, or doesn't answer in time
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

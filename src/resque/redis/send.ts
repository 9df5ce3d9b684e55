/** The one way to send a command or a script: within a limit, and with each error as RedisError. */
import { createHash } from 'node:crypto';
import type { Redis } from './connection.ts';
import { troubleOf } from './redis-error.ts';
import { answerLimitMs, withinLimit } from './timeouts.ts';

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

/** A Lua script for Redis with the name that Redis knows it by. */
export interface Script {
  readonly source: string;
  readonly sha1: string;
}

export function script(source: string): Script {
  return { source, sha1: createHash('sha1').update(source).digest('hex') };
}

/** EVALSHA, and EVAL where Redis doesn't know the script (yet, or after SCRIPT FLUSH). Rejects with RedisError. */
export function runScript(
  session: CommandSender,
  script: Script,
  keyCount: number,
  args: readonly (string | Buffer | number)[],
): Promise<unknown> {
  return session.command(async (commands) => {
    try {
      return await commands.callBuffer('EVALSHA', [script.sha1, keyCount, ...args]);
    } catch (error) {
      if (!(error instanceof Error) || !error.message.startsWith('NOSCRIPT')) throw error;
      return await commands.callBuffer('EVAL', [script.source, keyCount, ...args]);
    }
  });
}

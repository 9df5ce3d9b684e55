/** One short talk with Redis, for commands that answer and end. */
import {
  openConnection,
  type ReachableRedis,
  type Redis,
  troubleText,
} from '../../resque/redis/connection.ts';
import { connected, readReplyLimit } from '../../resque/redis/handshake.ts';
import { RedisError, troubleOf } from '../../resque/redis/redis-error.ts';
import { type CommandSender, sendOn, withinLimit } from '../../resque/redis/send.ts';
import { OperatingError } from '../command-line/exit-codes.ts';

/**
 * Connects, lets `work` use the connection, and closes it.
 *
 * @param limitMs for all of it; a server that accepts and never answers is found by it too
 * @throws RedisError when Redis can't be used as configured, refuses a command, or isn't done in time;
 * whatever else `work` throws
 */
export function withRedis<T>(
  redis: ReachableRedis,
  limitMs: number,
  work: (connection: Redis) => Promise<T>,
): Promise<T> {
  return withConnection(redis, limitMs, (connection, opening) => {
    const talk = opening.then(() => work(connection));
    talk.catch(() => {});
    return withinLimit(talk, limitMs);
  });
}

/**
 * The same for work that may take long: the limits are for the connecting and for each single reply.
 *
 * @param openMs how long the connecting may take
 */
export function withSender<T>(
  redis: ReachableRedis,
  openMs: number,
  work: (sender: CommandSender) => Promise<T>,
): Promise<T> {
  return withConnection(redis, openMs, async (connection, opening) => {
    await withinLimit(opening, openMs);
    const { kind, bytes } = await withinLimit(readReplyLimit(connection), openMs);
    const sender: CommandSender = { command: (send) => sendOn(connection, send) };
    return await work(kind === 'known' ? { ...sender, replyLimit: bytes } : sender);
  });
}

async function withConnection<T>(
  redis: ReachableRedis,
  connectTimeoutMs: number,
  talk: (connection: Redis, opening: Promise<void>) => Promise<T>,
): Promise<T> {
  const connection = openConnection(redis, { name: 'resque-runner command', connectTimeoutMs });
  // ioredis tells only by this event why it can't connect; and where SELECT fails it would go on, on database 0.
  const failure = new Promise<never>((_, reject) => {
    connection.on('error', (error) => reject(troubleOf(error)));
  });
  const opening = Promise.race([opened(connection), failure]);
  // Only the first of them to end is listened to.
  for (const promise of [failure, opening]) promise.catch(() => {});
  try {
    return await Promise.race([talk(connection, opening), failure]);
  } catch (error) {
    return asRedisError(error);
  } finally {
    connection.disconnect();
  }
}

/** @throws the error; one of Redis or of the connection as RedisError */
function asRedisError(error: unknown): never {
  throw isOfRedis(error) ? troubleOf(error) : error;
}

/** Connects and makes sure that the other side is a Redis that answers. */
async function opened(connection: Redis): Promise<void> {
  try {
    await connected(connection);
    await connection.ping();
  } catch (error) {
    throw troubleOf(error);
  }
}

/** A refusal by Redis, or the loss of the connection. */
function isOfRedis(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  return error.name === 'ReplyError' || /^Connection is closed|writeable/.test(error.message);
}

/** @throws OperatingError that says where Redis should be, what is wrong, and what to do */
export function explainRedisError(redis: ReachableRedis, error: unknown): never {
  if (!(error instanceof RedisError)) throw error;
  throw new OperatingError(troubleText(redis, error), { cause: error });
}

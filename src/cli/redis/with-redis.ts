/** Short connections to Redis, for commands that print a result and end. */
import {
  openConnection,
  type ReachableRedis,
  type Redis,
  redisErrorText,
} from '../../resque/redis/connection.ts';
import { opened, senderOn } from '../../resque/redis/handshake.ts';
import { RedisError, redisErrorOf } from '../../resque/redis/redis-error.ts';
import { type CommandSender, withinLimit } from '../../resque/redis/send.ts';
import { OperatingError } from '../command-line/exit-codes.ts';

/**
 * Connects, calls `work` with the connection, and closes it.
 *
 * @param limitMs for everything; it also covers a server that accepts connections and never answers
 * @throws RedisError if Redis can't be used as configured, refuses a command, or doesn't finish in time; also the errors of
 * `work`
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
 * The same for work that may take long: there is a limit for the connection and one for each reply.
 *
 * @param openMs how long connecting may take
 */
export function withSender<T>(
  redis: ReachableRedis,
  openMs: number,
  work: (sender: CommandSender) => Promise<T>,
): Promise<T> {
  return withConnection(redis, openMs, async (connection, opening) => {
    await withinLimit(opening, openMs);
    return await work(await withinLimit(senderOn(connection), openMs));
  });
}

async function withConnection<T>(
  redis: ReachableRedis,
  connectTimeoutMs: number,
  talk: (connection: Redis, opening: Promise<void>) => Promise<T>,
): Promise<T> {
  const connection = openConnection(redis, { name: 'resque-runner command', connectTimeoutMs });
  const opening = opened(connection);
  opening.catch(() => {});
  try {
    return await talk(connection, opening);
  } catch (error) {
    return asRedisError(error);
  } finally {
    connection.disconnect();
  }
}

/** @throws the error; errors of Redis or of the connection as RedisError */
function asRedisError(error: unknown): never {
  throw isOfRedis(error) ? redisErrorOf(error) : error;
}

/** Whether it is an error reply of Redis or the loss of the connection. */
function isOfRedis(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  return error.name === 'ReplyError' || /^Connection is closed|writeable/.test(error.message);
}

/** @throws OperatingError with the address of Redis, the problem and the fix */
export function explainRedisError(redis: ReachableRedis, error: unknown): never {
  if (!(error instanceof RedisError)) throw error;
  throw new OperatingError(redisErrorText(redis, error), { cause: error });
}

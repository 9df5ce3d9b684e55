/** `resque-runner enqueue QUEUE CLASS [ARG…]`: puts one job on a queue, as any Resque client would. */
import type { RedisConfig } from '../config/config.ts';
import { defaultConnection } from '../config/default-connection.ts';
import { parseRedisUrl } from '../config/parse-redis-url.ts';
import { describeRedis, type ReachableRedis } from '../resque/connection.ts';
import { resqueKeys } from '../resque/keys.ts';
import { visible, visibleWithin } from '../wording/visible.ts';
import type { Flags } from './arguments.ts';
import type { CommandContext } from './commands.ts';
import { findEmbeddedRedis } from './embedded-redis.ts';
import { exitCodes, OperatingError, UsageError } from './exit-codes.ts';
import { jobPayload } from './job-payload.ts';
import { findConfig, loadConfig } from './load-config.ts';
import { explainTrouble, withRedis } from './with-redis.ts';

/** Someone waits at a prompt. */
const limitMs = 4_000;

export async function run({ invocation }: CommandContext): Promise<number> {
  const [queue = '', jobClass = '', ...args] = invocation.input;
  refuseName('queue', queue);
  refuseName('class', jobClass);
  const payload = jobPayload(jobClass, args);
  const { redis, namespace } = whereTo(invocation.flags);
  const reachable = await reach(redis);
  const keys = resqueKeys(namespace);
  const waiting = await withRedis(reachable, limitMs, async (connection) => {
    const replies = await connection
      .multi()
      .sadd(keys.queues, queue)
      .rpush(keys.queue(queue), payload)
      .exec();
    for (const [error] of replies ?? []) if (error !== null) throw error;
    return Number(replies?.[1]?.[1]);
  }).catch((error: unknown) => explainTrouble(reachable, error));
  const jobs = waiting === 1 ? '1 job waits' : `${waiting} jobs wait`;
  const shownQueue = visible(queue);
  process.stdout.write(
    `enqueued ${visibleWithin(payload, 200)} in ${shownQueue}, where ${jobs} now, at ${visible(describeRedis(reachable))}\n`,
  );
  return exitCodes.clean;
}

/** Resque takes any name; one like these is a slip of the shell's quoting. */
function refuseName(what: string, name: string): void {
  if (name.trim() === '') throw new UsageError(`the ${what} is empty`);
  if (/\p{Cc}/u.test(name)) {
    throw new UsageError(`the ${what} "${visibleWithin(name, 60)}" contains a control character`);
  }
}

function whereTo(flags: Flags): { redis: RedisConfig; namespace: string } {
  const file = findConfig(flags.config);
  const { redis, namespace } =
    file === null ? connectionWithoutConfig(flags.redis) : loadConfig(file, flags.redis).config;
  return { redis, namespace: flags.namespace ?? namespace };
}

function connectionWithoutConfig(url: string | null): { redis: RedisConfig; namespace: string } {
  const defaults = defaultConnection();
  if (url === null) return defaults;
  const result = parseRedisUrl(url, process.cwd());
  if (!result.ok) throw new UsageError(`--redis: ${result.problem}`);
  return { ...defaults, redis: result.redis };
}

/** An embedded Redis is not started for this: it runs as long as the runner does, and nobody else would stop it. */
async function reach(redis: RedisConfig): Promise<ReachableRedis> {
  if (redis.kind !== 'embedded') return redis;
  const found = await findEmbeddedRedis(redis.directory);
  if (found !== null) return found;
  throw new OperatingError(
    `the embedded Redis in ${redis.directory} does not run; it runs as long as the runner: start resque-runner first`,
  );
}

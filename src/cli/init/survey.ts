/** Tests a Redis before anything is written, and lists its queues. */
import type { Config } from '../../config/config.ts';
import { resqueKeys } from '../../resque/format/keys.ts';
import { queueList } from '../../resque/format/queue-patterns.ts';
import type { ReachableRedis } from '../../resque/redis/connection.ts';
import { redisErrorText } from '../../resque/redis/connection.ts';
import { RedisError } from '../../resque/redis/redis-error.ts';
import { checkRedis } from '../check/redis.ts';
import { fail, type Verdict } from '../check/verdict.ts';
import type { ConfigIo } from '../files/load-config.ts';
import { findEmbeddedRedis } from '../redis/embedded-redis.ts';
import { withSender } from '../redis/with-redis.ts';

export interface Backlog {
  readonly queue: string;
  /** Number of waiting jobs. */
  readonly waiting: number;
}

export interface Survey {
  readonly verdicts: readonly Verdict[];
  /** Whether a missing or wrong password may be the reason. */
  readonly isDenied: boolean;
  /** The queues that a config can name, the longest first. */
  readonly queues: readonly Backlog[];
}

/** A user is waiting at a prompt. */
const openLimitMs = 4_000;

export async function surveyRedis(io: ConfigIo, config: Config): Promise<Survey> {
  const { redis } = config;
  const reachable = redis.kind === 'embedded' ? await findEmbeddedRedis(redis.directory) : redis;
  if (reachable === null) return { verdicts: await checkRedis(io, config), isDenied: false, queues: [] };
  try {
    const queues = await listQueues(reachable, config.namespace);
    return { verdicts: await checkRedis(io, config), isDenied: false, queues };
  } catch (error) {
    if (!(error instanceof RedisError)) throw error;
    const verdicts = [fail('redis', redisErrorText(reachable, error))];
    return { verdicts, isDenied: error.kind === 'denied', queues: [] };
  }
}

async function listQueues(redis: ReachableRedis, namespace: string): Promise<Backlog[]> {
  const keys = resqueKeys(namespace);
  return await withSender(redis, openLimitMs, async (sender) => {
    const names = await sender.command((commands) => commands.smembers(keys.queues));
    const queues = names.filter(isPlainName);
    const lengths = await sender.command((commands) => {
      const pipeline = commands.pipeline();
      for (const queue of queues) pipeline.llen(keys.queue(queue));
      return pipeline.exec();
    });
    return queues
      .map((queue, at) => ({ queue, waiting: Number(lengths?.[at]?.[1] ?? 0) }))
      .sort((a, b) => b.waiting - a.waiting || (a.queue < b.queue ? -1 : 1));
  });
}

/** Whether a config's entry of that name means this queue and nothing else. */
export function isPlainName(queue: string): boolean {
  const { names, isDynamic } = queueList(queue);
  return !isDynamic && names.length === 1 && names[0] === queue;
}

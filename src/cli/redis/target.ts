/** Finds a command's Redis and connects to it, for commands that print a result and end. */
import type { Config, RedisConfig, Schedule } from '../../config/config.ts';
import { defaultConnection } from '../../config/files/parse-config.ts';
import { parseRedisUrl } from '../../config/resolve-redis.ts';
import { type ResqueKeys, resqueKeys } from '../../resque/format/keys.ts';
import { describeRedis, type ReachableRedis } from '../../resque/redis/connection.ts';
import type { CommandSender } from '../../resque/redis/send.ts';
import { OperatingError, UsageError } from '../command-line/exit-codes.ts';
import type { Flags } from '../command-line/flags.ts';
import { type ConfigIo, findConfig, loadConfig, redisOfEnvironment } from '../files/load-config.ts';
import { findEmbeddedRedis } from './embedded-redis.ts';
import { explainRedisError, withSender } from './with-redis.ts';

/** A user is waiting at a prompt. */
const openLimitMs = 4_000;

/** Flags that say which Redis a command uses. */
export type TargetFlags = Pick<Flags, 'config' | 'redis' | 'namespace'>;

export interface RedisTarget {
  readonly redis: ReachableRedis;
  readonly keys: ResqueKeys;
  readonly namespace: string;
  /** Prefix of resque-scheduler's lock. */
  readonly lockPrefix: string;
  /** Of the config; none without one. */
  readonly schedules: readonly Schedule[];
  /** Its address for people, without any password. */
  readonly shown: string;
}

/**
 * Calls `work` with a connection to the Redis that flags and config select.
 *
 * @throws OperatingError if Redis is unreachable or returns an error, UsageError for invalid flags or an invalid config
 */
export async function withTarget<T>(
  io: ConfigIo,
  flags: TargetFlags,
  work: (sender: CommandSender, target: RedisTarget) => Promise<T>,
): Promise<T> {
  const target = await findTarget(io, flags);
  return await withSender(target.redis, openLimitMs, (sender) => work(sender, target)).catch(
    (error: unknown) => explainRedisError(target.redis, error),
  );
}

/** Flags take precedence over the config, and the config over the defaults. An embedded Redis must be running. */
export async function findTarget(io: ConfigIo, flags: TargetFlags): Promise<RedisTarget> {
  const file = findConfig(io, flags.config);
  const found =
    file === null ? connectionWithoutConfig(io, flags.redis) : loadConfig(io, file, flags.redis).config;
  const namespace = flags.namespace ?? found.namespace;
  const redis = await reach(found.redis);
  const { schedulerLockPrefix: lockPrefix, schedules } = found;
  return {
    redis,
    namespace,
    lockPrefix,
    schedules,
    keys: resqueKeys(namespace),
    shown: describeRedis(redis),
  };
}

function connectionWithoutConfig(
  io: ConfigIo,
  option: string | null,
): Pick<Config, 'redis' | 'namespace' | 'schedulerLockPrefix' | 'schedules'> {
  const defaults = { ...defaultConnection(), schedulerLockPrefix: '', schedules: [] };
  if (option === null) return { ...defaults, redis: redisOfEnvironment(io) ?? defaults.redis };
  const result = parseRedisUrl(option, io.cwd);
  if (!result.ok) throw new UsageError(`--redis: ${result.problem}`);
  return { ...defaults, redis: result.redis };
}

/** Doesn't start an embedded Redis, because only a runner would stop it again. */
async function reach(redis: RedisConfig): Promise<ReachableRedis> {
  if (redis.kind !== 'embedded') return redis;
  const found = await findEmbeddedRedis(redis.directory);
  if (found !== null) return found;
  throw new OperatingError(
    `the embedded Redis in ${redis.directory} is not running; it runs only while its runner is running: start resque-runner first`,
  );
}

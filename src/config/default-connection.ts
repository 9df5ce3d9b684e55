/** Where commands find Redis that need no config, such as `enqueue`: the defaults of a config file. */
import * as v from 'valibot';
import type { Config } from './config.ts';
import { resolveRedis } from './resolve-redis.ts';
import { connectionSchema } from './schema.ts';

/** The part of a config that is about Redis. */
export type ConnectionConfig = Pick<Config, 'redis' | 'namespace'>;

/** Redis on localhost, port 6379, database 0, namespace "resque". */
export function defaultConnection(): ConnectionConfig {
  const { redis, namespace } = v.parse(connectionSchema, {});
  // The default has no paths, so that any directory will do.
  return { redis: resolveRedis(redis, '/'), namespace };
}

/** A Redis given on the command line: a URL, a path of a socket, or "embedded". */
import * as v from 'valibot';
import type { RedisConfig } from './config.ts';
import { redisSchema } from './redis-schema.ts';
import { resolveRedis } from './resolve-redis.ts';

export type RedisUrlResult =
  | { readonly ok: true; readonly redis: RedisConfig }
  /** What is wrong, to be put after the name of the option; it never repeats the URL. */
  | { readonly ok: false; readonly problem: string };

/** @param directory absolute; a relative path of a socket and the folder of an embedded Redis begin here */
export function parseRedisUrl(url: string, directory: string): RedisUrlResult {
  const result = v.safeParse(redisSchema, url);
  return result.success
    ? { ok: true, redis: resolveRedis(result.output, directory) }
    : { ok: false, problem: result.issues[0].message };
}

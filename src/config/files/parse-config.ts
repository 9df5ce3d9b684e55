/** Parses the text of a config file into the config or a list of all its problems. Reads no files and no environment. */
import { basename, dirname } from 'node:path';
import * as v from 'valibot';
import type { Config, RedisConfig } from '../config.ts';
import { problems } from '../problems.ts';
import { resolveConfig } from '../resolve-config.ts';
import { parseRedisUrl, resolveRedis } from '../resolve-redis.ts';
import { configSchema, connectionSchema } from '../schema.ts';
import { isObject } from '../shapes.ts';
import { readJson } from './json-syntax.ts';

export interface ParseOptions {
  /** Absolute path of the file: its directory is the base of relative paths, and syntax errors name it. */
  readonly file: string;
  /** Replaces `redis`, which must still be valid. */
  readonly redisUrl?: string;
  /** `REDIS_URL` of the environment, used if there is neither `redisUrl` nor `redis` in the file. */
  readonly fallbackRedisUrl?: string;
  /** Base of relative paths in these URLs; the file's directory by default. */
  readonly redisUrlDirectory?: string;
}

export type ConfigResult =
  | { readonly ok: true; readonly config: Config }
  /** One line each, without secrets: `runners.mail.concurrency: must be 1 or more, got 0`. Never empty. */
  | { readonly ok: false; readonly problems: readonly string[] };

/** The fields of a config that are about Redis. */
export type ConnectionConfig = Pick<Config, 'redis' | 'namespace'>;

/** For commands that need no config, such as `enqueue`: Redis on localhost, port 6379, database 0, namespace "resque". */
export function defaultConnection(): ConnectionConfig {
  const { redis, namespace } = v.parse(connectionSchema, {});
  // The default has no paths, so any directory will do.
  return { redis: resolveRedis(redis, '/'), namespace };
}

export function parseConfig(text: string, options: ParseOptions): ConfigResult {
  const name = basename(options.file);
  const directory = dirname(options.file);
  const given = readUrl('--redis', options.redisUrl, options);
  const json = readJson(text, name);
  if (!json.ok) return { ok: false, problems: [json.problem, ...given.problems] };
  const { value, duplicates, keysAt } = json.document;
  if (!isObject(value)) {
    return { ok: false, problems: [problems.notAnObjectFile(name, value), ...given.problems] };
  }
  const isSilent = options.redisUrl === undefined && !Object.hasOwn(value, 'redis');
  const override = isSilent ? readUrl('REDIS_URL', options.fallbackRedisUrl, options) : given;
  const result = v.safeParse(configSchema, value);
  const faults = result.success
    ? []
    : result.issues.map((issue) =>
        problems.at(
          (issue.path ?? []).map(({ key }) => key),
          issue.message,
        ),
      );
  if (!result.success || duplicates.length > 0 || override.problems.length > 0) {
    return { ok: false, problems: [...duplicates, ...faults, ...override.problems] };
  }
  const redis = override.redis ?? resolveRedis(result.output.redis, directory);
  return { ok: true, config: resolveConfig(result.output, redis, keysAt(['runners']), directory) };
}

/** @param source where the URL comes from, for messages */
function readUrl(
  source: string,
  url: string | undefined,
  { file, redisUrlDirectory = dirname(file) }: ParseOptions,
): { redis: RedisConfig | null; problems: string[] } {
  if (url === undefined) return { redis: null, problems: [] };
  const result = parseRedisUrl(url, redisUrlDirectory);
  return result.ok
    ? { redis: result.redis, problems: [] }
    : { redis: null, problems: [problems.option(source, result.problem)] };
}

/** The text of a config file → the config, or everything that is wrong with it. Reads no file and no environment. */
import { basename, dirname } from 'node:path';
import * as v from 'valibot';
import type { Config, RedisConfig } from './config.ts';
import { readJson } from './json-syntax.ts';
import { parseRedisUrl } from './parse-redis-url.ts';
import { problems } from './problems.ts';
import { resolveConfig } from './resolve-config.ts';
import { resolveRedis } from './resolve-redis.ts';
import { configSchema } from './schema.ts';
import { isObject } from './shapes.ts';

export interface ParseOptions {
  /** Absolute path of the file: relative paths in it begin at its folder, and syntax errors name it. */
  readonly file: string;
  /** Takes the place of `redis`, which has to be valid all the same. */
  readonly redisUrl?: string;
  /** Where a relative path in `redisUrl` begins; the file's folder if not given. */
  readonly redisUrlDirectory?: string;
}

export type ConfigResult =
  | { readonly ok: true; readonly config: Config }
  /** One line each, without secrets: `runners.mail.concurrency: 0 is below 1`. Never empty. */
  | { readonly ok: false; readonly problems: readonly string[] };

export function parseConfig(text: string, options: ParseOptions): ConfigResult {
  const name = basename(options.file);
  const directory = dirname(options.file);
  const override = readOverride(options, directory);
  const json = readJson(text, name);
  if (!json.ok) return { ok: false, problems: [json.problem, ...override.problems] };
  const { value, duplicates, keysAt } = json.document;
  if (!isObject(value)) {
    return { ok: false, problems: [problems.notAnObjectFile(name, value), ...override.problems] };
  }
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

function readOverride(
  { redisUrl, redisUrlDirectory }: ParseOptions,
  directory: string,
): { redis: RedisConfig | null; problems: string[] } {
  if (redisUrl === undefined) return { redis: null, problems: [] };
  const result = parseRedisUrl(redisUrl, redisUrlDirectory ?? directory);
  return result.ok
    ? { redis: result.redis, problems: [] }
    : { redis: null, problems: [problems.option('--redis', result.problem)] };
}

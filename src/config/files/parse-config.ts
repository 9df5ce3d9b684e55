/** Parses the text of a config file, and the files that it includes, into the config or a list of all problems. */
import { dirname } from 'node:path';
import * as v from 'valibot';
import type { Config, RedisConfig } from '../config.ts';
import { problems } from '../problems.ts';
import { type ConfigPart, resolveConfig } from '../resolve-config.ts';
import { parseRedisUrl, resolveRedis } from '../resolve-redis.ts';
import { configSchema, connectionSchema } from '../schema.ts';
import { conflictsIn, withIncluded } from './conflicts.ts';
import { type ConfigFiles, IncludeReader, type PartTree } from './include.ts';
import { type Origin, type Origins, originsOf } from './origins.ts';
import type { Environment } from './variables.ts';

export interface ParseOptions {
  /** Absolute path of the file: its directory is the base of relative paths, and syntax errors name it. */
  readonly file: string;
  /** Replaces `redis`, which must still be valid. */
  readonly redisUrl?: string;
  /** `REDIS_URL` of the environment, used if there is neither `redisUrl` nor `redis` in the file. */
  readonly fallbackRedisUrl?: string;
  /** Base of relative paths in these URLs; the file's directory by default. */
  readonly redisUrlDirectory?: string;
  /** For variables; empty by default. */
  readonly env?: Environment;
  /** For `include`; no other files by default. */
  readonly files?: ConfigFiles;
}

const noFiles: ConfigFiles = {
  read: () => ({ ok: false, problem: problems.noFile() }),
  list: () => ({ ok: true, value: [] }),
  identify: (path) => path,
};

export type ConfigResult =
  | {
      readonly ok: true;
      readonly config: Config;
      /** Absolute: the file, then those that it includes. */
      readonly files: readonly string[];
      /** Absolute: the directories whose files it includes by a pattern. */
      readonly directories: readonly string[];
      readonly originOf: Origins;
    }
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
  const { file, env = {}, files = noFiles } = options;
  const given = readUrl('--redis', options.redisUrl, options);
  const reader = new IncludeReader(files, env, dirname(file));
  const main = reader.main(text, file, configSchema);
  if (main === null) return { ok: false, problems: [...reader.problems, ...given.problems] };
  const isSilent = options.redisUrl === undefined && !Object.hasOwn(main.value, 'redis');
  const override = isSilent ? readUrl('REDIS_URL', options.fallbackRedisUrl, options) : given;
  const found = [...reader.problems, ...conflictsIn(main), ...override.problems];
  if (found.length > 0) return { ok: false, problems: found };
  const part = withSettings(main);
  const redis = override.redis ?? resolveRedis(part.settings.redis, part.directory);
  const paths = withIncluded(main).map((each) => each.file.path);
  const source: Origin = isSilent
    ? { kind: 'environment', name: 'REDIS_URL' }
    : { kind: 'flag', name: '--redis' };
  const originOf = originsOf(main, override.redis === null ? null : source);
  const { directories } = reader;
  return { ok: true, config: resolveConfig(part, redis), files: paths, directories, originOf };
}

/** Without a problem, every file has settings. */
function withSettings<TSettings>({
  settings,
  file,
  document,
  includes,
}: PartTree<TSettings>): ConfigPart<TSettings> {
  if (settings === null) throw new TypeError(`${file.name} has no settings`);
  return {
    settings,
    queueKeys: document.keysAt(['runners']),
    directory: dirname(file.path),
    includes: includes.map((each) => withSettings(each)),
  };
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

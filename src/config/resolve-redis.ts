/** Turns the settings for Redis into an address: one kind of server, with absolute paths. */
import { resolve } from 'node:path';
import * as v from 'valibot';
import type { RedisConfig } from './config.ts';
import { type RedisSettings, redisSchema } from './redis-schema.ts';

export type RedisUrlResult =
  | { readonly ok: true; readonly redis: RedisConfig }
  /** A message to append to the option's name; it never repeats the URL. */
  | { readonly ok: false; readonly problem: string };

/** The directory with the data and the socket of an embedded Redis. */
const EMBEDDED_FOLDER = '.resque-runner';

/**
 * A Redis given on the command line or in the environment: a URL, the path of a socket, or "embedded".
 *
 * @param directory absolute; the base of a relative socket path and of an embedded Redis' directory
 */
export function parseRedisUrl(url: string, directory: string): RedisUrlResult {
  const result = v.safeParse(redisSchema, url);
  return result.success
    ? { ok: true, redis: resolveRedis(result.output, directory) }
    : { ok: false, problem: result.issues[0].message };
}

/** @param directory absolute; the base of relative paths */
export function resolveRedis(settings: RedisSettings, directory: string): RedisConfig {
  if (settings === 'embedded') return { kind: 'embedded', directory: resolve(directory, EMBEDDED_FOLDER) };
  const { username, password, db } = settings;
  if (settings.path !== null) {
    return { kind: 'socket', path: resolve(directory, settings.path), db, username, password };
  }
  const absolute = (file: string | null): string | null => (file === null ? null : resolve(directory, file));
  const tls = settings.tls && {
    ...settings.tls,
    ca: absolute(settings.tls.ca),
    cert: absolute(settings.tls.cert),
    key: absolute(settings.tls.key),
  };
  if (settings.sentinels !== null) {
    const { sentinels, master, sentinelUsername, sentinelPassword } = settings;
    return {
      kind: 'sentinel',
      sentinels,
      master,
      sentinelUsername,
      sentinelPassword,
      db,
      username,
      password,
      tls,
    };
  }
  return { kind: 'server', host: settings.host, port: settings.port, db, username, password, tls };
}

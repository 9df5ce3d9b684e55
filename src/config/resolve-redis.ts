/** From the settings of `redis` to an address: one kind of server, with absolute paths. */
import { resolve } from 'node:path';
import type { RedisConfig } from './config.ts';
import type { RedisSettings } from './redis-schema.ts';

/** Name of the folder that an embedded Redis keeps its data and socket in. */
const EMBEDDED_FOLDER = '.resque-runner';

/** @param directory absolute; relative paths begin here */
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

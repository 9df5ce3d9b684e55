/** Which Redis is meant, as people write it, and as it stands in the config. */
import { dirname, relative, resolve } from 'node:path';
import type { RedisConfig } from '../../config/config.ts';
import { parseRedisUrl, type RedisUrlResult } from '../../config/resolve-redis.ts';
import type { Io } from '../command-line/io.ts';

/** `host`, `host:port`, `[::1]:port` */
const addressPattern = /^(?:[\w.-]+|\[[\da-f:.]+\])(?::\d{1,5})?$/i;

/**
 * A URL, the path of a socket, "embedded", or just a host with or without a port.
 *
 * @param file absolute path of the config: an embedded Redis keeps its data beside it
 */
export function readRedis({ cwd }: Pick<Io, 'cwd'>, text: string, file: string): RedisUrlResult {
  const trimmed = text.trim();
  // The path of a socket is meant as seen by whoever types it.
  const directory = trimmed === 'embedded' ? dirname(file) : cwd;
  const isAddress = trimmed !== 'embedded' && addressPattern.test(trimmed);
  return parseRedisUrl(isAddress ? `redis://${trimmed}` : trimmed, directory);
}

/** As it stands in the config, with what isn't the default, and the address in any case. */
export function redisField(io: Pick<Io, 'cwd'>, redis: RedisConfig, file: string): unknown {
  if (redis.kind === 'embedded') return 'embedded';
  const { db, username, password } = redis;
  const access = {
    ...(username === null ? {} : { username }),
    ...(password === null ? {} : { password }),
  };
  switch (redis.kind) {
    case 'server':
      return {
        host: redis.host,
        port: redis.port,
        db,
        ...access,
        ...(redis.tls === null ? {} : { tls: true }),
      };
    case 'socket':
      return { path: pathFrom(io, file, redis.path), db, ...access };
    case 'sentinel':
      throw new TypeError('no URL names sentinels');
  }
}

export function withPassword(redis: RedisConfig, password: string): RedisConfig {
  return redis.kind === 'embedded' ? redis : { ...redis, password };
}

/** As a config names a file: relative where that lies beside or below it, so that both can be moved together. */
export function pathFrom({ cwd }: Pick<Io, 'cwd'>, file: string, path: string): string {
  const absolute = resolve(cwd, path);
  const below = relative(dirname(file), absolute);
  return below === '' || below.startsWith('..') ? absolute : `./${below}`;
}

/**
 * Opens connections to Redis as the config describes them. The only file that knows ioredis' options.
 */
import { readFileSync } from 'node:fs';
import { Redis, type RedisOptions } from 'ioredis';
import type { RedisConfig, TlsConfig } from '../config/config.ts';

export type { Redis };

/** Redis that can be connected to: an embedded one has been started and become a socket by then. */
export type ReachableRedis = Exclude<RedisConfig, { kind: 'embedded' }>;

/** What differs from one use to another; the address comes from the config. */
export type ConnectionUse = Pick<
  RedisOptions,
  'connectionName' | 'retryStrategy' | 'commandTimeout' | 'connectTimeout'
>;

/**
 * A connection that is not connected yet: call `connect()`. Commands sent while it is down are refused at
 * once, and none is ever sent twice: whoever sends a command decides what a lost reply means.
 *
 * @throws Error when a TLS file can't be read.
 */
export function openConnection(redis: ReachableRedis, use: ConnectionUse): Redis {
  const connection = new Redis({
    ...addressOptions(redis),
    ...(redis.username === null ? {} : { username: redis.username }),
    ...(redis.password === null ? {} : { password: redis.password }),
    db: redis.db,
    // Replies in the shapes of RESP2, whatever the server speaks.
    protocol: 2,
    disableClientInfo: true,
    lazyConnect: true,
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: null,
    // A server that is loading its data set is waited for like one that is away.
    maxLoadingRetryTime: 1000,
    keepAlive: 10_000,
    ...use,
  });
  return connection;
}

function addressOptions(redis: ReachableRedis): RedisOptions {
  switch (redis.kind) {
    case 'server':
      return {
        host: redis.host,
        port: redis.port,
        ...(redis.tls === null ? {} : { tls: tlsOptions(redis.tls) }),
      };
    case 'socket':
      return { path: redis.path };
    case 'sentinel':
      return {
        sentinels: redis.sentinels.map(({ host, port }) => ({ host, port })),
        name: redis.master,
        ...(redis.sentinelUsername === null ? {} : { sentinelUsername: redis.sentinelUsername }),
        ...(redis.sentinelPassword === null ? {} : { sentinelPassword: redis.sentinelPassword }),
        ...(redis.tls === null ? {} : { tls: tlsOptions(redis.tls) }),
      };
  }
}

function tlsOptions(tls: TlsConfig): NonNullable<RedisOptions['tls']> {
  return {
    rejectUnauthorized: tls.rejectUnauthorized,
    ...(tls.ca === null ? {} : { ca: readFileSync(tls.ca) }),
    ...(tls.cert === null ? {} : { cert: readFileSync(tls.cert) }),
    ...(tls.key === null ? {} : { key: readFileSync(tls.key) }),
    ...(tls.servername === null ? {} : { servername: tls.servername }),
  };
}

/** Where Redis is, for people, without any password: `redis://db1:6379/0`. */
export function describeRedis(redis: RedisConfig): string {
  const user = 'username' in redis && redis.username !== null ? `${redis.username}@` : '';
  switch (redis.kind) {
    case 'server': {
      const host = redis.host.includes(':') ? `[${redis.host}]` : redis.host;
      return `${redis.tls === null ? 'redis' : 'rediss'}://${user}${host}:${redis.port}/${redis.db}`;
    }
    case 'socket':
      return `unix://${user}${redis.path}?db=${redis.db}`;
    case 'sentinel': {
      const nodes = redis.sentinels.map(({ host, port }) => `${host}:${port}`).join(',');
      return `sentinel://${user}${nodes}/${redis.master}/${redis.db}`;
    }
    case 'embedded':
      return `embedded redis in ${redis.directory}`;
  }
}

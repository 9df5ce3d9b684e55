/** Opens connections to Redis as the config says. The only file that knows ioredis' options. */
import { readFileSync } from 'node:fs';
import { Redis, type RedisOptions } from 'ioredis';
import type { RedisConfig, TlsConfig } from '../../config/config.ts';
import type { RedisError } from './redis-error.ts';

export type { Redis };

/** A Redis to connect to: an embedded one is a socket once it has started. */
export type ReachableRedis = Exclude<RedisConfig, { kind: 'embedded' }>;

export type SentinelRedis = Extract<RedisConfig, { kind: 'sentinel' }>;

/** The part of the options that the config doesn't give. */
export interface ConnectionUse {
  /** Shown by `CLIENT LIST`. */
  readonly name: string;
  /** For establishing a TCP or TLS connection. */
  readonly connectTimeoutMs: number;
}

export type OpenConnection = (redis: ReachableRedis, use: ConnectionUse) => Redis;

/**
 * A connection that is not connected yet: call `connect()`. It connects once. When it is lost, it rejects every command
 * without a reply, and its owner decides what a lost reply means and when to open the next connection. (ioredis' own
 * reconnecting leaves such commands pending forever or sends them again.)
 *
 * @throws Error when a TLS file can't be read.
 */
export function openConnection(redis: ReachableRedis, use: ConnectionUse): Redis {
  return new Redis({
    ...addressOptions(redis),
    ...(redis.username === null ? {} : { username: redis.username }),
    ...(redis.password === null ? {} : { password: redis.password }),
    db: redis.db,
    ...plainOptions(use),
  });
}

/** The same for a connection to a sentinel itself. */
export function openSentinel(
  { sentinelUsername: username, sentinelPassword: password }: SentinelRedis,
  { host, port }: SentinelRedis['sentinels'][number],
): Redis {
  return new Redis({
    ...{ host, port },
    ...(username === null ? {} : { username }),
    ...(password === null ? {} : { password }),
    ...plainOptions({ name: 'resque-runner-watch', connectTimeoutMs: 5_000 }),
  });
}

function plainOptions(use: ConnectionUse) {
  return {
    // Replies in the shapes of RESP2, whatever the server speaks.
    protocol: 2,
    disableClientInfo: true,
    lazyConnect: true,
    enableOfflineQueue: false,
    // The check prints to the console if INFO is not permitted.
    enableReadyCheck: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: null,
    retryStrategy: () => null,
    keepAlive: 10_000,
    connectionName: use.name,
    connectTimeout: use.connectTimeoutMs,
  } as const;
}

type AddressOptions = Omit<RedisOptions, 'replyMapping' | 'protocol'>;

function addressOptions(redis: ReachableRedis): AddressOptions {
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
        sentinelRetryStrategy: () => null,
        ...(redis.sentinelUsername === null ? {} : { sentinelUsername: redis.sentinelUsername }),
        ...(redis.sentinelPassword === null ? {} : { sentinelPassword: redis.sentinelPassword }),
        // Without the flag, ioredis ignores `tls` here and sends passwords unencrypted.
        ...(redis.tls === null ? {} : { tls: tlsOptions(redis.tls), enableTLSForSentinelMode: true }),
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

/** The address for people, without any password: `redis://db1:6379/0`. */
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

/** The address, the problem, and the fix. */
export function redisErrorText(redis: ReachableRedis, error: RedisError): string {
  return `${describeRedis(redis)}: ${error.message.replace(/\.$/, '')}; ${advice(redis, error)}`;
}

/** A runner's message about an outage: the problem, and the fix if it needs one. */
export function outageText(redis: ReachableRedis, error: RedisError): string {
  return ['denied', 'foreign'].includes(error.kind) ? redisErrorText(redis, error) : error.message;
}

function advice(redis: ReachableRedis, { kind, message }: RedisError): string {
  switch (kind) {
    case 'away':
      if (/ENOTFOUND|EAI_AGAIN/.test(message)) return 'check the name of the host';
      // A server without TLS never answers: it takes the TLS handshake for an unfinished command.
      return hasTls(redis) ? 'is Redis running there, with TLS?' : 'is Redis running there?';
    case 'foreign':
      return 'check host and port';
    case 'denied':
      if (message.startsWith('NOAUTH')) return 'give its password, as in redis://:PASSWORD@HOST:PORT';
      return message.startsWith('NOPERM') ? "check the user's permissions" : 'check user name and password';
    case 'readonly':
      return 'use its master instead';
    case 'refused':
      return "check the server's configuration";
  }
}

function hasTls(redis: ReachableRedis): boolean {
  return 'tls' in redis && redis.tls !== null;
}

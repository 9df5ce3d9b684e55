/** Whether Redis can be used as configured: reachable, new enough, writable, quick, and safe for queues. */
import type { Config, PoolConfig } from '../../config/config.ts';
import {
  describeRedis,
  type ReachableRedis,
  type Redis,
  redisErrorText,
} from '../../resque/redis/connection.ts';
import { masterOf, type ReplyLimit, readReplyLimit, unlessRefused } from '../../resque/redis/handshake.ts';
import { RedisError } from '../../resque/redis/redis-error.ts';
import { OperatingError } from '../command-line/exit-codes.ts';
import type { ConfigIo } from '../files/load-config.ts';
import { findEmbeddedRedis } from '../redis/embedded-redis.ts';
import { findRedisProgram } from '../redis/server-program.ts';
import { withRedis } from '../redis/with-redis.ts';
import { checkPermissions } from './permissions.ts';
import { fail, ok, type Verdict, warn } from './verdict.ts';

const limitMs = 10_000;
const pings = 21;
/** Each job starts this much later, which is noticeable with many short jobs. */
const slowMs = 5;
/** Payloads of this size are rare. */
const noticeableBytes = 8 * 1024 * 1024;

export async function checkRedis(io: ConfigIo, config: Config): Promise<Verdict[]> {
  const { redis } = config;
  if (redis.kind !== 'embedded') return await checkReachable(redis, config);
  const running = await findEmbeddedRedis(redis.directory);
  return running === null
    ? [await checkEmbedded(io, redis.directory)]
    : await checkReachable(running, config);
}

/** An embedded Redis that is not running: the runner starts it, if it can. */
async function checkEmbedded(io: ConfigIo, directory: string): Promise<Verdict> {
  try {
    return ok(
      'redis',
      `embedded in ${directory}, not running; the runner starts ${await findRedisProgram(io)}`,
    );
  } catch (error) {
    if (error instanceof OperatingError) return fail('redis', error.message);
    throw error;
  }
}

async function checkReachable(redis: ReachableRedis, config: Config): Promise<Verdict[]> {
  const verdicts: Verdict[] = [];
  try {
    await withRedis(redis, limitMs, async (connection) => {
      const info = await unlessRefused(connection.info());
      const latencyMs = await medianPingMs(connection);
      verdicts.push(
        ...(info instanceof RedisError
          ? await reachedWithoutInfo(redis, info, latencyMs, connection)
          : reached(redis, parseInfo(info), latencyMs, config)),
        ...limitVerdicts(await readReplyLimit(connection)),
        ...(await checkPermissions(connection, config)),
      );
    });
  } catch (error) {
    if (!(error instanceof RedisError)) throw error;
    verdicts.push(fail('redis', redisErrorText(redis, error)));
  }
  return verdicts;
}

/** The runner also works without INFO: see `handshake`. */
async function reachedWithoutInfo(
  redis: ReachableRedis,
  refusal: RedisError,
  latencyMs: number,
  connection: Redis,
): Promise<Verdict[]> {
  const role = await unlessRefused(connection.role());
  const verdicts = [
    ok('redis', `${describeRedis(redis)}, ${milliseconds(latencyMs)}`),
    ...latencyVerdicts(latencyMs),
    warn('version', refused('INFO', refusal, 'version and memory policy are unknown')),
  ];
  if (role instanceof RedisError) {
    verdicts.push(warn('role', refused('ROLE', role, "a replica can't be told from a master")));
  } else if (masterOf(role) !== null) {
    verdicts.push(fail('role', `it is a replica of ${masterOf(role)}; use the master instead`));
  }
  return verdicts;
}

function refused(command: string, { message }: RedisError, consequence: string): string {
  if (message.startsWith('NOPERM')) {
    return `${command} is not permitted: ${consequence}; ask an administrator to allow it with ACL SETUSER … +${command}`;
  }
  return /^ERR unknown command/i.test(message)
    ? `${command} is not known to this server: ${consequence}; ask an administrator to check rename-command in redis.conf`
    : `${command} is refused (${message}): ${consequence}; see the server's log`;
}

function milliseconds(latencyMs: number): string {
  return `${latencyMs.toFixed(1)} ms`;
}

function latencyVerdicts(latencyMs: number): Verdict[] {
  if (latencyMs <= slowMs) return [];
  const latency = milliseconds(latencyMs);
  return [
    warn('latency', `${latency} per round trip, which every job waits for; run the runner closer to Redis`),
  ];
}

function reached(redis: ReachableRedis, info: Info, latencyMs: number, config: Config): Verdict[] {
  const name = info.get('valkey_version') === undefined ? 'version' : 'Valkey';
  const version = info.get('valkey_version') ?? info.get('redis_version') ?? '?';
  return [
    ok('redis', `${describeRedis(redis)} ${name} ${version}, ${milliseconds(latencyMs)}`),
    ...latencyVerdicts(latencyMs),
    ...versionVerdicts(info.get('redis_version') ?? '', config.runners),
    ...roleVerdicts(info),
    ...evictionVerdicts(info),
  ];
}

function roleVerdicts(info: Info): Verdict[] {
  if (info.get('role') !== 'slave') return [];
  const master = `${info.get('master_host') ?? '?'}:${info.get('master_port') ?? '?'}`;
  return info.get('slave_read_only') === '0'
    ? [fail('role', `it is a replica of ${master}, where writes are lost; use the master instead`)]
    : [fail('role', `it is a read-only replica of ${master}; use the master instead`)];
}

function evictionVerdicts(info: Info): Verdict[] {
  const policy = info.get('maxmemory_policy') ?? 'noeviction';
  // `volatile-…` evicts only keys that expire, and Resque's never do.
  if (!policy.startsWith('allkeys-')) return [];
  const limit = info.get('maxmemory') === '0' ? ' as soon as maxmemory is set' : '';
  return [
    warn(
      'memory',
      `maxmemory-policy ${policy} evicts queues when memory runs out${limit}; set it to noeviction`,
    ),
  ];
}

/** Larger jobs work too, but some of them cost a connection. */
function limitVerdicts({ kind, bytes }: ReplyLimit): Verdict[] {
  if (kind !== 'known' || bytes >= noticeableBytes) return [];
  const shown =
    bytes < 1024 * 1024 ? `${Math.floor(bytes / 1024)} KB` : `${Math.floor(bytes / 1024 / 1024)} MB`;
  return [
    warn(
      'limit',
      `client-output-buffer-limit closes connections that wait for large jobs, so jobs above ${shown} are read in pieces; raise the limit for normal clients`,
    ),
  ];
}

type Info = ReadonlyMap<string, string>;

function parseInfo(text: string): Info {
  const lines = text.split(/\r?\n/).map((line): [string, string] => {
    const colon = line.indexOf(':');
    return [line.slice(0, colon), line.slice(colon + 1)];
  });
  return new Map(lines);
}

async function medianPingMs(connection: Redis): Promise<number> {
  const times: number[] = [];
  for (let round = 0; round < pings; round += 1) {
    const startMs = performance.now();
    await connection.ping();
    times.push(performance.now() - startMs);
  }
  return times.sort((a, b) => a - b)[Math.floor(pings / 2)] ?? 0;
}

/** @param version of Redis; Valkey and other forks report the version that they are compatible with */
export function versionVerdicts(
  version: string,
  runners: readonly Pick<PoolConfig, 'key' | 'delivery' | 'limit' | 'rate'>[],
): Verdict[] {
  const [major = Number.NaN, minor = 0] = version.split('.').map((part) => Number.parseInt(part, 10));
  // An unknown version counts as new, so that the runner at least tries.
  if (major < 5) return [fail('version', `${version} has no CLIENT UNBLOCK; use Redis 5.0 or later`)];
  if (!(major < 6 || (major === 6 && minor < 2))) return [];
  const needing = {
    'at-least-once delivery needs': runners.filter(({ delivery }) => delivery === 'at-least-once'),
    '"limit" and "rate" need': runners.filter(({ limit, rate }) => limit !== null || rate !== null),
  };
  return Object.entries(needing)
    .filter(([, those]) => those.length > 0)
    .map(([what, those]) => {
      const names = those.map(({ key }) => key).join(', ');
      return fail('version', `${version} has no BLMOVE, which ${what} (${names}); use Redis 6.2 or later`);
    });
}

/** Whether Redis can be used as configured: reachable, new enough, writable, quick, and safe for queues. */
import type { Config } from '../../config/config.ts';
import { describeRedis, type ReachableRedis, type Redis } from '../../resque/connection.ts';
import { RedisTrouble } from '../../resque/trouble.ts';
import { findEmbeddedRedis } from '../embedded-redis.ts';
import { OperatingError } from '../exit-codes.ts';
import { findRedisProgram } from '../redis-program.ts';
import { troubleText, withRedis } from '../with-redis.ts';
import { checkPermissions } from './permissions.ts';
import { fail, ok, type Verdict, warn } from './verdict.ts';
import { versionVerdicts } from './version.ts';

const limitMs = 10_000;
const pings = 21;
/** Jobs start this much later; noticeable where many short ones run. */
const slowMs = 5;

export async function checkRedis(config: Config): Promise<Verdict[]> {
  const { redis } = config;
  if (redis.kind !== 'embedded') return await checkReachable(redis, config);
  const running = await findEmbeddedRedis(redis.directory);
  return running === null ? [await checkEmbedded(redis.directory)] : await checkReachable(running, config);
}

/** One that is not running: the runner starts it, if it can. */
async function checkEmbedded(directory: string): Promise<Verdict> {
  try {
    return ok(
      'redis',
      `embedded in ${directory}, not running; the runner starts ${await findRedisProgram()}`,
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
      const info = await readInfo(connection);
      const latencyMs = await medianPingMs(connection);
      verdicts.push(
        ...reached(redis, info, latencyMs, config),
        ...(await checkPermissions(connection, config)),
      );
    });
  } catch (error) {
    if (!(error instanceof RedisTrouble)) throw error;
    verdicts.push(fail('redis', troubleText(redis, error)));
  }
  return verdicts;
}

function reached(redis: ReachableRedis, info: Info | null, latencyMs: number, config: Config): Verdict[] {
  const where = describeRedis(redis);
  const latency = `${latencyMs.toFixed(1)} ms`;
  if (info === null) {
    return [
      ok('redis', `${where}, ${latency}`),
      warn('version', 'INFO is not permitted, so that neither version nor role are known'),
    ];
  }
  const name = info.get('valkey_version') === undefined ? 'version' : 'Valkey';
  const version = info.get('valkey_version') ?? info.get('redis_version') ?? '?';
  return [
    ok('redis', `${where} ${name} ${version}, ${latency}`),
    ...(latencyMs > slowMs
      ? [warn('latency', `${latency} for each round trip, which every job waits for; run nearer to Redis`)]
      : []),
    ...versionVerdicts(info.get('redis_version') ?? '', config.runners),
    ...roleVerdicts(info),
    ...evictionVerdicts(info),
  ];
}

function roleVerdicts(info: Info): Verdict[] {
  if (info.get('role') !== 'slave') return [];
  const master = `${info.get('master_host') ?? '?'}:${info.get('master_port') ?? '?'}`;
  return info.get('slave_read_only') === '0'
    ? [fail('role', `it is a replica of ${master}; what is written here is lost; name the master instead`)]
    : [fail('role', `it is a read-only replica of ${master}; name that instead`)];
}

function evictionVerdicts(info: Info): Verdict[] {
  const policy = info.get('maxmemory_policy') ?? 'noeviction';
  // `volatile-…` takes only keys that expire, which Resque's never do.
  if (!policy.startsWith('allkeys-')) return [];
  const limit = info.get('maxmemory') === '0' ? ' as soon as maxmemory is set' : '';
  return [
    warn(
      'memory',
      `maxmemory-policy ${policy} drops queues when memory runs short${limit}; set it to noeviction`,
    ),
  ];
}

type Info = ReadonlyMap<string, string>;

/** @returns `null` where INFO is not permitted */
async function readInfo(connection: Redis): Promise<Info | null> {
  let text: string;
  try {
    text = await connection.info();
  } catch (error) {
    if (error instanceof Error && /^(NOPERM|ERR unknown command)/.test(error.message)) return null;
    throw error;
  }
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

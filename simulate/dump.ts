/** All keys of a Redis with their values. */
import { idsOf } from './job-book.ts';
import type { RedisLine } from './redis-line.ts';

export interface DumpedKey {
  readonly kind: 'string' | 'list' | 'set' | 'hash' | 'zset';
  /** Of a hash: field, value, field, value, … */
  readonly values: readonly Buffer[];
}

export type Dump = ReadonlyMap<string, DumpedKey>;

const dumpScript = `
local dump = {}
for _, key in ipairs(redis.call('KEYS', '*')) do
  local kind = redis.call('TYPE', key).ok
  local values
  if kind == 'string' then values = { redis.call('GET', key) } end
  if kind == 'list' then values = redis.call('LRANGE', key, 0, -1) end
  if kind == 'set' then values = redis.call('SMEMBERS', key) end
  if kind == 'zset' then values = redis.call('ZRANGE', key, 0, -1) end
  if kind == 'hash' then values = redis.call('HGETALL', key) end
  dump[#dump + 1] = { key, kind, values }
end
return dump`;

export async function readDump(redis: RedisLine): Promise<Dump> {
  const keys = (await redis.call('EVAL', dumpScript, 0)) as [Buffer, Buffer, Buffer[]][];
  return new Map(
    keys
      .map(
        ([key, kind, values]) =>
          [key.toString(), { kind: kind.toString() as DumpedKey['kind'], values }] as const,
      )
      .sort(([a], [b]) => (a < b ? -1 : 1)),
  );
}

/** Ids of all jobs in it. What is kept about the attempts of a job is not the job. */
export function idsIn(dump: Dump): Set<string> {
  const jobs = [...dump].filter(([key]) => !/^resque:(runner:retry:.*|worker:.*:retry)$/.test(key));
  return new Set(jobs.flatMap(([, { values }]) => values.flatMap(idsOf)));
}

/** Ruby workers prune workers when they start: `Resque::Worker#prune_dead_workers`. They must leave runners alone. */
import { hostname } from 'node:os';
import { expect, test } from 'vitest';
import { useRedis } from '../../helpers/redis.ts';
import { useEngines } from '../stage.ts';

const stage = useEngines(useRedis());
/** `Resque.prune_interval` */
const pruneIntervalMs = 300_000;

/** The workers that a Ruby worker of all queues on this host takes for dead. It knows only the pids of Ruby's processes. */
async function prunedByRuby(): Promise<string[]> {
  const workers = await stage.redis.smembers('resque:workers');
  const heartbeats = await stage.redis.hgetall('resque:workers:heartbeat');
  const [seconds] = await stage.redis.time();
  return workers.filter((id) => {
    const heartbeat = heartbeats[id];
    const silentMs = heartbeat === undefined ? 0 : Number(seconds) * 1_000 - Date.parse(heartbeat);
    return silentMs > pruneIntervalMs || id.split(':')[0] === hostname();
  });
}

test.each([null, hostname(), `${hostname()}.runner`])('workers of the host %s stay', async (workerHost) => {
  const engine = await stage.start([stage.runner('mail', stage.script(':'))], { workerHost });
  expect(engine.engine.workerHost).toContain('-00000001');
  const [worker = ''] = await stage.redis.smembers('resque:workers');
  expect(worker).toBe(`${engine.engine.workerHost}:${process.pid}-0:mail`);
  expect(await stage.redis.hget('resque:workers:heartbeat', worker)).not.toBe(null);
  expect(await prunedByRuby()).toEqual([]);
});

test('a Ruby worker would prune a worker of its own host', async () => {
  await stage.redis.sadd('resque:workers', `${hostname()}:1-0:mail`);
  expect(await prunedByRuby()).toEqual([`${hostname()}:1-0:mail`]);
  await stage.redis.srem('resque:workers', `${hostname()}:1-0:mail`);
});

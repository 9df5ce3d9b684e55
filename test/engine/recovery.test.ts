/** Which runners count as dead, and whose jobs are recovered: entries as processes of many kinds leave them. */
import { expect, test } from 'vitest';
import { ownIdentity } from '../../src/engine/process-identity.ts';
import { type RunnerEntry, writeEntry } from '../../src/resque/runner-entry.ts';
import { useRedis } from '../helpers/redis.ts';
import { waitFor } from '../helpers/wait-for.ts';
import { useEngines } from './stage.ts';

const stage = useEngines(useRedis());
const silent = 301_000;
const heard = 290_000;
const elsewhere = { machine: 'another kernel', pid: 1, startedAt: '7' };

/** Registers a worker with a job, and its process with what it said of itself. */
async function leave(owner: string, about: Partial<RunnerEntry>, ageMs: number): Promise<string> {
  const [seconds] = await stage.redis.time();
  const worker = `${owner}-0:mail`;
  const record = '{"queue":"mail","run_at":"2026-11-24T15:20:19Z","payload":{"class":"Left","args":[1]}}';
  await stage.redis.sadd('resque:workers', worker);
  await stage.redis.set(`resque:worker:${worker}`, record);
  const entry = { ...elsewhere, nonce: 'other', requeues: [], maxRecoveries: 3, ...about };
  const seenAtMs = Number(seconds) * 1_000 - ageMs;
  await stage.redis.hset('resque:runners', owner, writeEntry({ ...entry, seenAtMs }));
  return worker;
}

async function forget(owner: string): Promise<void> {
  await stage.redis.srem('resque:workers', `${owner}-0:mail`);
  await stage.redis.del(`resque:worker:${owner}-0:mail`);
  await stage.redis.hdel('resque:runners', owner);
}

test.each<[string, string, Partial<RunnerEntry>, number]>([
  ['on another host that Redis has not heard of for 300 s', 'gone.runner:1', {}, silent],
  [
    'on this machine whose pid is another process now',
    'here.runner:1',
    { ...ownIdentity(), startedAt: '1' },
    0,
  ],
  ['on this machine that is gone', 'here.runner:2', { ...ownIdentity(), pid: 2 ** 22 + 1 }, 0],
  // This process starts the engine, so they have the same HOST:PID.
  [
    'on this machine that had our own name before',
    `test.runner:${process.pid}`,
    { ...ownIdentity(), startedAt: '1' },
    0,
  ],
  ['on another host that had our own name and is silent', `test.runner:${process.pid}`, {}, silent],
])('a runner %s is dead: its job is recorded as failed', async (_, owner, about, ageMs) => {
  const worker = await leave(owner, about, ageMs);
  const engine = await stage.start([stage.runner('mail', stage.script(':'))]);
  expect(engine.all('peer.recovered')).toMatchObject([{ peer: owner, failed: 1, requeued: 0 }]);
  const [failure = ''] = await stage.redis.lrange('resque:failed', 0, -1);
  expect(JSON.parse(failure)).toMatchObject({
    exception: 'Resque::PruneDeadWorkerDirtyExit',
    payload: { class: 'Left', args: [1] },
    worker,
    queue: 'mail',
  });
  expect(await stage.redis.exists(`resque:worker:${worker}`)).toBe(0);
  expect(await stage.stat('failed')).toBe(1);
});

test.each<[string, string, Partial<RunnerEntry>, number]>([
  ['on another host that Redis heard of less than 300 s ago', 'there.runner:1', {}, heard],
  [
    'on this machine that runs, however long Redis has not heard of it',
    'here.runner:1',
    ownIdentity(),
    silent,
  ],
])('a runner %s is left alone', async (_, owner, about, ageMs) => {
  const worker = await leave(owner, about, ageMs);
  const engine = await stage.start([stage.runner('mail', stage.script(':'))]);
  await waitFor(async () => (await stage.redis.scard('resque:workers')) === 2, { message: 'ours is there' });
  expect(engine.all('peer.recovered')).toEqual([]);
  expect(await stage.redis.exists(`resque:worker:${worker}`)).toBe(1);
  await forget(owner);
});

test('a runner elsewhere that may be alive keeps its name: this one takes another, and says so', async () => {
  const owner = `test.runner:${process.pid}`;
  const worker = await leave(owner, {}, heard);
  const taken = `test.runner-2:${process.pid}`;
  await leave(taken, {}, heard);
  const engine = await stage.start([stage.runner('mail', stage.script('echo "$RESQUE_WORKER" > "$D/ran"'))]);
  expect(engine.all('engine.renamed')).toMatchObject([
    { workerHost: 'test.runner-2', holder: owner },
    { workerHost: 'test.runner-3', holder: taken },
  ]);
  expect(engine.all('peer.recovered')).toEqual([]);
  await stage.enqueue('mail', 1);
  await engine.wait('job.finished');
  await waitFor(async () => (await stage.stat('processed')) === 1, { message: 'its outcome is written' });
  expect(stage.lines('ran')).toEqual([`test.runner-3:${process.pid}-0:mail`]);
  await engine.stop();
  expect((await stage.redis.smembers('resque:workers')).sort()).toEqual([`${taken}-0:mail`, worker].sort());
  expect(await stage.redis.exists(`resque:worker:${worker}`)).toBe(1);
  await forget(owner);
  await forget(taken);
});

test('a worker of another program is left alone, however old its heartbeat', async () => {
  const worker = 'ruby-host:4711:mail';
  await stage.redis.sadd('resque:workers', worker);
  await stage.redis.hset('resque:workers:heartbeat', worker, '2012-01-01T00:00:00+00:00');
  await stage.start([stage.runner('mail', stage.script(':'))]);
  expect(await stage.redis.sismember('resque:workers', worker)).toBe(1);
  await stage.redis.srem('resque:workers', worker);
  await stage.redis.hdel('resque:workers:heartbeat', worker);
});

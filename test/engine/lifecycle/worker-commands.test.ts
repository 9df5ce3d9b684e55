/** Reading the workers that Redis knows, and removing those that are dead: workers as clients of every kind leave them. */
import { expect, test } from 'vitest';
import { ownIdentity } from '../../../src/engine/machine/identity.ts';
import type { WorkerInfo } from '../../../src/protocol/redis-views.ts';
import { readSigns, removeStaleWorker } from '../../../src/resque/audit/stale-worker.ts';
import { resqueKeys } from '../../../src/resque/format/keys.ts';
import type { CommandSender } from '../../../src/resque/redis/send.ts';
import { type RunnerEntry, writeEntry } from '../../../src/resque/workers/runner-entry.ts';
import { useRedis } from '../../helpers/redis.ts';
import { type TestEngine, useEngines } from '../stage.ts';

const stage = useEngines(useRedis());
const silent = 301;
const mail = () => stage.runner('mail', stage.script('read -r job; sleep 30'));
const recordOf = (queue: string, args: readonly unknown[] = [1]) =>
  `{"queue":"${queue}","run_at":"2026-11-24T15:20:19Z","payload":{"class":"Left","args":${JSON.stringify(args)}}}`;

async function now(): Promise<number> {
  return Number((await stage.redis.time())[0]);
}

/** As Ruby registers a worker. @param heartbeat seconds ago; `null` for none */
async function register(id: string, heartbeat: number | null, record?: string): Promise<void> {
  await stage.redis.sadd('resque:workers', id);
  await stage.redis.set(`resque:worker:${id}:started`, '2026-11-24 15:00:00 +0000');
  if (record !== undefined) await stage.redis.set(`resque:worker:${id}`, record);
  if (heartbeat === null) return;
  const time = new Date(((await now()) - heartbeat) * 1_000).toISOString().replace(/\.000Z$/, '+00:00');
  await stage.redis.hset('resque:workers:heartbeat', id, time);
}

/** As node-resque registers one. */
async function registerNode(name: string, pingAgo: number, record?: string): Promise<void> {
  await register(`${name}:mail`, null, record);
  const ping = JSON.stringify({ time: (await now()) - pingAgo, name });
  await stage.redis.set(`resque:worker:ping:${name}`, ping);
  await stage.redis.set(`resque:stat:processed:${name}`, '7');
}

async function registerRunner(owner: string, about: Partial<RunnerEntry>): Promise<void> {
  const entry = { ...ownIdentity(), nonce: 'other', requeues: [], maxRecoveries: 3, ...about };
  const seenAtMs = (await now()) * 1_000;
  await stage.redis.hset('resque:runners', owner, writeEntry({ seenAtMs, ...entry }));
  await register(`${owner}-0:mail`, 0, recordOf('mail'));
}

async function forget(...ids: string[]): Promise<void> {
  for (const id of ids) {
    await stage.redis.srem('resque:workers', id);
    await stage.redis.hdel('resque:workers:heartbeat', id);
    await stage.redis.del(`resque:worker:${id}`, `resque:worker:${id}:started`);
  }
}

async function read(engine: TestEngine, count = 100): Promise<WorkerInfo[]> {
  const reply = await engine.do({ type: 'read-workers', count });
  if (!reply.ok || reply.data?.kind !== 'workers') throw new Error(JSON.stringify(reply));
  return reply.data.workers.filter(({ isOwn }) => !isOwn);
}

const refused = (code: string, message: unknown = expect.any(String)) => ({ ok: false, code, message });
const failures = async () =>
  (await stage.redis.lrange('resque:failed', 0, -1)).map((record) => JSON.parse(record) as object);

test('workers of every kind are read, with what they run and their last sign of life; stale ones come first', async () => {
  const engine = await stage.start([mail()]);
  await stage.enqueue('mail', 'x');
  await engine.wait('job.started');
  await register('db:1:low,high', 5);
  await register('db:2:*', silent, recordOf('low'));
  await register('php:3:mail', null);
  await registerNode('app:4+1', 2);
  const reply = await engine.do({ type: 'read-workers', count: 100 });
  if (!reply.ok || reply.data?.kind !== 'workers') throw new Error(reply.message);
  const [stale, ...others] = reply.data.workers;
  expect(stale).toMatchObject({
    ...{ id: 'db:2:*', kind: 'resque', state: 'stale', death: 'silent', host: 'db', pid: 2, queues: '*' },
    job: { queue: 'low', jobClass: 'Left', args: '[1]', problem: null },
  });
  expect(stale?.silentMs).toBeGreaterThanOrEqual(silent * 1_000);
  expect(others).toMatchObject([
    { id: 'app:4+1:mail', kind: 'node-resque', state: 'idle', processed: 7, isOwn: false, job: null },
    { id: 'db:1:low,high', kind: 'resque', state: 'idle', death: null },
    { id: 'php:3:mail', kind: 'resque', state: 'idle', silentMs: null },
    { kind: 'resque-runner', state: 'working', isOwn: true, job: { jobClass: 'Job', args: '["x"]' } },
  ]);
  await forget('db:1:low,high', 'db:2:*', 'php:3:mail', 'app:4+1:mail');
  await stage.redis.del('resque:worker:ping:app:4+1', 'resque:stat:processed:app:4+1');
});

test('a limit cuts off living workers first', async () => {
  const engine = await stage.start([mail()]);
  const living = Array.from({ length: 8 }, (_, at) => `db:${at + 1}:mail`);
  for (const id of living) await register(id, 1);
  await register('zz:1:mail', silent);
  expect((await read(engine, 1)).map(({ id }) => id)).toEqual(['zz:1:mail']);
  expect(await engine.do({ type: 'read-workers', count: 3 })).toMatchObject({ data: { total: 10 } });
  await forget(...living, 'zz:1:mail');
});

test('of a record that is large, only the beginning is read', async () => {
  const engine = await stage.start([mail()]);
  await register('db:1:mail', 1, recordOf('mail', ['ä'.repeat(200_000)]));
  const [worker] = await read(engine);
  expect(worker).toMatchObject({ state: 'working', job: { queue: 'mail', jobClass: 'Left', problem: null } });
  expect(worker?.job?.args).toMatch(/^\["ä{100,}…$/);
  expect(worker?.job?.ageMs).toBeGreaterThan(0);
  await forget('db:1:mail');
});

test.each([
  ['silent', 'db:2:mail', () => register('db:2:mail', silent, recordOf('mail'))],
  ['of node-resque that is silent', 'app:4+1:mail', () => registerNode('app:4+1', silent, recordOf('mail'))],
])(
  'a worker that is %s is removed with all its keys, and its job is recorded as failed',
  async (_, id, leave) => {
    const engine = await stage.start([mail()]);
    await leave();
    expect(await engine.do({ type: 'remove-worker', worker: id })).toEqual({
      ok: true,
      message: `removed worker ${id}; its job is recorded as failed`,
    });
    expect(await failures()).toMatchObject([
      {
        exception: 'Resque::PruneDeadWorkerDirtyExit',
        worker: id,
        queue: 'mail',
        payload: { class: 'Left' },
      },
    ]);
    expect(await read(engine)).toEqual([]);
    expect(await engine.do({ type: 'remove-worker', worker: id })).toEqual(refused('worker-gone'));
    // The stage's own check finds any key that is left.
    await stage.redis.del('resque:failed');
  },
);

test('an idle worker leaves no failure', async () => {
  const engine = await stage.start([mail()]);
  await register('db:2:mail', silent);
  const reply = await engine.do({ type: 'remove-worker', worker: 'db:2:mail' });
  expect(reply).toEqual({ ok: true, message: 'removed worker db:2:mail' });
  expect(await failures()).toEqual([]);
});

test.each([
  ['heard of a moment ago', 'db:1:mail', () => register('db:1:mail', 299, recordOf('mail')), /is alive$/],
  ['without a heartbeat', 'php:1:mail', () => register('php:1:mail', null, recordOf('mail')), /no heartbeat/],
])('a worker %s is not removed', async (_, id, leave, message) => {
  const engine = await stage.start([mail()]);
  await leave();
  const reply = await engine.do({ type: 'remove-worker', worker: id });
  expect(reply).toEqual(refused('worker-alive', expect.stringMatching(message)));
  expect(await stage.redis.exists(`resque:worker:${id}`)).toBe(1);
  await forget(id);
});

test.each<[string, () => Promise<unknown>]>([
  ['has a new heartbeat', () => register('db:2:mail', 0)],
  ['runs another job', () => stage.redis.set('resque:worker:db:2:mail', recordOf('mail', [2]))],
  ['pings', () => stage.redis.set('resque:worker:ping:db:2', '{"time":1}')],
  ['was removed', () => stage.redis.srem('resque:workers', 'db:2:mail')],
])('a worker that %s since it was judged is left alone', async (_, change) => {
  const sender: CommandSender = { command: (send) => send(stage.redis) };
  const keys = resqueKeys('resque');
  await register('db:2:mail', silent, recordOf('mail'));
  const signs = await readSigns(sender, keys, 'db:2:mail');
  if (signs === null) throw new Error('not registered');
  await change();
  expect(await removeStaleWorker(sender, keys, signs)).toEqual({ kind: 'changed' });
  expect(await failures()).toEqual([]);
  await stage.redis.del('resque:worker:ping:db:2');
  await forget('db:2:mail');
});

test('a dead runner is removed as its recovery does: its jobs go back or fail', async () => {
  const engine = await stage.start([mail()]);
  const owner = 'here.runner:2';
  await registerRunner(owner, { pid: 2 ** 22 + 1 });
  expect(await read(engine)).toMatchObject([
    { id: `${owner}-0:mail`, kind: 'resque-runner', state: 'dead', death: 'gone' },
  ]);
  const reply = await engine.do({ type: 'remove-worker', worker: `${owner}-0:mail` });
  expect(reply).toMatchObject({ ok: true, message: expect.stringContaining(`removed runner ${owner}`) });
  expect(engine.all('peer.recovered')).toMatchObject([{ peer: owner, failed: 1, requeued: 0 }]);
  expect(await failures()).toMatchObject([{ worker: `${owner}-0:mail` }]);
  await stage.redis.del('resque:failed');
});

test('a runner that may be alive is not removed', async () => {
  const engine = await stage.start([mail()]);
  const owner = 'there.runner:2';
  const seenAtMs = ((await now()) - 60) * 1_000;
  await registerRunner(owner, { machine: 'another kernel', seenAtMs });
  await stage.redis.hdel('resque:workers:heartbeat', `${owner}-0:mail`);
  expect(await read(engine)).toMatchObject([{ state: 'unknown', death: null }]);
  const reply = await engine.do({ type: 'remove-worker', worker: `${owner}-0:mail` });
  expect(reply).toEqual(refused('worker-alive', expect.stringContaining('may be alive')));
  await forget(`${owner}-0:mail`);
  await stage.redis.hdel('resque:runners', owner);
});

test('a silent worker of a runner that has no entry is left to check', async () => {
  const engine = await stage.start([mail()]);
  const id = 'gone.runner:2-0:mail';
  await register(id, silent, recordOf('mail'));
  const reply = await engine.do({ type: 'remove-worker', worker: id });
  expect(reply).toEqual(refused('worker-held', expect.stringContaining('check --repair')));
  await forget(id);
});

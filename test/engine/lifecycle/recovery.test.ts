/** Which runners count as dead, and whose jobs are recovered: entries as processes of many kinds leave them. */
import { describe, expect, test } from 'vitest';
import { ownIdentity } from '../../../src/engine/machine/identity.ts';
import { entryText, sha1Of } from '../../../src/resque/delayed/retry-entry.ts';
import type { ProgramsEnd } from '../../../src/resque/workers/dead-runners.ts';
import { type RunnerEntry, readEntry, writeEntry } from '../../../src/resque/workers/runner-entry.ts';
import { MovableClock } from '../../helpers/movable-clock.ts';
import { useRedis } from '../../helpers/redis.ts';
import { waitFor } from '../../helpers/wait-for.ts';
import { useEngines } from '../stage.ts';

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

describe('a retry whose runner died', () => {
  const dead = { ...ownIdentity(), pid: 2 ** 22 + 1 };
  const owner = 'here.runner:2';
  const original = Buffer.from('{"id":"x", "class":"Left","args":[1]}');
  const item = '{"class":"Left","args":[1],"queue":"mail"}';
  const entry = entryText([sha1Of(item)], {
    ...{
      attempt: 3,
      firstFailedAt: '2026/11/24 15:20:19 UTC',
      lastError: null,
      payload: original,
      dueSeconds: 1,
      item,
    },
  });
  const recorded = {
    ...{ exception: 'Resque::PruneDeadWorkerDirtyExit', worker: `${owner}-0:mail`, queue: 'mail' },
    ...{ payload: { id: 'x', class: 'Left', args: [1] }, raw_payload: original.toString() },
    ...{ attempts: 3, first_failed_at: '2026/11/24 15:20:19 UTC' },
  };
  const leaveRetry = async (about: Partial<RunnerEntry>) => {
    const worker = await leave(owner, { ...dead, ...about }, 0);
    const record = `{"queue":"mail","run_at":"2026-11-24T15:20:19Z","payload":${item}}`;
    await stage.redis.set(`resque:worker:${worker}`, record);
    await stage.redis.set(`resque:worker:${worker}:retry`, entry);
  };
  const failure = async () => JSON.parse((await stage.redis.lindex('resque:failed', 0)) ?? '');

  test('is recorded with its attempts and its first payload', async () => {
    await leaveRetry({});
    await stage.start([stage.runner('mail', stage.script(':'))]);
    expect(await failure()).toMatchObject(recorded);
    expect(await stage.redis.keys('resque:*retry*')).toEqual([]);
  });

  test('too often is recorded in the same way, and an equal job starts from the first attempt', async () => {
    await leaveRetry({ maxRecoveries: 0, holds: ['mail'] });
    await stage.redis.sadd(`resque:runner:${owner}:held`, 'mail');
    await stage.redis.rpush(`resque:runner:${owner}:held:mail`, item);
    await stage.start([stage.runner('mail', stage.script(':'))]);
    expect(await failure()).toMatchObject(recorded);
    expect(await stage.redis.keys('resque:*retry*')).toEqual([]);
  });
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

test('a runner of this machine that can’t be seen is left alone until it has been silent for 300 s', async () => {
  const machine = { presenceOf: () => 'unknown' as const };
  await leave('here.runner:2', { ...ownIdentity(), pid: 2 ** 22 + 1 }, heard);
  const first = await stage.start([stage.runner('mail', stage.script(':'))], { machine });
  expect(first.all('peer.recovered')).toEqual([]);
  await first.stop();
  await leave('here.runner:2', { ...ownIdentity(), pid: 2 ** 22 + 1 }, silent);
  const second = await stage.start([stage.runner('mail', stage.script(':'))], { machine });
  expect(second.all('peer.recovered')).toHaveLength(1);
});

describe('if programs of a dead runner may still run', () => {
  const machine = {
    presenceOf: () => 'gone' as const,
    endPrograms: () => Promise.resolve({ kind: 'uncertain' as const, pids: [12, 13] }),
  };
  const runner = () => stage.runner('mail', stage.script(':'));

  test('its job waits that would run again, and that is told', async () => {
    const worker = await leave('here.runner:2', { requeues: ['mail'] }, 100_000);
    const engine = await stage.start([runner()], { machine });
    const [deferred, ...more] = engine.all('peer.deferred');
    expect(deferred).toMatchObject({ peer: 'here.runner:2', pids: [12, 13] });
    expect(deferred?.waitMs).toBeGreaterThan(190_000);
    expect(deferred?.waitMs).toBeLessThanOrEqual(201_000);
    expect(more).toEqual([]);
    expect(engine.all('peer.recovered')).toEqual([]);
    expect(await stage.redis.exists(`resque:worker:${worker}`)).toBe(1);
    await forget('here.runner:2');
  });

  test('the runner looks again every 10 s, and recovers the job when they have ended', async () => {
    let looks = 0;
    const clock = new MovableClock();
    const endPrograms = (): Promise<ProgramsEnd> => {
      looks += 1;
      return Promise.resolve(looks < 3 ? { kind: 'uncertain', pids: [12] } : { kind: 'ended' });
    };
    await leave('here.runner:2', { requeues: ['mail'] }, 100_000);
    const engine = await stage.start([runner()], { machine: { ...machine, clock, endPrograms } });
    expect(looks).toBe(1);
    for (const look of [2, 3]) {
      clock.move(10_000);
      await waitFor(() => looks === look, { message: `look ${look}` });
      // The next look is set by then.
      await waitFor(async () => (await stage.redis.exists('resque:runner:recovery')) === 0, {
        message: `look ${look} is over`,
      });
      // The engine has read by now that it gave the lock back.
      await stage.redis.ping();
    }
    await engine.wait('peer.recovered');
    await engine.wait('job.finished');
    expect(engine.all('peer.deferred')).toHaveLength(1);
  });

  test('it waits no longer than until the runner has been silent for 300 s', async () => {
    await leave('here.runner:2', { requeues: ['mail'] }, silent);
    const engine = await stage.start([runner()], { machine });
    expect(engine.all('peer.recovered')).toMatchObject([{ failed: 0, requeued: 1 }]);
    expect(engine.all('peer.deferred')).toEqual([]);
    await engine.wait('job.finished');
  });

  test('a job that would not run again is recorded as failed at once', async () => {
    await leave('here.runner:2', {}, 0);
    const engine = await stage.start([runner()], { machine });
    expect(engine.all('peer.recovered')).toMatchObject([{ failed: 1, requeued: 0 }]);
  });
});

test('a runner enters its user and the connections that it has', async () => {
  await stage.start([stage.runner('mail', stage.script(':'))]);
  const [text = ''] = Object.values(await stage.redis.hgetall('resque:runners'));
  const { uid, connections } = readEntry(text) ?? {};
  expect(uid).toBe(process.getuid?.());
  const info = await stage.redis.info('server');
  expect(info).toContain(`run_id:${connections?.runId}`);
  const clients = String(await stage.redis.client('LIST')).split('\n');
  const ours = clients.filter((client) => connections?.ids.includes(Number(/^id=(\d+)/.exec(client)?.[1])));
  const { mark = '' } = readEntry(text) ?? {};
  expect(mark).not.toBe('');
  expect(ours.map((client) => / name=(\S*)/.exec(client)?.[1]).sort()).toEqual([
    'resque-runner',
    `resque-runner-wait:${mark}`,
  ]);
});

test('a wait of a dead runner that its entry does not name yet is ended, and takes no job', async () => {
  const runId = /^run_id:(\w+)/m.exec(await stage.redis.info('server'))?.[1] ?? '';
  await leave('gone.runner:1', { mark: 'early', connections: { runId, ids: [2 ** 40] } }, silent);
  const left = stage.redis.duplicate({
    connectionName: 'resque-runner-wait:early',
    retryStrategy: () => null,
  });
  const wait = left.blmove('resque:queue:mail', 'resque:runner:gone.runner:1:held:mail', 'LEFT', 'RIGHT', 0);
  const ended = expect(wait).rejects.toThrow('Connection is closed');
  await waitFor(
    async () => / name=resque-runner-wait:early .*cmd=blmove/.test(String(await stage.redis.client('LIST'))),
    {
      message: 'the wait is there',
    },
  );
  const engine = await stage.start([stage.runner('mail', stage.script(':'))]);
  await ended;
  await stage.redis.rpush('resque:queue:mail', '{"class":"Late","args":[]}');
  await engine.wait('job.finished');
});

test('a runner of another container is dead 40 s after its last sign of life, unless it has a connection', async () => {
  const [boot = ''] = ownIdentity().machine.split(' ');
  const runId = /^run_id:(\w+)/m.exec(await stage.redis.info('server'))?.[1] ?? '';
  const own = Number(await stage.redis.client('ID'));
  const about = (ids: number[]) => ({ machine: `${boot} pid:[1]`, connections: { runId, ids } });
  await leave('ended.runner:1', about([2 ** 40]), 45_000);
  await leave('open.runner:1', about([2 ** 40, own]), 45_000);
  await leave('heard.runner:1', about([2 ** 40]), 30_000);
  const engine = await stage.start([stage.runner('mail', stage.script(':'))]);
  expect(engine.all('peer.recovered').map(({ peer }) => peer)).toEqual(['ended.runner:1']);
  await forget('open.runner:1');
  await forget('heard.runner:1');
});

test('right after an outage nothing is recovered of runners that were silent for as long', async () => {
  const engine = await stage.start([stage.runner('mail', stage.script(':'))]);
  const worker = await leave('there.runner:1', {}, silent);
  await stage.redis.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
  await engine.wait('redis.up', 2);
  expect(engine.all('peer.recovered')).toEqual([]);
  expect(await stage.redis.exists(`resque:worker:${worker}`)).toBe(1);
  await forget('there.runner:1');
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

test('a job that was waited for and never began goes back, beside an equal one that ran', async () => {
  const owner = 'here.runner:2';
  const gone = { ...ownIdentity(), pid: 2 ** 22 + 1, holds: [] };
  await leave(owner, gone, 0);
  const payload = '{"class":"Left","args":[1]}';
  await stage.redis.sadd(`resque:runner:${owner}:held`, 'mail');
  await stage.redis.rpush(`resque:runner:${owner}:held:mail`, payload);
  const engine = await stage.start([stage.runner('other', stage.script(':'))]);
  expect(engine.all('peer.recovered')).toMatchObject([{ peer: owner, failed: 1, requeued: 1 }]);
  expect(await stage.redis.lrange('resque:queue:mail', 0, -1)).toEqual([payload]);
  expect(await stage.redis.exists('resque:runner:recoveries')).toBe(0);
  await stage.redis.del('resque:queue:mail');
});

test('a held job that is given up before it began leaves no lock that its start would have released', async () => {
  const owner = 'gone.runner:1';
  const gone = { ...ownIdentity(), startedAt: '1', maxRecoveries: 0 };
  await leave(owner, { ...gone, holds: ['sure'], plugins: { sure: ['node'] } }, 0);
  await stage.redis.sadd('resque:workers', `${owner}-7:sure`);
  await stage.redis.sadd(`resque:runner:${owner}:held`, 'sure');
  await stage.redis.rpush(`resque:runner:${owner}:held:sure`, '{"class":"Held","args":[1]}');
  await stage.redis.set('resque:lock:Held:sure:[1]', '1');
  const engine = await stage.start([stage.runner('mail', stage.script(':'))]);
  expect(engine.all('peer.recovered')).toMatchObject([{ failed: 2, requeued: 0 }]);
  expect(await stage.redis.exists('resque:lock:Held:sure:[1]')).toBe(0);
});

test('a held job that is given up is recorded under a worker of its queue', async () => {
  const owner = 'gone.runner:1';
  const worker = await leave(
    owner,
    { ...ownIdentity(), startedAt: '1', maxRecoveries: 0, holds: ['a_*,b'] },
    0,
  );
  await stage.redis.sadd('resque:workers', `${owner}-7:a_*,b`);
  await stage.redis.sadd(`resque:runner:${owner}:held`, 'a_1');
  await stage.redis.rpush(`resque:runner:${owner}:held:a_1`, '{"class":"Held","args":[]}');
  await stage.start([stage.runner('mail', stage.script(':'))]);
  const failures = await stage.redis.lrange('resque:failed', 0, -1);
  expect(failures.map((text) => (JSON.parse(text) as { worker: string }).worker)).toEqual([
    worker,
    `${owner}-7:a_*,b`,
  ]);
});

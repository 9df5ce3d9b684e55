/** Which keys of plugins a runner deletes for its jobs, and when. */
import { rmSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { Lock, PoolConfig, RetryPolicy } from '../../../src/config/config.ts';
import { ownIdentity } from '../../../src/engine/machine/identity.ts';
import { writeEntry } from '../../../src/resque/workers/runner-entry.ts';
import { keepSnapshot, restoreSnapshot } from '../../helpers/older-redis.ts';
import { useRedis } from '../../helpers/redis.ts';
import { waitFor } from '../../helpers/wait-for.ts';
import { firstOwner, useEngines } from '../stage.ts';

const stage = useEngines(useRedis());
const payload = '{"class":"UJob","args":[1,"é"]}';
const keys = {
  loner: 'loners:queue:mail:job:e3c460160d6e5d5e3245a5ba15bf8298',
  node: 'lock:UJob:mail:[1,"é"]',
  lock: 'lock:UJob-[1, "é"]',
  retry: 'resque-retry:UJob:7f8aae1dfd09310ed57c7d244b935b0a7726bd44',
  failure: 'failure-resque-retry:UJob:7f8aae1dfd09310ed57c7d244b935b0a7726bd44',
};
type Name = keyof typeof keys;
const names = Object.keys(keys) as Name[];
const locks: Lock[] = ['loner', 'resque-lock', 'node'];
const untilGo = 'cat > /dev/null; echo >> "$D/began"; while [ ! -e "$D/go" ]; do sleep 0.02; done';
const retry: RetryPolicy = {
  ...{ attempts: 2, on: 'any', firstDelaySeconds: 0, longestDelaySeconds: 0, jitter: 0, queue: null },
  classes: {},
};

/** As the plugins leave the job on its queue. */
async function enqueue(): Promise<void> {
  await take(...names);
  await stage.redis.sadd('resque:queues', 'mail');
  await stage.redis.rpush('resque:queue:mail', payload);
}

async function take(...some: Name[]): Promise<void> {
  for (const name of some) await stage.redis.set(`resque:${keys[name]}`, '1');
}

async function left(): Promise<Name[]> {
  const found = await Promise.all(names.map((name) => stage.redis.exists(`resque:${keys[name]}`)));
  return names.filter((_, at) => found[at] === 1);
}

async function untilLeft(...some: Name[]): Promise<void> {
  await waitFor(async () => (await left()).join() === some.join(), {
    message: () => `what is left is ${some.join()}`,
  });
}

const pool = (body: string, rest: Partial<PoolConfig> = {}) =>
  stage.runner('mail', stage.script(body), { locks, ...rest });

describe.each(['at-most-once', 'at-least-once'] as const)('%s', (delivery) => {
  test.each(['a wait', 'a step'] as const)('a job that %s brings', async (bringer) => {
    if (bringer === 'a step') await enqueue();
    const engine = await stage.start([pool(untilGo, { delivery })]);
    if (bringer === 'a wait') {
      await stage.waitForIdle(delivery);
      await enqueue();
    }
    await untilLeft('lock', 'retry', 'failure');
    // The same job is enqueued again, and its locks are not those of the job that runs.
    await take('loner', 'node');
    // After a crash of this runner, others leave them alone.
    const record = await stage.redis.get(`resque:worker:${firstOwner}-0:mail`);
    expect(record).toContain('"unlocked":true,"step":');
    stage.write('go');
    await engine.wait('job.finished');
    await untilLeft('loner', 'node');
    await stage.redis.del(`resque:${keys.loner}`, `resque:${keys.node}`);
  });
});

test('only the keys of plugins in `locks` are deleted, and without it none', async () => {
  await enqueue();
  const engine = await stage.start([pool('exit 1', { locks: [] })]);
  await engine.wait('job.finished');
  engine.engine.reconfigure({ ...engine.config, runners: [pool('exit 1', { locks: ['node'] })] });
  expect(await left()).toEqual(names);
  await enqueue();
  await untilLeft('loner', 'lock');
  await stage.redis.del(`resque:${keys.loner}`, `resque:${keys.lock}`);
});

test('resque-lock is released at the end of each run, counters only when the job is over', async () => {
  await enqueue();
  const second = 'mkdir "$D/first" || while [ ! -e "$D/go" ]; do sleep 0.02; done; exit 1';
  const engine = await stage.start([pool(second, { retry })]);
  await engine.wait('job.started', 2);
  expect(await left()).toEqual(['retry', 'failure']);
  await take('lock');
  stage.write('go');
  await engine.wait('failure.recorded');
  await untilLeft();
});

test('an entry with retries removes the counters of resque-retry, and no locks', async () => {
  await enqueue();
  const engine = await stage.start([pool('exit 1', { locks: [], retry })]);
  await engine.wait('failure.recorded');
  await untilLeft('loner', 'node', 'lock');
  for (const name of ['loner', 'node', 'lock'] as const) await stage.redis.del(`resque:${keys[name]}`);
});

test('a job that an interruption puts back keeps the keys of its end', async () => {
  await enqueue();
  stage.mayLeaveKeys('queue:mail', keys.lock, keys.retry, keys.failure);
  const engine = await stage.start([pool(untilGo, { interrupted: 'requeue' })], {
    shutdownTimeoutSeconds: 0,
  });
  await untilLeft('lock', 'retry', 'failure');
  await engine.stop('terminate');
  expect(await stage.redis.llen('resque:queue:mail')).toBe(1);
  expect(await left()).toEqual(['lock', 'retry', 'failure']);
});

test('a job that cannot start goes back with all its keys', async () => {
  await enqueue();
  stage.mayLeaveKeys('queue:mail', ...Object.values(keys));
  const engine = await stage.start([stage.runner('mail', stage.path('missing'), { locks })]);
  await engine.wait('queue.paused');
  await waitFor(async () => (await stage.redis.llen('resque:queue:mail')) === 1, { message: 'it is back' });
  await engine.stop();
  expect(await left()).toEqual(names);
});

test('a key of another type is deleted, too', async () => {
  await stage.redis.rpush(`resque:${keys.loner}`, 'a');
  await stage.redis.sadd('resque:queues', 'mail');
  await stage.redis.rpush('resque:queue:mail', payload);
  const engine = await stage.start([pool(':')]);
  await engine.wait('job.finished');
  await untilLeft();
});

test('a Redis user who may not delete locks is refused before any job is taken', async () => {
  await enqueue();
  await stage.redis.call('ACL', 'SETUSER', 'low', 'reset', 'on', '>secret', '~resque:[^l]*', '&*', '+@all');
  const engine = await stage.start([pool(':')], {
    user: { username: 'low', password: 'secret' },
    awaitRedis: false,
  });
  const { reason } = await engine.wait('redis.down');
  expect(reason).toContain('this Redis user may not run DEL on resque:loners:queue:');
  expect(await stage.redis.llen('resque:queue:mail')).toBe(1);
  await stage.redis.call('ACL', 'SETUSER', 'low', 'reset', 'on', '>secret', '~*', '&*', '+@all');
  await engine.wait('job.finished', 1, 15_000);
  await untilLeft();
  await engine.stop();
  await stage.redis.call('ACL', 'DELUSER', 'low');
});

describe('a job of a dead runner', () => {
  const [owner, worker] = ['gone.runner:1', 'gone.runner:1-0:mail'];

  async function leave(about: { isUnlocked: boolean; requeues: string[] }): Promise<void> {
    await take(...names);
    await stage.redis.sadd('resque:workers', worker);
    const record = `{"queue":"mail","run_at":"2026-11-24T15:20:19Z","worker":"gone.runner:1-0"${about.isUnlocked ? ',"unlocked":true' : ''},"step":3,"payload":${payload}}`;
    await stage.redis.set(`resque:worker:${worker}`, record);
    await stage.redis.set(`resque:runner:${owner}:step`, 'other 5');
    const identity = {
      ...ownIdentity(),
      startedAt: '1',
      nonce: 'other',
      requeues: about.requeues,
      maxRecoveries: 3,
      seenAtMs: 0,
    };
    const plugins = { mail: [...locks, 'resque-retry', 'of a later version'] };
    await stage.redis.hset('resque:runners', owner, writeEntry({ ...identity, plugins }));
    stage.mayLeaveKeys('queue:mail', ...Object.values(keys));
    const engine = await stage.start([stage.runner('other', stage.script(':'))]);
    expect(engine.all('peer.recovered')).toHaveLength(1);
  }

  test('that is recorded as failed has no keys left', async () => {
    await leave({ isUnlocked: false, requeues: [] });
    expect(await left()).toEqual([]);
  });

  test('whose start has released its first locks keeps them: others may have taken them again', async () => {
    await leave({ isUnlocked: true, requeues: [] });
    expect(await left()).toEqual(['loner', 'node']);
  });

  test('that goes back keeps all', async () => {
    await leave({ isUnlocked: false, requeues: ['mail'] });
    expect(await left()).toEqual(names);
  });
});

test('a dead runner of this version has told others whose keys to delete', async () => {
  const engine = await stage.start([pool(':'), stage.runner('other', stage.script(':'), { retry })]);
  const entry = JSON.parse((await stage.redis.hgetall('resque:runners'))[firstOwner] ?? '');
  expect(entry.plugins).toEqual({ mail: [...locks, 'resque-retry'], other: ['resque-retry'] });
  await engine.stop();
});

describe('a Redis that comes back older', () => {
  test('with the job on its worker loses the keys again', async () => {
    const engine = await stage.start([pool(untilGo)]);
    await enqueue();
    await engine.wait('job.started');
    await untilLeft('lock', 'retry', 'failure');
    await take('loner', 'node');
    await keepSnapshot(stage.redis);
    stage.write('go');
    await engine.wait('job.finished');
    await untilLeft('loner', 'node');
    await restoreSnapshot(stage.redis);
    await stage.redis.rpush('resque:queue:mail', '{"class":"Next","args":[]}');
    await engine.wait('steps.forgotten');
    // Those of the start were deleted before the snapshot.
    await untilLeft('loner', 'node');
    await stage.redis.del(`resque:${keys.loner}`, `resque:${keys.node}`);
  });

  test('from before the start of a running job loses the keys again', async () => {
    await enqueue();
    const engine = await stage.start([pool(untilGo), stage.runner('other', stage.script(':'))]);
    await untilLeft('lock', 'retry', 'failure');
    const owner = firstOwner;
    const record = JSON.parse((await stage.redis.get(`resque:worker:${owner}-0:mail`)) ?? '');
    const [nonce] = ((await stage.redis.get(`resque:runner:${owner}:step`)) ?? '').split(' ');
    await stage.redis.set(`resque:runner:${owner}:step`, `${nonce} ${record.step}`);
    await take('loner', 'node');
    await stage.enqueue('other', 1);
    await engine.wait('steps.forgotten');
    await untilLeft('lock', 'retry', 'failure');
    stage.write('go');
    await untilLeft();
  });

  test('with the job on its queue keeps its keys for its next run', async () => {
    const engine = await stage.start([pool(untilGo)]);
    await engine.do({ type: 'pause-queue', queue: 'mail' });
    await enqueue();
    await keepSnapshot(stage.redis);
    await engine.do({ type: 'resume-queue', queue: 'mail' });
    await engine.wait('job.started');
    stage.write('go');
    await engine.wait('job.finished');
    await untilLeft();
    rmSync(stage.path('go'));
    await restoreSnapshot(stage.redis);
    await engine.wait('job.started', 2);
    await engine.wait('steps.forgotten');
    await untilLeft('lock', 'retry', 'failure');
    stage.write('go');
    await untilLeft();
  });
});

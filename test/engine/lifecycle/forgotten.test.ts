/** A runner that lives although others took it for dead, or whose Redis lost what it knew: it goes on. */
import { expect, test } from 'vitest';
import { keepSnapshot, restoreSnapshot } from '../../helpers/older-redis.ts';
import { useRedis } from '../../helpers/redis.ts';
import { waitFor } from '../../helpers/wait-for.ts';
import { firstOwner, useEngines } from '../stage.ts';

const stage = useEngines(useRedis());

/** What a recovery leaves of a runner: nothing. */
async function forget(): Promise<void> {
  const keys = await stage.redis.keys('resque:runner*');
  await stage.redis.del([...keys, 'resque:workers', 'resque:workers:heartbeat']);
}

test.each(['at-most-once', 'at-least-once'] as const)(
  '%s: a job that comes then runs once, and the runner is on record again',
  async (delivery) => {
    const engine = await stage.start([
      stage.runner('mail', stage.script('cat >> "$D/ran"; echo >> "$D/ran"'), { delivery }),
    ]);
    await waitFor(async () => /cmd=bl(pop|move)/.test(String(await stage.redis.client('LIST'))), {
      message: 'it waits',
    });
    await forget();
    await stage.enqueue('mail', 1);
    await engine.wait('job.finished');
    await waitFor(async () => (await stage.stat('processed')) === 1, { message: () => engine.describe() });
    await stage.enqueue('mail', 2, 3);
    await engine.wait('job.finished', 3);
    expect(await stage.redis.hlen('resque:runners')).toBe(1);
    expect(await stage.redis.scard('resque:workers')).toBe(1);
    await engine.stop();
    expect(stage.lines('ran')).toHaveLength(3);
    expect(await stage.stat('processed')).toBe(3);
  },
);

test.each(['at-most-once', 'at-least-once'] as const)(
  '%s: the outcome of a job that ran meanwhile is written',
  async (delivery) => {
    const script = stage.script('while [ ! -e "$D/go" ]; do sleep 0.1; done; exit 1');
    const engine = await stage.start([stage.runner('mail', script, { delivery })]);
    await stage.enqueue('mail', 1);
    await engine.wait('job.started');
    await forget();
    stage.write('go');
    await waitFor(async () => (await stage.stat('processed')) === 1, { message: () => engine.describe() });
    await engine.stop();
    expect(await stage.redis.llen('resque:failed')).toBe(1);
    expect(await stage.stat('processed')).toBe(1);
  },
);

test('a Redis from before it was declared dead has jobs of that time: they are settled, and it goes on', async () => {
  const script = stage.script(
    'read -r job || :; case $job in *1*) while [ ! -e "$D/go" ]; do sleep 0.05; done;; esac',
  );
  const engine = await stage.start([stage.runner('mail', script, { concurrency: 2 })]);
  await stage.enqueue('mail', 1, 2);
  await waitFor(async () => (await stage.stat('processed')) === 1, { message: () => engine.describe() });
  await keepSnapshot(stage.redis);
  const [nonce, step] = ((await stage.redis.get(`resque:runner:${firstOwner}:step`)) ?? '').split(' ');
  // As a recovery does, which records the running job as failed.
  await forget();
  await stage.redis.del(await stage.redis.keys('resque:worker:*'));
  await stage.redis.set(`resque:runner:dead:${nonce}`, step ?? '');
  await stage.enqueue('mail', 3);
  expect(await engine.wait('engine.declared-dead')).toMatchObject({ killed: 1, dropped: 0 });
  await waitFor(async () => (await stage.stat('processed')) === 2, { message: () => engine.describe() });
  await restoreSnapshot(stage.redis);
  await stage.enqueue('mail', 4);
  expect(await engine.wait('steps.forgotten')).toMatchObject({ settled: 1, running: 0 });
  await waitFor(async () => (await stage.backlog('mail')).length === 0, { message: () => engine.describe() });
  await engine.stop();
  expect(await stage.redis.llen('resque:failed')).toBe(1);
  expect(engine.all('engine.declared-dead')).toHaveLength(1);
});

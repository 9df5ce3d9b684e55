/** A runner that lives although others took it for dead, or whose Redis lost what it knew: it goes on. */
import { expect, test } from 'vitest';
import { useRedis } from '../../helpers/redis.ts';
import { waitFor } from '../../helpers/wait-for.ts';
import { useEngines } from '../stage.ts';

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

test('if another process took its name in a Redis that lost all, the runner leaves alone what that has', async () => {
  const script = stage.script(
    'read -r job || :; case $job in *2*) while [ ! -e "$D/go" ]; do sleep 0.05; done;; esac',
  );
  await stage.enqueue('mail', 1, 2);
  const engine = await stage.start([stage.runner('mail', script, { concurrency: 2 })]);
  await waitFor(async () => (await stage.stat('processed')) === 1, { message: () => engine.describe() });
  const owner = `test.runner:${process.pid}`;
  const [first, second] = [`resque:worker:${owner}-0:mail`, `resque:worker:${owner}-1:mail`];
  // Its steps have the same numbers as ours.
  const record = (await stage.redis.get(second)) ?? '';
  const entry = JSON.parse((await stage.redis.hget('resque:runners', owner)) ?? '');
  const other = JSON.stringify({ ...entry, nonce: 'other', machine: 'other-boot', startedAt: '1' });
  await stage.redis
    .multi()
    .flushall()
    .hset('resque:runners', owner, other)
    .set(`resque:runner:${owner}:step`, 'other 5')
    .mset(first, record, second, record)
    .exec();
  await stage.redis.call('CLIENT', 'KILL', 'TYPE', 'normal');
  await engine.wait('engine.renamed');
  await engine.wait('redis.up', 2);
  expect(await engine.wait('steps.forgotten')).toMatchObject({ rewritten: 1, running: 1 });
  stage.write('go');
  await waitFor(async () => (await stage.stat('processed')) === 2, { message: () => engine.describe() });
  await engine.stop();
  expect(await stage.redis.mget(first, second)).toEqual([record, record]);
  expect(await stage.redis.keys('resque:stat:*')).toEqual(['resque:stat:processed']);
  await stage.redis.flushall();
});

/** A Redis that comes back older than the runner knows it, or empty: as after a failover, or from a snapshot. */
import { describe, expect, test } from 'vitest';
import { keepSnapshot, restoreSnapshot } from '../../helpers/older-redis.ts';
import { useRedis } from '../../helpers/redis.ts';
import { waitFor } from '../../helpers/wait-for.ts';
import { firstOwner, type TestEngine, useEngines } from '../stage.ts';

const stage = useEngines(useRedis());
const deliveries = ['at-most-once', 'at-least-once'] as const;

async function processed(count: number, engine: TestEngine): Promise<void> {
  await waitFor(async () => (await stage.stat('processed')) >= count, {
    message: () => `${count} processed\n${engine.describe()}`,
  });
}

/** Args of the jobs that have started, in their order. */
function started(): string[] {
  return stage.lines('ran');
}

const noteArg = `read -r job || :; arg=$(echo "$job" | tr -dc 0-9); echo "$arg" >> "$D/ran"`;

describe.each(deliveries)('%s', (delivery) => {
  test('the runner goes on by itself, and says how many steps Redis forgot', async () => {
    const engine = await stage.start([stage.runner('mail', stage.script(noteArg), { delivery })]);
    await stage.enqueue('mail', 1);
    await processed(1, engine);
    await keepSnapshot(stage.redis);
    await stage.enqueue('mail', 2);
    await processed(2, engine);
    await stage.enqueue('mail', 3);
    await processed(3, engine);
    await restoreSnapshot(stage.redis);
    await stage.enqueue('mail', 4);
    await engine.wait('job.finished', 4);
    const forgotten = await engine.wait('steps.forgotten');
    expect(forgotten.steps).toBeGreaterThan(0);
    expect(forgotten).toMatchObject({ isEverything: false, rewritten: 2, settled: 0 });
    await processed(4, engine);
    expect(started()).toEqual(['1', '2', '3', '4']);
    expect(await stage.redis.scard('resque:workers')).toBe(1);
  });

  test('a job that Redis hands out again runs again, and no job is lost', async () => {
    const engine = await stage.start([stage.runner('mail', stage.script(noteArg), { delivery })]);
    await stage.enqueue('mail', 1);
    await processed(1, engine);
    await stage.waitForIdle(delivery);
    await engine.do({ type: 'pause-queue', queue: 'mail' });
    await stage.waitForNoWait();
    await stage.enqueue('mail', 2);
    await keepSnapshot(stage.redis);
    await engine.do({ type: 'resume-queue', queue: 'mail' });
    await processed(2, engine);
    // A wait that is about to begin could take 2 before the runner knows. Its outcome would then end both.
    await stage.waitForIdle(delivery);
    await engine.do({ type: 'pause-queue', queue: 'mail' });
    await stage.waitForNoWait();
    await restoreSnapshot(stage.redis);
    await stage.enqueue('mail', 3);
    await engine.do({ type: 'resume-queue', queue: 'mail' });
    await engine.wait('steps.forgotten');
    // 1, the outcome of 2 that is written again, 2 once more, and 3.
    await processed(4, engine);
    expect(started().sort()).toEqual(['1', '2', '2', '3']);
  });

  test('a running job is back on record, and its outcome is written once', async () => {
    const script = stage.script('while [ ! -e "$D/go" ]; do sleep 0.05; done; exit 3');
    const engine = await stage.start([stage.runner('mail', script, { delivery, concurrency: 2 })]);
    await keepSnapshot(stage.redis);
    await stage.enqueue('mail', 1);
    await engine.wait('job.started');
    const { worker } = engine.all('job.started')[0]?.job ?? {};
    await waitFor(() => stage.redis.exists(`resque:worker:${worker}`), { message: 'it is on record' });
    await restoreSnapshot(stage.redis);
    expect(await stage.redis.exists(`resque:worker:${worker}`)).toBe(0);
    await stage.enqueue('mail', 2);
    await engine.wait('steps.forgotten');
    await waitFor(() => stage.redis.exists(`resque:worker:${worker}`), { message: 'it is back on record' });
    if (delivery === 'at-least-once') {
      const held = `resque:runner:${engine.engine.workerHost}:${process.pid}:held:mail`;
      await waitFor(async () => (await stage.redis.llen(held)) === 2, { message: 'both are held' });
    }
    stage.write('go');
    await processed(2, engine);
    await engine.stop();
    expect(await stage.stat('failed')).toBe(2);
    expect(await stage.redis.llen('resque:failed')).toBe(2);
  });

  test('with an empty Redis, running jobs and outcomes survive, and jobs that are pushed later run', async () => {
    const script = stage.script(
      `${noteArg}; [ "$arg" != 2 ] || while [ ! -e "$D/go" ]; do sleep 0.05; done; exit 3`,
    );
    const engine = await stage.start([stage.runner('mail', script, { delivery, concurrency: 2 })]);
    await stage.enqueue('mail', 1, 2);
    await processed(1, engine);
    await engine.wait('job.started', 2);
    await stage.redis.flushall();
    await stage.enqueue('mail', 3);
    expect(await engine.wait('steps.forgotten')).toMatchObject({ isEverything: true, rewritten: 1 });
    stage.write('go');
    await processed(3, engine);
    await engine.stop();
    expect(started().sort()).toEqual(['1', '2', '3']);
    expect(await stage.redis.llen('resque:failed')).toBe(3);
  });

  test('a job on record whose end is not known any more is settled, and not started a second time', async () => {
    const engine = await stage.start([stage.runner('mail', stage.script(noteArg), { delivery })]);
    await stage.enqueue('mail', 1);
    await processed(1, engine);
    const worker = `${firstOwner}-0:mail`;
    // As if its end had been confirmed too long ago to be held.
    const record =
      '{"queue":"mail","run_at":"2026-11-24T15:20:19Z","step":1,"payload":{"class":"Job","args":[9]}}';
    await stage.redis.set(`resque:worker:${worker}`, record);
    await keepSnapshot(stage.redis);
    await stage.redis.del(`resque:worker:${worker}`);
    await stage.enqueue('mail', 2);
    await processed(2, engine);
    await restoreSnapshot(stage.redis);
    await stage.enqueue('mail', 3);
    expect(await engine.wait('steps.forgotten')).toMatchObject({ settled: 1 });
    await processed(4, engine);
    expect(started()).toEqual(['1', '2', '3']);
    const [failure = ''] = await stage.redis.lrange('resque:failed', 0, -1);
    expect(JSON.parse(failure)).toMatchObject({
      exception: 'Resque::PruneDeadWorkerDirtyExit',
      payload: { class: 'Job', args: [9] },
    });
  });

  test('that happens while the runner is away: it goes on', async () => {
    const engine = await stage.start([stage.runner('mail', stage.script(noteArg), { delivery })]);
    await keepSnapshot(stage.redis);
    for (let arg = 1; arg <= 5; arg += 1) {
      await stage.enqueue('mail', arg);
      await processed(arg, engine);
    }
    await stage.redis.call('CLIENT', 'KILL', 'TYPE', 'normal');
    await restoreSnapshot(stage.redis);
    await engine.wait('redis.up', 2);
    expect(await engine.wait('steps.forgotten')).toMatchObject({ rewritten: 5 });
    expect(await stage.stat('processed')).toBe(5);
    await stage.enqueue('mail', 6);
    await processed(6, engine);
    expect(started()).toEqual(['1', '2', '3', '4', '5', '6']);
  });
});

test('an at-least-once job that comes right after Redis was emptied runs once', async () => {
  const script = stage.script(`${noteArg}; while [ ! -e "$D/go" ]; do sleep 0.05; done`);
  const runner = stage.runner('mail', script, { delivery: 'at-least-once', concurrency: 2 });
  const engine = await stage.start([runner]);
  await stage.waitForIdle('at-least-once');
  await stage.redis.flushall();
  await stage.enqueue('mail', 1);
  await engine.wait('steps.forgotten');
  const held = `resque:runner:${engine.engine.workerHost}:${process.pid}:held:mail`;
  expect(await stage.redis.lrange(held, 0, -1)).toEqual(['{"class":"Job","args":[1]}']);
  await stage.waitForIdle('at-least-once');
  stage.write('go');
  await processed(1, engine);
  expect(started()).toEqual(['1']);
});

test('an idle runner that stops writes what an older Redis has forgotten', async () => {
  const engine = await stage.start([stage.runner('mail', stage.script('exit 1'))]);
  await stage.waitForIdle();
  await keepSnapshot(stage.redis);
  await stage.enqueue('mail', 1);
  await processed(1, engine);
  await stage.waitForIdle();
  await restoreSnapshot(stage.redis);
  expect(await engine.stop()).toEqual({ unwritten: 0, isUnregistered: true });
  expect(await stage.redis.llen('resque:failed')).toBe(1);
  expect(await stage.stat('failed')).toBe(1);
});

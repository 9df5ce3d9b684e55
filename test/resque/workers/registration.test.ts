import { expect, test } from 'vitest';
import { thisMachine } from '../../../src/engine/process/engine-means.ts';
import { type Clock, systemClock } from '../../../src/resque/redis/clock.ts';
import type { RunnerEntry } from '../../../src/resque/workers/runner-entry.ts';
import { useRedis } from '../../helpers/redis.ts';
import { assertSafeHeartbeat } from '../../helpers/resque-web.ts';
import { about, useClient } from '../client.ts';

const stage = useClient(useRedis());
const ids = ['h.runner:1-0:mail', 'h.runner:1-0:a b'];

test("a heartbeat registers workers, with Redis' time", async () => {
  const [before = 0] = await stage.redis.time();
  await stage.client.heartbeat(() => ids);
  const [after = 0] = await stage.redis.time();
  expect((await stage.redis.smembers('resque:workers')).sort()).toEqual([...ids].sort());
  for (const id of ids) {
    const beat = await stage.redis.hget('resque:workers:heartbeat', id);
    assertSafeHeartbeat(beat);
    // Whole seconds, and the clocks are compared over a round trip.
    expect(Date.parse(beat ?? '') / 1000).toBeGreaterThanOrEqual(Number(before) - 1);
    expect(Date.parse(beat ?? '') / 1000).toBeLessThanOrEqual(Number(after) + 1);
    expect(await stage.redis.get(`resque:worker:${id}:started`)).toMatch(/ \+0000$/);
  }
});

test("a jump of the system's clock doesn't affect the heartbeat", async () => {
  let jumpMs = 0;
  const clock: Clock = { ...systemClock, nowMs: () => Date.now() + jumpMs };
  const client = await stage.connect({ ...thisMachine(), clock });
  // The answer to TIME is on its way.
  const beating = client.heartbeat(() => ids, about);
  jumpMs = -86_400_000;
  await beating;
  const { seenAtMs } = JSON.parse(
    (await stage.redis.hget('resque:runners', client.owner)) ?? '',
  ) as RunnerEntry;
  const beat = await stage.redis.hget('resque:workers:heartbeat', ids[0] ?? '');
  const [seconds] = await stage.redis.time();
  expect(Math.abs(seenAtMs - Number(seconds) * 1000)).toBeLessThan(10_000);
  expect(Math.abs(Date.parse(beat ?? '') - Number(seconds) * 1000)).toBeLessThan(10_000);
});

test('a heartbeat registers a dropped worker again, and changes no other', async () => {
  await stage.client.heartbeat(() => ids);
  await stage.redis.srem('resque:workers', ids[0] ?? '');
  await stage.redis.hdel('resque:workers:heartbeat', ids[0] ?? '');
  await stage.redis.set(`resque:worker:${ids[1]}:started`, 'kept');
  await stage.redis.hset('resque:workers:heartbeat', 'other', 'theirs');
  await stage.client.heartbeat(() => ids);
  expect((await stage.redis.smembers('resque:workers')).sort()).toEqual([...ids].sort());
  expect(await stage.redis.get(`resque:worker:${ids[1]}:started`)).toBe('kept');
  expect(await stage.redis.hget('resque:workers:heartbeat', 'other')).toBe('theirs');
});

test('a heartbeat without workers writes nothing', async () => {
  const before = await stage.dump();
  await stage.client.heartbeat(() => []);
  expect(await stage.dump()).toEqual(before);
});

test('an unregistered worker leaves no key, and others are unchanged', async () => {
  await stage.client.heartbeat(() => [...ids, 'other']);
  for (const id of ids) {
    await stage.redis.mset(`resque:worker:${id}`, '{}', `resque:worker:${id}:payload`, 'x');
    await stage.redis.mset(`resque:stat:processed:${id}`, '1', `resque:stat:failed:${id}`, '1');
  }
  await stage.client.unregister(ids);
  const keys = await stage.redis.keys('*');
  expect(keys.filter((key) => !key.startsWith('resque:runner')).sort()).toEqual([
    'resque:worker:other:started',
    'resque:workers',
    'resque:workers:heartbeat',
  ]);
  expect(await stage.redis.smembers('resque:workers')).toEqual(['other']);
  expect(await stage.redis.hkeys('resque:workers:heartbeat')).toEqual(['other']);
});

test.each([
  ['true', true],
  [' TRUE\n', true],
  ['True', true],
  ['false', false],
  ['1', false],
  ['', false],
])('pause-all-workers of %j means %s', async (value, isPaused) => {
  expect(await stage.client.isPaused()).toBe(false);
  await stage.redis.set('resque:pause-all-workers', value);
  expect(await stage.client.isPaused()).toBe(isPaused);
});

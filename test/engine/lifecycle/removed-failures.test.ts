/** The `failed` list of a running engine has an end. */
import { expect, test } from 'vitest';
import { useRedis } from '../../helpers/redis.ts';
import { waitFor } from '../../helpers/wait-for.ts';
import { useEngines } from '../stage.ts';

const stage = useEngines(useRedis());
const dayMs = 86_400_000;

async function today(): Promise<number> {
  const [seconds] = await stage.redis.time();
  return Math.floor((Number(seconds) * 1_000) / dayMs);
}

test('failed jobs push the oldest failures out, and what went on the day before is told after the start', async () => {
  stage.mayLeaveKeys('failed', 'runner:failed-removed');
  const day = await today();
  await stage.redis.hset('resque:runner:failed-removed', day - 1, 41);
  await stage.redis.rpush('resque:failed', 'old 1', 'old 2');
  const engine = await stage.start([stage.runner('mail', stage.script('exit 1'))], { failedLimit: 3 });
  const { count, limit, day: told } = await engine.wait('failures.trimmed');
  expect({ count, limit, told }).toEqual({
    count: 41,
    limit: 3,
    told: new Date((day - 1) * dayMs).toISOString().slice(0, 10),
  });
  await stage.enqueue('mail', 1, 2, 3);
  await waitFor(async () => (await stage.stat('failed')) === 3, { message: () => engine.describe() });
  const failures = await stage.redis.lrange('resque:failed', 0, -1);
  expect(failures.map((text) => (JSON.parse(text) as { payload: { args: unknown } }).payload.args)).toEqual([
    [1],
    [2],
    [3],
  ]);
  expect(await stage.redis.hvals('resque:runner:failed-removed')).toEqual(['2']);
});

test('without a limit the list grows, and a reload of the config sets one', async () => {
  stage.mayLeaveKeys('failed', 'runner:failed-removed');
  const runners = [stage.runner('mail', stage.script('exit 1'))];
  const engine = await stage.start(runners);
  await stage.enqueue('mail', 1, 2, 3);
  await waitFor(async () => (await stage.stat('failed')) === 3, { message: () => engine.describe() });
  expect(await stage.redis.llen('resque:failed')).toBe(3);
  engine.engine.reconfigure({ ...engine.config, failedLimit: 1 });
  expect((await engine.wait('config.reloaded')).changes).toEqual(['failedLimit: none → 1']);
  await stage.enqueue('mail', 4);
  await waitFor(async () => (await stage.stat('failed')) === 4, { message: () => engine.describe() });
  expect(await stage.redis.llen('resque:failed')).toBe(1);
  expect(engine.all('failures.trimmed')).toEqual([]);
});

/** A runner that retries jobs moves its own retries, unless another scheduler does. */
import { describe, expect, test } from 'vitest';
import type { RetryPolicy } from '../../../src/config/config.ts';
import { useRedis } from '../../helpers/redis.ts';
import { waitFor } from '../../helpers/wait-for.ts';
import { leaderLock, masterLock, past, schedule } from '../../resque/delayed/stage.ts';
import { useEngines } from '../stage.ts';

const stage = useEngines(useRedis());
const retry: RetryPolicy = {
  ...{ attempts: 3, on: 'any', firstDelaySeconds: 0, longestDelaySeconds: 0, jitter: 0, queue: null },
  classes: {},
};
const failing = 'cat >> "$D/payloads"; echo >> "$D/payloads"; echo "$RESQUE_ATTEMPT" >> "$D/runs"; exit 1';
const pool = (policy: RetryPolicy | null) => stage.runner('mail', stage.script(failing), { retry: policy });
const payload = '{"id":"x", "class":"Job","args":[1.50]}';

async function enqueue(): Promise<void> {
  await stage.redis.sadd('resque:queues', 'mail');
  await stage.redis.rpush('resque:queue:mail', payload);
}

describe('with "auto"', () => {
  test('all runs of a job follow each other, with its exact payload, and no lock is taken', async () => {
    const engine = await stage.start([pool(retry)]);
    await enqueue();
    await engine.wait('failure.recorded');
    expect(stage.lines('runs')).toEqual(['1', '2', '3']);
    expect(stage.lines('payloads')).toEqual([payload, payload, payload]);
    expect(await stage.redis.exists(masterLock, leaderLock)).toBe(0);
    const keys = await stage.redis.keys('resque:*');
    expect(keys.filter((key) => /delayed|timestamps|retry/.test(key))).toEqual([]);
    expect(await stage.redis.zcard(schedule)).toBe(0);
  });

  test('equal jobs at the same time use their attempts together', async () => {
    const engine = await stage.start([{ ...pool(retry), concurrency: 4 }]);
    for (let n = 0; n < 20; n += 1) await enqueue();
    await engine.wait('failure.recorded', 20);
    expect(stage.lines('runs').toSorted()).toEqual(['1', '2', '3'].flatMap((run) => Array(20).fill(run)));
  });

  test('a reload that brings retries starts the moves, and one that takes them away ends them', async () => {
    stage.mayLeaveKeys('queue:later');
    const engine = await stage.start([pool(null)]);
    const delay = async () => {
      await stage.redis.rpush(`resque:delayed:${past}`, '{"class":"A","args":[],"queue":"later"}');
      await stage.redis.zadd(schedule, past, past);
    };
    await delay();
    engine.engine.reconfigure({ ...engine.config, runners: [pool(retry)] });
    await waitFor(async () => (await stage.redis.llen('resque:queue:later')) === 1, {
      message: 'it is moved',
    });
    engine.engine.reconfigure({ ...engine.config, runners: [pool(null)] });
    await delay();
    await stage.enqueue('mail', 1);
    await engine.wait('failure.recorded');
    expect(await stage.redis.llen('resque:queue:later')).toBe(1);
    await stage.redis.del(schedule, `resque:delayed:${past}`);
  });

  test('another scheduler moves them if it holds its lock', async () => {
    await stage.redis.set(leaderLock, 'node:1');
    const engine = await stage.start([pool(retry)]);
    await enqueue();
    expect(await engine.wait('scheduler.changed')).toMatchObject({ state: 'standby', detail: 'node:1' });
    await waitFor(async () => (await stage.redis.zcard(schedule)) === 1, { message: 'the retry waits' });
    await stage.redis.del(leaderLock);
    await engine.wait('failure.recorded');
    expect(stage.lines('runs')).toEqual(['1', '2', '3']);
  });
});

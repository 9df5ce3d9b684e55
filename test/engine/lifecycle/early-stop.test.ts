/** A stop that comes while a runner makes itself known to Redis. */
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { useRedis } from '../../helpers/redis.ts';
import { useEngines } from '../stage.ts';

const stage = useEngines(useRedis());
/** By then it has long been up. */
const lastMs = 30;

test('it leaves nothing, at whichever moment it comes', async () => {
  const runner = stage.runner('mail', stage.script(':'));
  for (let ms = 0; ms < lastMs; ms += 1) {
    const engine = await stage.start([runner], { awaitRedis: false });
    await sleep(ms);
    expect(await engine.stop()).toEqual({ unwritten: 0, isUnregistered: true });
    expect(await stage.redis.keys('*'), `after ${ms} ms`).toEqual([]);
  }
});

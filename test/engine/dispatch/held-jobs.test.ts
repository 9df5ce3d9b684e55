/** Jobs on a runner's lists of held ones that nobody has in hand: what a wait has moved there whose answer was lost. */
import { expect, test } from 'vitest';
import { useRedis } from '../../helpers/redis.ts';
import { waitFor } from '../../helpers/wait-for.ts';
import { firstOwner, useEngines } from '../stage.ts';

const stage = useEngines(useRedis());
const owner = firstOwner;
const job = '{"class":"Job","args":[1]}';

test('they run although the queue is taken from at most once since the last change of the config', async () => {
  const script = stage.script(':');
  const engine = await stage.start([stage.runner('mail', script)]);
  engine.engine.reconfigure(stage.config([stage.runner('mail', script, { delivery: 'at-least-once' })]));
  await stage.waitForIdle('at-least-once');
  engine.engine.reconfigure(stage.config([stage.runner('mail', script)]));
  await stage.waitForIdle('at-most-once');
  await stage.redis.sadd(`resque:runner:${owner}:held`, 'mail');
  await stage.redis.rpush(`resque:runner:${owner}:held:mail`, job);
  await stage.redis.call('CLIENT', 'KILL', 'TYPE', 'normal');
  await engine.wait('job.finished');
  await waitFor(async () => (await stage.stat('processed')) === 1, { message: 'its outcome is written' });
  expect(await stage.redis.exists(`resque:runner:${owner}:held:mail`)).toBe(0);
});

test('they run although Redis has lost the set that names the lists', async () => {
  // As a wait of a dead process of this name may have moved it, after Redis was emptied.
  await stage.redis.rpush(`resque:runner:${owner}:held:mail`, job);
  const engine = await stage.start([stage.runner('mail', stage.script(':'), { delivery: 'at-least-once' })]);
  await engine.wait('job.finished');
  await waitFor(async () => (await stage.stat('processed')) === 1, { message: 'its outcome is written' });
  expect(await stage.redis.exists(`resque:runner:${owner}:held:mail`)).toBe(0);
});

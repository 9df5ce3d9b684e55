/** The one reader of what screens and metrics show of Redis. */
import { expect, test } from 'vitest';
import { RedisFigures } from '../../../src/engine/watch/redis-figures.ts';
import { useRedis } from '../../helpers/redis.ts';
import { useClient } from '../../resque/client.ts';

const stage = useClient(useRedis());
const ofMail = () => new RedisFigures(stage.client, () => ['mail']);

/** How often the scripts of a read ran. */
async function scriptsDuring(act: () => Promise<unknown>): Promise<number> {
  const commands = await stage.monitor(act);
  return commands.filter(([name = '']) => /^eval/i.test(name)).length;
}

test('a read joins the one that has begun, and a new one begins after it', async () => {
  await stage.redis.rpush('resque:queue:mail', '{"class":"A","args":[]}');
  const figures = ofMail();
  await figures.read();
  const one = await scriptsDuring(() => figures.read());
  expect(one).toBeGreaterThan(0);
  expect(await scriptsDuring(() => Promise.all([figures.read(), figures.read(), figures.read()]))).toBe(one);
  expect(await scriptsDuring(() => Promise.all([figures.read(), figures.readAnew()]))).toBe(2 * one);
});

test('nothing is read while Redis is down', async () => {
  const figures = ofMail();
  expect(await figures.read()).not.toBeNull();
  stage.client.session.close();
  expect(await figures.read()).toBeNull();
  expect(await figures.readAnew()).toBeNull();
});

test('keys that this user may not read, or that are not lists, count as unknown', async () => {
  await stage.redis.set('resque:failed', 'x');
  await stage.redis.rpush('resque:queue:mail', '{"class":"A","args":[]}');
  const figures = ofMail();
  const known = await figures.read();
  expect(known).toMatchObject({ failures: null, hasSchedules: false, leastDelayed: 0 });
  expect(known?.queues.get('mail')?.length).toBe(1);
  await stage.redis.acl('SETUSER', 'default', '-llen', '-zcard', '-zrange');
  try {
    const refused = await figures.read();
    expect(refused).toMatchObject({ failures: null, delayed: null, leastDelayed: null });
    expect(refused?.queues.get('mail')?.length).toBeNull();
  } finally {
    await stage.redis.acl('SETUSER', 'default', '+llen', '+zcard', '+zrange');
  }
});

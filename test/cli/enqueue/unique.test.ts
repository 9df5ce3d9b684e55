/** `enqueue --unique`: the lock of node-resque's QueueLock. */
import { describe, expect, test } from 'vitest';
import { useRedis } from '../../helpers/redis.ts';
import { useEnqueue } from './stage.ts';

const redis = useRedis();
const stage = useEnqueue(redis);
const args = ['SendMail', '7', '"é"', '[1.0]'];
const lock = 'resque:lock:SendMail:mail:[7,"é",[1]]';
const job = '{"class":"SendMail","args":[7,"é",[1.0]]}';

async function nowSeconds(): Promise<number> {
  return Math.round(Number((await redis.client.time())[0]));
}

describe('a job', () => {
  test.each([
    [['--unique'], 3_600],
    [['--unique', '60'], 60],
    [['--unique=60'], 60],
  ])('with %s takes the lock, and the same job is not enqueued again', async (flags, seconds) => {
    const before = await nowSeconds();
    expect(await stage.run([...args, ...flags])).toMatchObject({ code: 0, stderr: '' });
    const value = Number(await redis.client.get(lock));
    expect(value).toBeGreaterThanOrEqual(before + seconds + 1);
    expect(value).toBeLessThanOrEqual((await nowSeconds()) + seconds + 2);
    const left = await redis.client.ttl(lock);
    expect(left).toBeGreaterThan(seconds - 10);
    expect(left).toBeLessThanOrEqual(seconds);

    const again = await stage.run([...args, ...flags]);
    const ends = `${new Date(value * 1_000).toISOString().slice(0, 19).replace('T', ' ')} UTC`;
    expect(again).toMatchObject({
      code: 3,
      stdout: '',
      stderr: `resque-runner: not enqueued: the same job is already waiting; its lock lasts until ${ends} (${stage.url}/0)`,
    });
    expect(await stage.jobs()).toEqual([job]);
    expect(Number(await redis.client.get(lock))).toBe(value);
    expect(await stage.keysLeft()).toEqual([lock]);
  });

  test('with other args, another class or no --unique is another job', async () => {
    expect((await stage.run([...args, '--unique'])).code).toBe(0);
    for (const other of [['SendMail', '8', '--unique'], ['Other', ...args.slice(1), '--unique'], args])
      expect((await stage.run(other)).code).toBe(0);
    expect(await stage.jobs()).toHaveLength(4);
  });

  test('a whole number after --unique is its SECONDS, any other word an argument', async () => {
    expect((await stage.run(['--unique', 'A', '5'])).code).toBe(0);
    expect((await stage.run(['A', '--unique', '--at-head'])).code).toBe(0);
    expect((await stage.run(['A', '--unique', '--', '5', '--unique'])).code).toBe(0);
    expect((await redis.client.keys('resque:lock:*')).toSorted()).toEqual([
      'resque:lock:A:mail:[5,"--unique"]',
      'resque:lock:A:mail:[5]',
      'resque:lock:A:mail:[]',
    ]);
  });

  test('says in JSON that nothing was enqueued', async () => {
    await stage.run([...args, '--unique']);
    const { code, stdout } = await stage.run([...args, '--unique', '--json']);
    expect(code).toBe(3);
    const ends = new Date(Number(await redis.client.get(lock)) * 1_000).toISOString();
    expect(JSON.parse(stdout)).toMatchObject({
      enqueued: 0,
      isComplete: false,
      resume: null,
      lockEndsAt: ends,
    });
  });
});

test.each([
  ['1', 'whose time is over'],
  ['soon', 'without a time'],
])('a lock %s (%s) is taken over, as node-resque does', async (value) => {
  await redis.client.set(lock, value);
  expect((await stage.run([...args, '--unique'])).code).toBe(0);
  expect(await stage.jobs()).toEqual([job]);
  expect(Number(await redis.client.get(lock))).toBeGreaterThan(1);
  expect(await redis.client.ttl(lock)).toBeGreaterThan(0);
});

test('a key of another type is a problem of Redis', async () => {
  await redis.client.rpush(lock, 'a');
  const { code, stderr } = await stage.run([...args, '--unique']);
  expect(code).toBe(1);
  expect(stderr).toContain('WRONGTYPE');
  expect(await stage.jobs()).toEqual([]);
});

test.each([
  [['--file', '-', '--unique'], "--unique can't be combined with --file: it enqueues a single job"],
  [['A', '--count', '2', '--unique'], "--unique can't be combined with --count: it enqueues a single job"],
  [
    ['A', '--in', '10m', '--unique'],
    "--unique can't be combined with --in or --at: its lock could expire before the job is due",
  ],
  [['A', '--unique=no'], '--unique must be a whole number, 1 or more, got "no"'],
  [['A', '--unique', '0'], '--unique must be a whole number, 1 or more, got "0"'],
])('%s is a mistake', async (flags, text) => {
  const { code, stderr } = await stage.run(flags);
  expect(code).toBe(2);
  expect(stderr).toContain(text);
  expect(await stage.keysLeft()).toEqual([]);
});

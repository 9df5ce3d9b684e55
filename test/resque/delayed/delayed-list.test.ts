/** Reading, running early and deleting delayed jobs, beside others that change them. */
import { createHash } from 'node:crypto';
import { Queue } from 'node-resque';
import { describe, expect, test } from 'vitest';
import {
  type DelayedCursor,
  type DelayedJob,
  DelayedList,
  firstCursor,
} from '../../../src/resque/delayed/delayed-list.ts';
import { nodeItem, past, rubyItem, schedule, useDelayedStage } from './stage.ts';

const stage = useDelayedStage();
const list = () => new DelayedList(stage.client.session, stage.client.keys);
const later = 4_000_000_000;

async function pages(size: number): Promise<DelayedJob[][]> {
  const found: DelayedJob[][] = [];
  let from: DelayedCursor | null = firstCursor;
  while (from !== null) {
    const { jobs, next } = await list().page(from, size);
    found.push([...jobs]);
    from = next;
  }
  return found;
}

const all = async () => (await pages(1_000)).flat();
const texts = (jobs: readonly DelayedJob[]) => jobs.map(({ item }) => item.toString());
const change = async (kind: 'run' | 'remove', ...jobs: Pick<DelayedJob, 'time' | 'index' | 'sha1'>[]) =>
  await list().change({ kind, jobs });

describe('pages', () => {
  test('have the jobs by time, then by their order', async () => {
    await stage.delay(later + 1, rubyItem('mail', 3));
    await stage.delay(later, rubyItem('mail', 1), nodeItem('low', 2));
    await stage.delay(past, 'not JSON');
    expect((await all()).map(({ time, dueAt, index }) => [time, dueAt, index])).toEqual([
      [String(past), past, 0],
      [String(later), later, 0],
      [String(later), later, 1],
      [String(later + 1), later + 1, 0],
    ]);
    expect(texts(await all())).toEqual([
      'not JSON',
      rubyItem('mail', 1),
      nodeItem('low', 2),
      rubyItem('mail', 3),
    ]);
  });

  test.each([1, 2, 7, 50, 51])('of %i jobs have each job once', async (size) => {
    const items = Array.from({ length: 130 }, (_, at) => rubyItem('mail', at));
    for (const [at, item] of items.entries()) await stage.delay(later + (at < 60 ? 0 : at), item);
    const found = await pages(size);
    expect(texts(found.flat())).toEqual(items);
    expect(found.slice(0, -1).every((jobs) => jobs.length === size)).toBe(true);
  });

  test('skip keys of other types, and show the jobs of times that are not numbers', async () => {
    await stage.redis.zadd(schedule, later, 'a', later, 'b', later, 'c');
    await stage.redis.set('resque:delayed:a', 'x');
    await stage.redis.rpush('resque:delayed:c', rubyItem('mail', 1), rubyItem('mail', 2));
    expect((await pages(1)).flat().map(({ time, dueAt }) => [time, dueAt])).toEqual([
      ['c', later],
      ['c', later],
    ]);
  });

  test('of large jobs are small, and a job that is larger than a reply has a stand-in', async () => {
    const large = rubyItem('mail', 'x'.repeat(700_000));
    const huge = rubyItem('mail', 'x'.repeat(1_500_000));
    await stage.delay(later, large, large, huge, rubyItem('mail', 1));
    const found = await pages(10);
    expect(found.map((jobs) => jobs.length)).toEqual([1, 3]);
    const { item, isWhole, sha1 } = found[1]?.[1] ?? { item: Buffer.alloc(0), isWhole: true, sha1: '' };
    expect(JSON.parse(item.toString())).toEqual({ class: 'SendMail', queue: 'mail' });
    expect(isWhole).toBe(false);
    expect(sha1).toBe(createHash('sha1').update(huge).digest('hex'));
  });
});

describe('a job is found by its time and the beginning of its SHA-1,', () => {
  test('with the number of equal ones', async () => {
    await stage.delay(later, rubyItem('mail', 1), rubyItem('mail', 2), rubyItem('mail', 2));
    const [, second] = await all();
    const found = await list().find(String(later), second?.sha1.slice(0, 8) ?? '');
    expect(found).toEqual({ job: second, copies: 2 });
  });

  test('unless it is gone', async () => {
    expect(await list().find(String(later), '01234567')).toBeNull();
    await stage.delay(later, rubyItem('mail', 1));
    expect(await list().find(String(later), '01234567')).toBeNull();
  });
});

describe('a change', () => {
  const items = Array.from({ length: 6 }, (_, at) => rubyItem('mail', at));

  test('removes a job, and with the last one its time', async () => {
    await stage.delay(later, ...items);
    const jobs = await all();
    expect(await change('remove', ...jobs.slice(1, 6))).toEqual(Array(5).fill('done'));
    expect(await stage.redis.lrange(`resque:delayed:${later}`, 0, -1)).toEqual([items[0]]);
    expect(await stage.delayedKeys()).toEqual([
      `resque:delayed:${later}`,
      schedule,
      `resque:timestamps:${items[0]}`,
    ]);
    expect(await change('remove', ...jobs.slice(0, 1))).toEqual(['done']);
    expect(await stage.delayedKeys()).toEqual([]);
  });

  test('runs jobs now, at the end of their queues', async () => {
    await stage.redis.rpush('resque:queue:mail', 'waiting');
    await stage.delay(later, ...items.slice(0, 3), rubyItem('low', 'x'));
    const jobs = await all();
    expect(await change('run', ...jobs)).toEqual(Array(4).fill('done'));
    expect(await stage.queued('mail')).toEqual(['waiting', ...items.slice(0, 3)]);
    expect(await stage.queued('low')).toEqual([rubyItem('low', 'x')]);
    expect((await stage.redis.smembers('resque:queues')).toSorted()).toEqual(['low', 'mail']);
    expect(await stage.delayedKeys()).toEqual([]);
  });

  test('acts on one of several equal jobs, whose set keeps the time until none is left', async () => {
    const [item = ''] = items;
    await stage.delay(later, item, item, item);
    const jobs = await all();
    expect(await change('remove', ...jobs.slice(0, 2))).toEqual(['done', 'done']);
    expect(await stage.redis.smembers(`resque:timestamps:${item}`)).toEqual([`delayed:${later}`]);
    expect(await change('run', ...jobs.slice(2))).toEqual(['done']);
    expect(await stage.queued('mail')).toEqual([item]);
    expect(await stage.delayedKeys()).toEqual([]);
  });

  test('finds jobs that have moved, nearby and far away, and says which are gone', async () => {
    const many = Array.from({ length: 3_000 }, (_, at) => rubyItem('mail', at));
    await stage.delay(later, ...many);
    const jobs = (await pages(1_000)).flat();
    await stage.redis.ltrim(`resque:delayed:${later}`, 1_500, -1);
    const asked = [jobs[100], jobs[1_500], jobs[2_000], jobs[2_999]].flatMap((job) => job ?? []);
    expect(await change('remove', ...asked)).toEqual(['gone', 'done', 'done', 'done']);
    expect(await stage.redis.llen(`resque:delayed:${later}`)).toBe(1_497);
    expect(await stage.redis.lrange(`resque:delayed:${later}`, 0, 0)).toEqual([many[1_501]]);
  });

  test('finds nothing at a time whose key is not a list, and changes the others', async () => {
    await stage.delay(later, rubyItem('mail', 1));
    const [job] = await all();
    if (job === undefined) throw new Error('no job');
    const time = String(later + 1);
    await stage.client.session.command((commands) => commands.set(stage.client.keys.delayed(time), 'text'));
    expect(await change('run', { ...job, time }, job)).toEqual(['gone', 'done']);
    expect(
      await stage.client.session.command((commands) => commands.llen(stage.client.keys.queue('mail'))),
    ).toBe(1);
  });

  test('runs no job that names no queue, or whose queue is a set', async () => {
    await stage.redis.sadd('resque:queue:bad', 'x');
    await stage.delay(later, 'not JSON', rubyItem('bad', 1), rubyItem('mail', 1));
    const jobs = await all();
    expect(await change('run', ...jobs)).toEqual(['undeliverable', 'undeliverable', 'done']);
    expect(await stage.redis.lrange(`resque:delayed:${later}`, 0, -1)).toEqual([
      'not JSON',
      rubyItem('bad', 1),
    ]);
    expect(await change('remove', ...jobs)).toEqual(['done', 'done', 'gone']);
    expect(await stage.delayedKeys()).toEqual([]);
  });

  test('a Redis without memory removes, but moves nothing', async () => {
    await stage.delay(later, ...items);
    const jobs = await all();
    await stage.redis.config('SET', 'maxmemory', '1');
    try {
      await expect(change('run', ...jobs)).rejects.toThrow(/OOM/);
      expect(await change('remove', ...jobs)).toEqual(Array(6).fill('done'));
    } finally {
      await stage.redis.config('SET', 'maxmemory', '0');
    }
    expect(await stage.delayedKeys()).toEqual([]);
    expect(await stage.queued('mail')).toEqual([]);
  });

  test.each(['lset', 'lrem', 'srem', 'zrem', 'rpush'])(
    'a user who may not %s changes nothing',
    async (command) => {
      await stage.delay(later, ...items);
      const jobs = await all();
      await stage.redis.acl('SETUSER', 'default', `-${command}`);
      try {
        await expect(change('run', ...jobs)).rejects.toThrow(new RegExp(`may not run ${command}`, 'i'));
      } finally {
        await stage.redis.acl('SETUSER', 'default', '+@all');
      }
      expect(await stage.redis.llen(`resque:delayed:${later}`)).toBe(6);
      expect(await stage.queued('mail')).toEqual([]);
    },
  );

  test('on a long list, equal jobs far apart keep the rest of their times', async () => {
    const many = Array.from({ length: 4_000 }, (_, at) => rubyItem('mail', at));
    const [item = ''] = many;
    await stage.delay(later, ...many, item);
    const [first] = await all();
    await change('remove', ...(first === undefined ? [] : [first]));
    expect(await stage.redis.smembers(`resque:timestamps:${item}`)).toEqual([`delayed:${later}`]);
  });
});

test('node-resque sees and cancels what is left of its jobs', async () => {
  const port = stage.redis.options.port ?? 0;
  const queue = new Queue({ connection: { pkg: 'ioredis', host: '127.0.0.1', port } });
  await queue.connect();
  try {
    for (const id of [1, 2, 3]) await queue.enqueueAt(later * 1_000, 'mail', 'SendMail', [id]);
    await queue.enqueueAt((later + 5) * 1_000, 'mail', 'SendMail', [2]);
    const jobs = await all();
    expect(texts(jobs)).toEqual([1, 2, 3, 2].map((id) => nodeItem('mail', id)));
    expect(await change('run', ...jobs.slice(0, 2))).toEqual(['done', 'done']);
    expect(await queue.scheduledAt('mail', 'SendMail', [1])).toEqual([]);
    expect(await queue.scheduledAt('mail', 'SendMail', [2])).toEqual([later + 5]);
    expect(await queue.delDelayed('mail', 'SendMail', [2])).toEqual([later + 5]);
    expect(texts(await all())).toEqual([nodeItem('mail', 3)]);
    expect(await stage.delayedKeys()).toContain(`resque:timestamps:${nodeItem('mail', 3)}`);
  } finally {
    await queue.end();
  }
});

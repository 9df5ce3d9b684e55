/** The step that enqueues the job of a schedule: what it checks before, and what it leaves in Redis. */
import { describe, expect, test } from 'vitest';
import { lastSeconds, RecurringJobs, recordedText } from '../../../src/resque/delayed/recurring-jobs.ts';
import { everySchedule } from './schedules.ts';
import { leaderLock, masterLock, useDelayedStage } from './stage.ts';

const stage = useDelayedStage();
const lastKey = 'resque:delayed:last_enqueued_at';
const schedule = everySchedule('1h', { args: '[12345678901234567890]' });
const payload = '{"class":"Report","args":[12345678901234567890]}';
const jobs = () => new RecurringJobs(stage.client.session, stage.client.keys, '');
const at = (seconds: number, known = '', which = schedule) =>
  jobs().enqueueAt(which, { seconds, known }, 'us:1');
const hold = (master: string, leader = master) => stage.redis.mset(masterLock, master, leaderLock, leader);

describe('a time of a schedule', () => {
  test('is enqueued and recorded, and claimed for an hour', async () => {
    await hold('us:1');
    expect(await at(7_200)).toBe('enqueued');
    expect(await stage.queued('reports')).toEqual([payload]);
    expect(await stage.redis.hgetall(lastKey)).toEqual({ nightly: '1970-01-01 02:00:00 +0000' });
    expect(await stage.redis.ttl('resque:runner:cron:nightly:7200')).toBeGreaterThan(3_500);
    expect(await at(10_800, recordedText(7_200))).toBe('enqueued');
    expect(await stage.queued('reports')).toHaveLength(2);
  });

  test('is not enqueued again, even if what was recorded is lost', async () => {
    await hold('us:1');
    await at(7_200);
    expect(await at(7_200)).toBe('changed');
    await stage.redis.del(lastKey);
    expect(await at(7_200)).toBe('done');
    expect(await stage.queued('reports')).toEqual([payload]);
    expect(await stage.redis.hget(lastKey, 'nightly')).toBe(recordedText(7_200));
  });

  test.each([
    ['nothing holds the locks', '', ''],
    ['another program holds one', 'us:1', 'node:1'],
    ['another program holds the other one', 'ruby:1', 'us:1'],
  ])('is not enqueued if %s', async (_, master, leader) => {
    if (master !== '') await hold(master, leader);
    expect(await at(7_200)).toBe('held');
    expect(await stage.redis.exists('resque:queue:reports', lastKey)).toBe(0);
  });

  test('is enqueued while another runner holds the locks', async () => {
    await stage.redis.hset('resque:runners', 'other:2', '{}');
    await hold('other:2');
    expect(await at(7_200)).toBe('enqueued');
    await stage.redis.hdel('resque:runners', 'other:2');
  });

  test.each([
    ['resque:queue:reports', 'list'],
    ['resque:queues', 'set'],
    [lastKey, 'hash'],
  ])('is refused as a whole if %s is not a %s', async (key, kind) => {
    await hold('us:1');
    await stage.redis.set(key, 'x');
    const before = (await stage.redis.keys('*')).toSorted();
    await expect(at(7_200)).rejects.toThrow(`WRONGTYPE ${key} is a string, not a ${kind}`);
    expect((await stage.redis.keys('*')).toSorted()).toEqual(before);
  });

  test('that is unique is recorded but not enqueued while the same job waits anywhere in the queue', async () => {
    const unique = { ...schedule, isUnique: true };
    await hold('us:1');
    await stage.redis.rpush('resque:queue:reports', 'a', payload, 'b');
    expect(await at(7_200, '', unique)).toBe('waiting');
    expect(await stage.queued('reports')).toEqual(['a', payload, 'b']);
    expect(lastSeconds((await stage.redis.hget(lastKey, 'nightly')) ?? '')).toBe(7_200);
    expect(await jobs().enqueueNow(unique)).toBe('waiting');
    await stage.redis.lrem('resque:queue:reports', 1, payload);
    expect(await jobs().enqueueNow(unique)).toBe('enqueued');
  });
});

test.each([
  ['2026-11-28 03:00:00 +0100', 1_795_831_200],
  ['2026-11-28 02:00:00 UTC', 1_795_831_200],
  [recordedText(1_795_831_200), 1_795_831_200],
  ['yesterday', null],
  ['', null],
])('the time %s, which a scheduler has recorded, is read', (text, seconds) => {
  expect(lastSeconds(text)).toBe(seconds);
});

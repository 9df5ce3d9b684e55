/** A runner that enqueues the jobs of schedules: its own and those in Redis, each once, beside others. */
import { Scheduler } from 'node-resque';
import { describe, expect, test } from 'vitest';
import type { Schedule } from '../../../src/config/config.ts';
import { lastSeconds, recordedText } from '../../../src/resque/delayed/recurring-jobs.ts';
import { type Clock, systemClock } from '../../../src/resque/redis/clock.ts';
import { MovableClock } from '../../helpers/movable-clock.ts';
import { useRedis } from '../../helpers/redis.ts';
import { waitFor } from '../../helpers/wait-for.ts';
import { cronSchedule, everySchedule } from '../../resque/delayed/schedules.ts';
import {
  schedule as delayedSchedule,
  leaderLock,
  masterLock,
  past,
  rubyItem,
} from '../../resque/delayed/stage.ts';
import { useEngines } from '../stage.ts';

const stage = useEngines(useRedis());
const lastKey = 'resque:delayed:last_enqueued_at';
const persistentKey = 'resque:persistent_schedules';
const payload = '{"class":"Report","args":[]}';

const start = (
  schedules: readonly Schedule[],
  scheduler: 'auto' | 'on' = 'auto',
  clock: Clock = systemClock,
) => {
  // They stay: when a schedule was enqueued, and which of its times are done.
  stage.mayLeaveKeys(
    'queue:reports',
    'delayed:last_enqueued_at',
    'persistent_schedules',
    'schedules_changed',
  );
  return stage.start([stage.runner('mail', stage.script('cat >> "$D/ran"; echo >> "$D/ran"'))], {
    schedules,
    scheduler,
    machine: { clock },
  });
};
const redisNow = async () => Number((await stage.redis.time())[0]);
const queued = () => stage.redis.lrange('resque:queue:reports', 0, -1);
const slots = async (name: string) =>
  (await stage.redis.keys(`resque:runner:cron:${name}:*`))
    .map((key) => Number(key.split(':').at(-1)))
    .toSorted();
/** As if it had been enqueued so many seconds ago. */
async function enqueuedAgo(seconds: number, name = 'nightly'): Promise<number> {
  const last = (await redisNow()) - seconds;
  await stage.redis.hset(lastKey, name, recordedText(last));
  return last;
}
const persist = (name: string, config: unknown) =>
  stage.redis.hset(persistentKey, name, typeof config === 'string' ? config : JSON.stringify(config));

describe('a schedule of the config', () => {
  test('puts its job on its queue, and a worker runs it', async () => {
    const last = await enqueuedAgo(60);
    const engine = await start([everySchedule('1m', { queue: 'mail', args: '[1,{"a":"ä"}]' })]);
    await engine.wait('job.finished');
    expect(stage.lines('ran')).toEqual(['{"class":"Report","args":[1,{"a":"ä"}]}']);
    expect(await engine.wait('schedule.enqueued')).toMatchObject({
      name: 'nightly',
      queue: 'mail',
      jobClass: 'Report',
    });
    expect(await stage.redis.hget(lastKey, 'nightly')).toBe(recordedText(last + 60));
    expect(await slots('nightly')).toEqual([last + 60]);
    expect(await stage.redis.ttl(`resque:runner:cron:nightly:${last + 60}`)).toBeGreaterThan(3_500);
    expect(await stage.redis.smembers('resque:queues')).toEqual(['mail']);
  });

  test('is enqueued once for each of its times by two runners, also if one of them stops', async () => {
    const all = [everySchedule('1s', { name: 'often' }), cronSchedule('* * * * * *', { name: 'lines' })];
    const engines = [await start(all), await start(all)];
    const count = () => engines.flatMap((engine) => engine.all('schedule.enqueued')).length;
    await waitFor(() => count() >= 2, { message: 'some are enqueued' });
    const holder = await stage.redis.get(masterLock);
    expect(await stage.redis.get(leaderLock)).toBe(holder);
    const first = engines.find(({ engine }) => holder?.startsWith(`${engine.workerHost}:`));
    await first?.stop();
    const before = count();
    await waitFor(() => count() >= before + 2, { message: 'the other one goes on' });
    for (const engine of engines) await engine.stop();
    const done = [...(await slots('often')), ...(await slots('lines'))];
    expect(new Set(await slots('often')).size).toBe((await slots('often')).length);
    expect(await queued()).toHaveLength(done.length);
    expect(await stage.redis.exists(masterLock, leaderLock)).toBe(0);
  });

  test('is enqueued although another runner, which has other schedules, holds the locks', async () => {
    const engines = [await start([everySchedule('1s', { name: 'a' })])];
    await engines[0]?.wait('schedule.enqueued');
    const holder = await stage.redis.get(masterLock);
    engines.push(await start([everySchedule('1s', { name: 'b' })]));
    await engines[1]?.wait('schedule.enqueued', 2);
    expect(new Set(engines[1]?.all('schedule.enqueued').map(({ name }) => name))).toEqual(new Set(['b']));
    expect(await stage.redis.mget(masterLock, leaderLock)).toEqual([holder, holder]);
  });

  test('is enqueued once for each of its times although connections break', async () => {
    const engine = await start([everySchedule('1s'), cronSchedule('* * * * * *', { name: 'lines' })]);
    for (let n = 1; n <= 3; n += 1) {
      await engine.wait('schedule.enqueued', n);
      await stage.redis.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
      await engine.wait('redis.up', n + 1);
    }
    await engine.stop();
    const done = [...(await slots('nightly')), ...(await slots('lines'))];
    expect(await queued()).toHaveLength(done.length);
  });

  test('counts from the last time, so a restart changes nothing', async () => {
    const last = await enqueuedAgo(118);
    const often = [everySchedule('2m')];
    await (await start(often)).stop();
    const engine = await start(often);
    await engine.wait('schedule.enqueued');
    expect(await slots('nightly')).toEqual([last + 120]);
    expect(await redisNow()).toBeGreaterThanOrEqual(last + 120);
  });

  test('that is unique enqueues nothing while the same job is waiting', async () => {
    const unique = everySchedule('1s', { isUnique: true });
    const engine = await start([unique, everySchedule('1s', { name: 'other', args: '[2]', isUnique: true })]);
    await engine.wait('schedule.skipped', 2);
    expect((await queued()).toSorted()).toEqual([payload, '{"class":"Report","args":[2]}'].toSorted());
    await stage.redis.del('resque:queue:reports');
    await engine.wait('schedule.enqueued', 4);
    expect((await queued()).length).toBe(2);
  });

  test("whose queue's key is not a list is reported once, and holds up no others", async () => {
    stage.mayLeaveKeys('queue:broken');
    await stage.redis.set('resque:queue:broken', 'x');
    await stage.redis.zadd(delayedSchedule, past, past);
    await stage.redis.rpush(`resque:delayed:${past}`, rubyItem('mail', 1));
    const engine = await start([everySchedule('1s', { name: 'bad', queue: 'broken' }), everySchedule('1s')]);
    await engine.wait('schedule.enqueued', 2);
    await engine.wait('job.finished');
    expect(engine.all('schedule.failed').map(({ name, reason }) => [name, reason])).toEqual([
      ['bad', 'WRONGTYPE resque:queue:broken is a string, not a list'],
    ]);
    await stage.redis.del('resque:queue:broken');
    await waitFor(() => engine.all('schedule.enqueued').some(({ name }) => name === 'bad'), {
      message: 'it goes on',
    });
  });

  test('can be added and removed by a reload, and the last one releases the locks', async () => {
    const engine = await start([]);
    expect(await stage.redis.exists(masterLock)).toBe(0);
    const reload = (schedules: readonly Schedule[]) =>
      engine.engine.reconfigure({ ...engine.config, schedules });
    reload([everySchedule('1s')]);
    await engine.wait('schedule.enqueued');
    expect(await stage.redis.exists(masterLock, leaderLock)).toBe(2);
    reload([cronSchedule('0 3 * * *')]);
    reload([]);
    await waitFor(async () => (await stage.redis.exists(masterLock, leaderLock)) === 0, {
      message: 'no lock',
    });
    expect(engine.all('config.reloaded').map(({ changes }) => changes)).toEqual([
      ['schedules.nightly: added'],
      ['schedules.nightly: changed'],
      ['schedules.nightly: removed'],
    ]);
  });
});

describe('schedules that others keep in Redis', () => {
  test('are enqueued by a runner that holds the locks, as Ruby does it', async () => {
    const every = ['1s', { first_in: '1s' }];
    await persist('plain', {
      class: 'A',
      every: '1s',
      queue: 'reports',
      args: [1.0, 12345678901234567890n.toString()],
    });
    await persist('hash', { class: 'B', every, queue: 'reports', args: { a: 1 } });
    await persist(
      'custom',
      '{"class":"C","every":"1s","queue":"reports","args":1.50,"custom_job_class":"Custom"}',
    );
    await persist('NoClass', { every: '1s', queue: 'reports', rails_env: 'staging, production' });
    await persist('staging', { class: 'D', every: '1s', queue: 'reports', env: 'staging' });
    await persist('nightly', { class: 'E', every: '1s', queue: 'reports' });
    await stage.redis.sadd('resque:schedules_changed', 'plain');
    const engine = await start([cronSchedule('* * * * * *')], 'on');
    const names = () => new Set(engine.all('schedule.enqueued').map(({ name }) => name));
    await waitFor(() => names().size >= 5, { message: 'all are enqueued' });
    expect([...names()].toSorted()).toEqual(['NoClass', 'custom', 'hash', 'nightly', 'plain']);
    expect([...new Set(await queued())].toSorted()).toEqual(
      [
        '{"class":"A","args":[1,"12345678901234567890"]}',
        '{"class":"B","args":[{"a":1}]}',
        '{"class":"Custom","args":[1.50]}',
        '{"class":"NoClass","args":[]}',
        payload,
      ].toSorted(),
    );
    // Ruby needs it when it becomes master.
    expect(await stage.redis.smembers('resque:schedules_changed')).toEqual(['plain']);
  });

  test('are left to others by a runner that only moves delayed jobs', async () => {
    await persist('plain', { class: 'A', every: '1s', queue: 'reports' });
    const engine = await start([]);
    await stage.enqueue('mail', 1);
    await engine.wait('job.finished');
    expect(await stage.redis.exists('resque:queue:reports', masterLock)).toBe(0);
  });

  test('that can not be used are reported once, each with its reason', async () => {
    await persist('json', '[');
    await persist('queue', { class: 'A', every: '1s' });
    await persist('cron', { class: 'A', cron: '0 0 * * mon%2', queue: 'q' });
    await persist('every', { class: 'A', every: '1 fortnight', queue: 'q' });
    await persist('neither', { class: 'A', cron: '', queue: 'q' });
    await persist('times', { class: 'A', every: ['1s', { times: 3 }], queue: 'q' });
    const clock = new MovableClock();
    const engine = await start([everySchedule('1s')], 'auto', clock);
    await engine.wait('schedule.failed', 6);
    const failed = engine.all('schedule.failed').map(({ name, reason }) => [name, reason] as const);
    expect(Object.fromEntries(failed)).toEqual({
      json: 'it is not a JSON object',
      queue: 'it has no "queue"; add one, because only Ruby can ask its class',
      cron: expect.stringContaining('cron: "%" (every few weeks) is not supported'),
      every: expect.stringContaining('got "1 fortnight"'),
      neither: 'it has neither "cron" nor "every"',
      times: 'the option "times" is not supported',
    });
    // They are read again.
    await persist('later', { class: 'A', every: '1s', queue: 'reports' });
    clock.move(6_000);
    await waitFor(() => engine.all('schedule.enqueued').some(({ name }) => name === 'later'), {
      message: 'it is found',
    });
    expect(engine.all('schedule.failed')).toHaveLength(6);
  });

  test('that can not be read at all do not stop those of the config', async () => {
    await stage.redis.set(persistentKey, 'x');
    const engine = await start([everySchedule('1s')]);
    await engine.wait('schedule.enqueued', 2);
    expect(engine.all('schedule.failed').map(({ name }) => name)).toEqual(['']);
  });
});

describe('beside another scheduler', () => {
  test('nothing is enqueued while that holds a lock, and what it has enqueued is not repeated', async () => {
    await stage.redis.set(leaderLock, 'node:1');
    await enqueuedAgo(3_700);
    const engine = await start([everySchedule('1h')]);
    await engine.wait('scheduler.changed');
    expect(await stage.redis.exists('resque:queue:reports')).toBe(0);
    // The other one enqueues it.
    const last = await enqueuedAgo(3_599);
    await stage.redis.del(leaderLock);
    await engine.wait('schedule.enqueued');
    expect(engine.all('schedule.enqueued')).toHaveLength(1);
    expect(lastSeconds((await stage.redis.hget(lastKey, 'nightly')) ?? '')).toBe(last + 3_600);
    expect(await queued()).toEqual([payload]);
  });

  test('of node-resque, which stands by while a runner has schedules', async () => {
    stage.mayLeaveKeys('connection_test_key');
    const scheduler = new Scheduler({
      connection: { pkg: 'ioredis', host: '127.0.0.1', port: stage.server.port },
      ...{ timeout: 20, name: 'node:1', stuckWorkerTimeout: 0 },
    } as ConstructorParameters<typeof Scheduler>[0]);
    let polls = 0;
    scheduler.on('poll', () => {
      polls += 1;
    });
    await scheduler.connect();
    try {
      const engine = await start([everySchedule('1s')]);
      await engine.wait('schedule.enqueued');
      await scheduler.start();
      await stage.redis.zadd(delayedSchedule, past, past);
      await stage.redis.rpush(`resque:delayed:${past}`, rubyItem('mail', 1));
      await engine.wait('job.finished');
      await engine.wait('schedule.enqueued', 3);
      expect(polls).toBe(0);
      expect(await stage.redis.get(leaderLock)).toBe(await stage.redis.get(masterLock));
      await engine.stop();
      await waitFor(() => polls > 0, { message: 'node-resque takes over' });
    } finally {
      await scheduler.end();
    }
  });
});

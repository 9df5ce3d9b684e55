/** A runner that moves delayed jobs: when it does, beside which others, and through which outages. */
import { describe, expect, test } from 'vitest';
import { type Clock, systemClock } from '../../../src/resque/redis/clock.ts';
import { useRedis } from '../../helpers/redis.ts';
import { staysTrue, waitFor } from '../../helpers/wait-for.ts';
import {
  leaderLock,
  masterLock,
  past,
  rubyItem,
  schedule,
  undeliverable,
} from '../../resque/delayed/stage.ts';
import { type EngineStage, type StartOptions, type TestEngine, useEngines } from '../stage.ts';

const redis = useRedis();
const stage = useEngines(redis);

async function delay(time: number, ...items: readonly string[]): Promise<void> {
  const pipeline = stage.redis.pipeline().zadd(schedule, time, time);
  for (const item of items) {
    pipeline.rpush(`resque:delayed:${time}`, item).sadd(`resque:timestamps:${item}`, `delayed:${time}`);
  }
  await pipeline.exec();
}

const redisNow = async () => Number((await stage.redis.time())[0]);
const queued = (queue = 'later') => stage.redis.llen(`resque:queue:${queue}`);
const start = (options: StartOptions = {}, its: EngineStage = stage): Promise<TestEngine> =>
  its.start([stage.runner('mail', stage.script('cat >> "$D/ran"; echo >> "$D/ran"'))], {
    scheduler: 'on',
    ...options,
  });
const jobsRun = () => stage.lines('ran').filter((line) => line !== '');
const states = (engine: TestEngine) =>
  engine.all('scheduler.changed').map(({ state, detail }) => `${state} ${detail}`.trim());

/** The system's clock, with the times of its timers. */
function recordingClock(shiftMs = 0): { readonly clock: Clock; readonly waits: number[] } {
  const waits: number[] = [];
  return {
    waits,
    clock: {
      ...systemClock,
      nowMs: () => systemClock.nowMs() + shiftMs,
      after(ms, act, options) {
        waits.push(ms);
        return systemClock.after(ms, act, options);
      },
    },
  };
}

describe('delayed jobs', () => {
  test('run as soon as they are due, and never before', async () => {
    const at = (await redisNow()) + 2;
    await delay(past, rubyItem('mail', 'overdue'));
    await delay(at, rubyItem('mail', 'later'));
    const engine = await start();
    await engine.wait('job.finished', 1);
    expect(jobsRun()).toEqual([rubyItem('mail', 'overdue')]);
    await waitFor(async () => (await stage.redis.exists(`resque:delayed:${at}`)) === 0, {
      message: 'the job is moved',
    });
    expect(await redisNow()).toBeGreaterThanOrEqual(at);
    await engine.wait('job.finished', 2);
    expect(jobsRun()).toEqual([rubyItem('mail', 'overdue'), rubyItem('mail', 'later')]);
    expect(states(engine)).toEqual(['moving']);
  });

  test('that others add later are found within a second, because no sleep is longer', async () => {
    const { clock, waits } = recordingClock();
    const engine = await start({ machine: { clock } });
    await delay((await redisNow()) + 3_600, rubyItem('mail', 'much later'));
    await delay((await redisNow()) + 2, rubyItem('mail', 1));
    await engine.wait('job.finished');
    // Others are the waits for a reply, and the pauses of a stop.
    expect(waits.filter((ms) => ms === 1_000).length).toBeGreaterThan(0);
    expect(waits.some((ms) => ms > 1 && ms < 1_000)).toBe(true);
    await stage.redis.del(
      ...(await stage.redis.keys('resque:*')).filter((key) => /:(delayed|timestamps)/.test(key)),
    );
  });

  test.each([3_600_000, -3_600_000])(
    "are due by Redis' clock if the runner's is off by %i ms",
    async (shiftMs) => {
      const now = await redisNow();
      const items = [rubyItem('mail', 1), rubyItem('later', 2)];
      await delay(now + 1, ...items.slice(0, 1));
      await delay(now + 1_800, ...items.slice(1));
      const engine = await start({ machine: { clock: recordingClock(shiftMs).clock } });
      await engine.wait('job.finished');
      expect(await redisNow()).toBeGreaterThan(now);
      expect(await stage.redis.exists(`resque:delayed:${now + 1_800}`)).toBe(1);
      expect(await queued()).toBe(0);
      await stage.redis.del(
        ...(await stage.redis.keys('resque:*')).filter((key) => /:(delayed|timestamps)/.test(key)),
      );
    },
  );

  test('stay where they are without a scheduler, which then costs nothing', async () => {
    await delay(past, rubyItem('mail', 1));
    const monitor = await stage.redis.monitor();
    const scripts: string[] = [];
    monitor.on('monitor', (_time: string, words: string[]) =>
      // Without the texts of scripts, which name keys that they don't use here.
      scripts.push(words.filter((word) => !word.includes('\\n')).join(' ')),
    );
    try {
      for (const scheduler of ['auto', 'off'] as const) {
        const engine = await start({ scheduler });
        await stage.enqueue('mail', scheduler);
        await engine.wait('job.finished');
        await staysTrue(async () => (await stage.redis.llen(`resque:delayed:${past}`)) === 1, {
          message: 'the delayed job waits',
          forMs: 1_200,
        });
        expect(engine.all('scheduler.changed')).toEqual([]);
        await engine.stop();
      }
    } finally {
      monitor.disconnect();
    }
    expect(scripts.length).toBeGreaterThan(0);
    expect(
      scripts.filter((words) => !words.startsWith('llen') && /delayed|scheduler_(master|leader)/.test(words)),
    ).toEqual([]);
    const engine = await start();
    await engine.wait('job.finished');
  });

  test("that can't be moved are reported, and kept", async () => {
    stage.mayLeaveKeys('runner:undeliverable');
    await delay(past, 'not JSON', '{}', rubyItem('mail', 1));
    const engine = await start();
    await engine.wait('job.finished');
    expect(engine.all('jobs.undeliverable').map(({ count, key }) => [count, key])).toEqual([
      [2, undeliverable],
    ]);
    expect(await stage.redis.lrange(undeliverable, 0, -1)).toEqual(['not JSON', '{}']);
  });

  test('100,000 that are due at once are all moved, while jobs of other queues run', async () => {
    stage.mayLeaveKeys('queue:later');
    const items = Array.from({ length: 100_000 }, (_, at) => rubyItem('later', at));
    for (let at = 0; at < items.length; at += 5_000)
      await delay(past + at / 5_000, ...items.slice(at, at + 5_000));
    const engine = await start();
    let ran = 0;
    while ((await queued()) < items.length) {
      await stage.enqueue('mail', ran);
      ran += 1;
      await engine.wait('job.finished', ran);
    }
    expect(ran).toBeGreaterThan(2);
    expect(await stage.redis.lrange('resque:queue:later', 0, -1)).toEqual(items);
    expect(await stage.redis.keys('resque:timestamps:*')).toEqual([]);
  }, 60_000);
});

describe('Redis', () => {
  test('may refuse the moves: that is reported once, jobs go on, and moves follow later', async () => {
    await stage.redis.set(schedule, 'x');
    const engine = await start();
    await engine.wait('scheduler.changed');
    expect(states(engine)).toEqual([`failing WRONGTYPE ${schedule} is a string, not a zset`]);
    await stage.enqueue('mail', 1);
    await engine.wait('job.finished');
    await stage.redis.del(schedule);
    await delay(past, rubyItem('mail', 2));
    await engine.wait('job.finished', 2);
    expect(states(engine).slice(1)).toEqual(['moving']);
    expect(engine.all('redis.down')).toEqual([]);
  });

  test('may lose the connections at any time', async () => {
    const engine = await start();
    for (let n = 1; n <= 5; n++) {
      await delay(past, ...Array.from({ length: 10 }, (_, at) => rubyItem('mail', n, at)));
      await stage.redis.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
      await engine.wait('redis.up', n + 1);
      await engine.wait('job.finished', 10 * n);
    }
    expect(new Set(jobsRun()).size).toBe(50);
    expect(jobsRun()).toHaveLength(50);
  });
});

describe('several runners', () => {
  test('share the work: one holds the locks, and the next takes over when it stops', async () => {
    const engines = [await start(), await start(), await start()];
    const names = engines.map(({ engine }) => engine.workerHost);
    expect(new Set(names).size).toBe(3);
    for (let left = engines.length; left > 0; left -= 1) {
      const holder = await waitFor(() => stage.redis.get(masterLock), { message: 'a runner holds the lock' });
      expect(await stage.redis.get(leaderLock)).toBe(holder);
      const at = engines.findIndex(({ engine }) => holder.startsWith(`${engine.workerHost}:`));
      const [engine] = engines.splice(at, 1);
      await delay(past, rubyItem('mail', left));
      await waitFor(() => jobsRun().length === 4 - left, { message: 'the job has run' });
      await engine?.stop();
      expect(await stage.redis.get(masterLock)).not.toBe(holder);
    }
    expect(await stage.redis.exists(masterLock, leaderLock)).toBe(0);
  });

  test('stand by while another scheduler holds a lock, and name it', async () => {
    stage.mayLeaveKeys('queue:later');
    await stage.redis.set(masterLock, 'web1:12');
    await delay(past, rubyItem('later', 1));
    const engine = await start();
    await engine.wait('scheduler.changed');
    await stage.redis.del(masterLock);
    await stage.redis.set(leaderLock, 'node2:7');
    await engine.wait('scheduler.changed', 2);
    expect(await queued()).toBe(0);
    await stage.redis.del(leaderLock);
    await engine.wait('scheduler.changed', 3);
    expect(states(engine)).toEqual(['standby web1:12', 'standby node2:7', 'moving']);
    expect(await queued()).toBe(1);
  });

  test('a stop gives the locks back although Redis has been away', async () => {
    const engine = await start();
    await waitFor(() => stage.redis.get(masterLock), { message: 'it holds the lock' });
    await stage.redis.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
    await engine.wait('redis.up', 2);
    await engine.stop();
    expect(await stage.redis.exists(masterLock, leaderLock)).toBe(0);
  });
});

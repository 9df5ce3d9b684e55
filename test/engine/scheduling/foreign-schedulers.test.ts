/** Waiting retries in the hands of others: resque-web's pages, Ruby's methods, and node-resque's scheduler. */
import { Queue, Scheduler } from 'node-resque';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { RetryPolicy } from '../../../src/config/config.ts';
import { useRedis } from '../../helpers/redis.ts';
import { waitFor } from '../../helpers/wait-for.ts';
import { RubyScheduler } from '../../resque/delayed/ruby-scheduler.ts';
import { leaderLock, schedule } from '../../resque/delayed/stage.ts';
import { type TestEngine, useEngines } from '../stage.ts';

const redis = useRedis();
const stage = useEngines(redis);
const original = '{"id":"x", "class":"Mail","args":["\\u00e9",1.50]}';
const item = '{"class":"Mail","args":["é",1.50],"queue":"mail"}';

const policy = (attempts: number, seconds: number): RetryPolicy => ({
  ...{ attempts, on: 'any', firstDelaySeconds: seconds, longestDelaySeconds: seconds, jitter: 0 },
  ...{ queue: null, classes: {} },
});

const start = (retry: RetryPolicy, scheduler: 'auto' | 'on' | 'off' = 'auto') => {
  const script = 'cat >> "$D/payloads"; echo >> "$D/payloads"; echo "$RESQUE_ATTEMPT" >> "$D/runs"; exit 1';
  return stage.start([stage.runner('mail', stage.script(script), { retry })], { scheduler });
};

async function enqueue(...payloads: readonly string[]): Promise<void> {
  await stage.redis.sadd('resque:queues', 'mail');
  await stage.redis.rpush('resque:queue:mail', ...payloads);
}

/** Starts a runner whose job has failed once. */
async function withWaiting(scheduler: 'auto' | 'on' = 'auto'): Promise<{ engine: TestEngine; time: string }> {
  const engine = await start(policy(2, 600), scheduler);
  await enqueue(original);
  const times = () => stage.redis.zrange(schedule, 0, '-1');
  await waitFor(async () => (await times()).length === 1, { message: 'the retry waits' });
  return { engine, time: (await times())[0] ?? '' };
}

async function expectSecondRun(engine: TestEngine): Promise<void> {
  await engine.wait('failure.recorded');
  expect(stage.lines('runs')).toEqual(['1', '2']);
  expect(stage.lines('payloads')).toEqual([original, original]);
  await expectNothingWaits();
  expect(await stage.redis.keys('resque:runner:retry:*')).toEqual([]);
}

async function expectNothingWaits(): Promise<void> {
  const keys = await stage.redis.keys('resque:*');
  expect(keys.filter((key) => /^resque:(delayed|timestamps)/.test(key))).toEqual([]);
}

/** The count of a canceled retry stays for a week. */
async function removeCounts(): Promise<void> {
  const counts = await stage.redis.keys('resque:runner:retry:*');
  expect(counts.length).toBeGreaterThan(0);
  await stage.redis.del(...counts);
}

describe('resque-web', () => {
  const ruby = () => new RubyScheduler(stage.redis);

  test('shows the retry and the master, and "Queue now" starts the next attempt with the exact payload', async () => {
    const { engine, time } = await withWaiting('on');
    const job = { class: 'Mail', args: ['é', 1.5], queue: 'mail' };
    expect(await ruby().delayedPage()).toEqual([[time, 1, job]]);
    expect(await ruby().masterPage()).toBe(`${engine.engine.workerHost}:${process.pid}`);
    await ruby().queueNow(time);
    await expectSecondRun(engine);
  });

  test('clears the retries, and an equal job counts on from there', async () => {
    const { engine } = await withWaiting();
    await ruby().clear();
    await expectNothingWaits();
    await enqueue(item);
    await expectSecondRun(engine);
  });
});

describe('Ruby', () => {
  test('cancels a waiting retry by its class and args', async () => {
    const { engine } = await withWaiting();
    expect(await new RubyScheduler(stage.redis).removeDelayed(item)).toBe(1);
    await expectNothingWaits();
    await enqueue('{"class":"Mail","args":["another"]}');
    await engine.wait('job.finished', 2);
    expect(stage.lines('runs')).toEqual(['1', '1']);
    expect(await new RubyScheduler(stage.redis).enqueueSelection(() => true)).toBe(1);
    await engine.wait('failure.recorded');
    await expectNothingWaits();
    await removeCounts();
  });

  test('enqueues a selection of waiting retries, and their attempts go on', async () => {
    const { engine } = await withWaiting();
    const byPrice = ([, price]: readonly unknown[]) => price === 1.5;
    expect(await new RubyScheduler(stage.redis).enqueueSelection(byPrice)).toBe(1);
    await expectSecondRun(engine);
  });
});

describe('node-resque', () => {
  const connection = () => ({ pkg: 'ioredis', host: '127.0.0.1', port: redis.port });

  test('moves retries with its own scheduler: they keep their attempts and their payload', async () => {
    stage.mayLeaveKeys('connection_test_key');
    const scheduler = new Scheduler({ connection: connection(), timeout: 20, stuckWorkerTimeout: 0 });
    const errors: unknown[] = [];
    scheduler.on('error', (error) => errors.push(error));
    let moved = 0;
    scheduler.on('transferredJob', () => {
      moved += 1;
    });
    await scheduler.connect();
    onTestFinished(async () => void (await scheduler.end()));
    await scheduler.start();
    await waitFor(() => stage.redis.get(leaderLock), { message: 'it is the leader' });
    const engine = await start(policy(3, 0));
    await enqueue(original);
    await engine.wait('failure.recorded');
    expect(stage.lines('runs')).toEqual(['1', '2', '3']);
    expect(stage.lines('payloads')).toEqual([original, original, original]);
    expect({ moved, errors }).toEqual({ moved: 2, errors: [] });
    await scheduler.end();
    await expectNothingWaits();
    expect(await stage.redis.keys('resque:runner:retry:*')).toEqual([]);
  });

  test('lists a waiting retry', async () => {
    stage.mayLeaveKeys('connection_test_key');
    const { engine, time } = await withWaiting();
    const queue = new Queue({ connection: connection() });
    await queue.connect();
    const all = await queue.allDelayed();
    await queue.end();
    expect(all).toEqual({ [Number(time) * 1_000]: [{ class: 'Mail', args: ['é', 1.5], queue: 'mail' }] });
    await new RubyScheduler(stage.redis).queueNow(time);
    await expectSecondRun(engine);
  });
});

test('a retry whose entry no longer has a policy runs once, like any other job', async () => {
  const { engine, time } = await withWaiting();
  const { config } = engine;
  engine.engine.reconfigure({ ...config, runners: config.runners.map((pool) => ({ ...pool, retry: null })) });
  await new RubyScheduler(stage.redis).queueNow(time);
  await engine.wait('failure.recorded');
  expect(stage.lines('runs')).toEqual(['1', '']);
  expect(JSON.parse((await stage.redis.lindex('resque:failed', 0)) ?? '')).not.toHaveProperty('attempts');
  await expectNothingWaits();
  await removeCounts();
});

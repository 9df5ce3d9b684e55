/** Delayed jobs beside the schedulers of node-resque and Ruby, and with runners that are killed at any moment. */
import { Redis } from 'ioredis';
import { Queue, Scheduler } from 'node-resque';
import { describe, expect, onTestFinished, test } from 'vitest';
import { useEndToEnd } from '../helpers/end-to-end.ts';
import { testConnectionName } from '../helpers/redis.ts';
import { waitFor } from '../helpers/wait-for.ts';
import { RubyScheduler } from '../resque/delayed/ruby-scheduler.ts';
import { leaderLock, masterLock, past, rubyItem, schedule } from '../resque/delayed/stage.ts';

const e2e = useEndToEnd({ timeoutMs: 90_000 });
/** node-resque tests its connection with it. */
const nodeKey = 'connection_test_key';
const config = () => ({ runners: { mail: 1 }, script: e2e.script('cat > /dev/null'), scheduler: 'on' });

async function delay(time: number, items: readonly string[]): Promise<void> {
  for (let at = 0; at < items.length; at += 1_000) {
    const pipeline = e2e.client.pipeline();
    for (const item of items.slice(at, at + 1_000)) {
      pipeline.rpush(`resque:delayed:${time}`, item).sadd(`resque:timestamps:${item}`, `delayed:${time}`);
    }
    await pipeline.zadd(schedule, time, time).exec();
  }
}

const items = (count: number, first = 0) =>
  Array.from({ length: count }, (_, at) => rubyItem('later', first + at));
/** The numbers of the jobs on the queue, whichever scheduler has written them. */
async function moved(): Promise<number[]> {
  const jobs = await e2e.client.lrange('resque:queue:later', 0, -1);
  return jobs.map((job) => (JSON.parse(job) as { args: number[] }).args[0] ?? -1);
}
const numbers = (count: number) => Array.from({ length: count }, (_, at) => at);
const holder = (lock: string) => e2e.client.get(lock);
const ascending = (all: readonly number[]) => all.toSorted((a, b) => a - b);

async function nodeScheduler(): Promise<{
  scheduler: Scheduler;
  polls: () => number;
  end: () => Promise<void>;
}> {
  const scheduler = new Scheduler({
    connection: { pkg: 'ioredis', host: '127.0.0.1', port: e2e.redis.port },
    timeout: 20,
    name: 'node.example.org:77',
    stuckWorkerTimeout: 0,
  } as ConstructorParameters<typeof Scheduler>[0]);
  let polls = 0;
  scheduler.on('poll', () => {
    polls += 1;
  });
  scheduler.on('error', (error) => {
    throw error;
  });
  await scheduler.connect();
  await scheduler.start();
  let hasEnded = false;
  const end = async () => {
    if (hasEnded) return;
    hasEnded = true;
    await scheduler.end();
  };
  onTestFinished(end);
  return { scheduler, polls: () => polls, end };
}

function rubyScheduler(): { scheduler: RubyScheduler; end: () => Promise<void> } {
  const connection = new Redis({
    ...{ host: '127.0.0.1', port: e2e.redis.port, connectionName: testConnectionName },
    ...{ protocol: 2, disableClientInfo: true },
  });
  onTestFinished(() => connection.disconnect());
  const scheduler = new RubyScheduler(connection);
  return { scheduler, end: () => scheduler.end() };
}

describe("node-resque's scheduler", () => {
  test('stands by beside a runner that holds the locks, and takes over when it stops', async () => {
    e2e.mayLeaveKeys('queue:later', nodeKey);
    const runner = await e2e.run(config());
    await waitFor(() => holder(leaderLock), { message: 'the runner holds the locks' });
    const { polls, end } = await nodeScheduler();
    await delay(past, items(500));
    await waitFor(async () => (await moved()).length === 500, { message: 'the jobs are moved' });
    expect(polls()).toBe(0);
    runner.signal('SIGTERM');
    await runner.exit;
    expect(await holder(masterLock)).toBeNull();
    await delay(past, items(500, 500));
    await waitFor(async () => (await moved()).length === 1_000, {
      message: 'node-resque has moved the rest',
    });
    expect(await moved()).toEqual(numbers(1_000));
    expect(polls()).toBeGreaterThan(0);
    await end();
  });

  test('keeps a runner waiting while it is the leader', async () => {
    e2e.mayLeaveKeys('queue:later', nodeKey);
    const { end } = await nodeScheduler();
    await waitFor(() => holder(leaderLock), { message: 'node-resque is the leader' });
    const runner = await e2e.run(config());
    const { message } = await runner.waitForLine('scheduler.changed');
    expect(message).toContain('stands by, because node.example.org:77 moves delayed jobs');
    await delay(past, items(200));
    await waitFor(async () => (await moved()).length === 200, { message: 'node-resque has moved the jobs' });
    await end();
    await delay(past, items(200, 200));
    await waitFor(async () => (await moved()).length === 400, { message: 'the runner has moved the rest' });
    expect(await moved()).toEqual(numbers(400));
    // The log is read from a pipe, after Redis.
    await runner.waitForLine('scheduler.changed', ({ message: text }) => text !== message);
    const told = runner.lines.filter(({ event }) => event === 'scheduler.changed').slice(1);
    expect(told.map((line) => line.message)).toEqual([
      expect.stringContaining('moves delayed jobs to their queues'),
    ]);
  });

  test('started and stopped again and again beside runners, no job is lost or moved twice', async () => {
    e2e.mayLeaveKeys('queue:later', nodeKey);
    const count = 6_000;
    await delay(past, items(count));
    for (let round = 0; (await moved()).length < count; round += 1) {
      const before = (await moved()).length;
      const { end } = await nodeScheduler();
      const runner = await e2e.run(config());
      await waitFor(async () => (await moved()).length > before, { message: 'jobs are moved' });
      if (round % 2 === 0) {
        await end();
        runner.signal('SIGTERM');
      } else {
        runner.signal('SIGTERM');
        await end();
      }
      await runner.exit;
    }
    expect(ascending(await moved())).toEqual(numbers(count));
    expect(await e2e.client.keys('resque:timestamps:*')).toEqual([]);
    expect(await e2e.client.zcard(schedule)).toBe(0);
  });

  test("sees a runner's jobs as its own: it lists, finds and cancels them", async () => {
    e2e.mayLeaveKeys(nodeKey);
    const queue = new Queue({ connection: { pkg: 'ioredis', host: '127.0.0.1', port: e2e.redis.port } });
    await queue.connect();
    try {
      const time = 4_000_000_000;
      await queue.enqueueAt(time * 1_000, 'mail', 'SendMail', [1]);
      await delay(time, [rubyItem('mail', 2)]);
      expect(await queue.allDelayed()).toEqual({
        [time * 1_000]: [
          { class: 'SendMail', queue: 'mail', args: [1] },
          { class: 'SendMail', args: [2], queue: 'mail' },
        ],
      });
      expect(await queue.scheduledAt('mail', 'SendMail', [1])).toEqual([time]);
      expect(await queue.delDelayed('mail', 'SendMail', [1])).toEqual([time]);
      await new RubyScheduler(e2e.client).removeDelayed(rubyItem('mail', 2));
      expect(await e2e.client.keys('resque:*')).toEqual(['resque:connection_test_key']);
    } finally {
      await queue.end();
    }
  });
});

describe('resque-scheduler', () => {
  test('stands by beside a runner that holds the locks, and moves the rest after it', async () => {
    e2e.mayLeaveKeys('queue:later');
    const { scheduler, end } = rubyScheduler();
    const runner = await e2e.run(config());
    await waitFor(() => holder(masterLock), { message: 'the runner holds the locks' });
    await delay(past, items(300));
    expect(await scheduler.moveDue()).toBe(0);
    await waitFor(async () => (await moved()).length === 300, { message: 'the runner has moved the jobs' });
    runner.signal('SIGTERM');
    await runner.exit;
    await delay(past, items(300, 300));
    expect(await scheduler.moveDue()).toBe(300);
    expect(await moved()).toEqual(numbers(600));
    await end();
  });

  test('taking turns with runners, no job is lost or moved twice', async () => {
    e2e.mayLeaveKeys('queue:later');
    const count = 3_000;
    const { scheduler, end } = rubyScheduler();
    await delay(past, items(count));
    let byRuby = 0;
    while ((await moved()).length < count) {
      const runner = await e2e.run(config());
      await waitFor(() => holder(masterLock), { message: 'the runner holds the locks' });
      // Its end comes in the middle of Ruby's attempts.
      runner.signal('SIGTERM');
      for (let batch = 0; batch < 20; batch += 1) byRuby += await scheduler.moveDue(1);
      await end();
      await runner.exit;
    }
    expect(ascending(await moved())).toEqual(numbers(count));
    expect(byRuby).toBeLessThan(count);
    expect(await e2e.client.zcard(schedule)).toBe(0);
  });
});

test('a runner that is killed again and again loses no job, and moves none twice', async () => {
  e2e.mayLeaveKeys('queue:later');
  const count = 15_000;
  await delay(past, items(count));
  let kills = 0;
  while ((await e2e.client.llen('resque:queue:later')) < count) {
    // The locks of a killed runner last for a minute.
    await e2e.client.del(masterLock, leaderLock);
    const before = await e2e.client.llen('resque:queue:later');
    const runner = await e2e.run(config(), { isProgram: true });
    await waitFor(
      async () => (await e2e.client.llen('resque:queue:later')) > before + 3_000 * Math.random(),
      {
        message: 'jobs are moved',
      },
    ).catch((error: unknown) => {
      if (kills === 0) throw error;
    });
    if ((await e2e.client.llen('resque:queue:later')) < count) {
      runner.signal('SIGKILL');
      await runner.exit;
      kills += 1;
    }
  }
  expect(kills).toBeGreaterThan(0);
  expect(await moved()).toEqual(numbers(count));
  expect(await e2e.client.keys('resque:timestamps:*')).toEqual([]);
});

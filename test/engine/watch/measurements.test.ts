/** Statistics of queues, published while a client watches. */
import { expect, test } from 'vitest';
import type { QueueStatistics } from '../../../src/protocol/statistics.ts';
import { MovableClock } from '../../helpers/movable-clock.ts';
import { useRedis } from '../../helpers/redis.ts';
import { waitFor } from '../../helpers/wait-for.ts';
import { type TestEngine, useEngines } from '../stage.ts';

const stage = useEngines(useRedis());

/** The latest of a queue. */
function statisticsOf(engine: TestEngine, wanted: string): QueueStatistics | undefined {
  const all = engine.all('queues.measured').flatMap(({ queues }) => queues);
  return all.findLast(({ queue }) => queue === wanted)?.statistics;
}

async function startWithClock(key: string, body = ':') {
  const clock = new MovableClock();
  const engine = await stage.start([stage.runner(key, stage.script(body))], { machine: { clock } });
  return { clock, engine };
}

/** Waits until the statistics of a queue are as wanted. */
async function waitForStatistics(
  { engine, clock }: { readonly engine: TestEngine; readonly clock: MovableClock },
  queue: string,
  isAsWanted: (statistics: QueueStatistics | undefined) => boolean,
): Promise<void> {
  await waitFor(
    () => {
      clock.move(100);
      return isAsWanted(statisticsOf(engine, queue));
    },
    { message: () => `the statistics: ${JSON.stringify(statisticsOf(engine, queue))}`, timeoutMs: 10_000 },
  );
}

/** Jobs of php-resque. */
async function enqueueAt(queue: string, ...times: readonly number[]): Promise<void> {
  await stage.redis.sadd('resque:queues', queue);
  const payloads = times.map((ms) =>
    JSON.stringify({ class: 'Job', args: [{}], id: 'f3a1', queue_time: ms / 1_000 }),
  );
  await stage.redis.rpush(`resque:queue:${queue}`, ...payloads);
}

test('begin with all queues that have worked, and continue with those that change', async () => {
  const started = await startWithClock('mail,news', 'case $RESQUE_QUEUE in news) exit 1;; esac');
  const { engine, clock } = started;
  await enqueueAt('mail', clock.nowMs() - 90_000);
  await stage.enqueue('news', 1);
  stage.mayLeaveKeys('failed');
  await engine.wait('job.finished', 2);
  expect(engine.all('queues.measured')).toEqual([]);

  const end = engine.engine.watch();
  expect(engine.all('queues.measured').flatMap(({ queues }) => queues.map(({ queue }) => queue))).toEqual([
    'mail',
    'news',
  ]);
  const mail = statisticsOf(engine, 'mail')?.windows?.sinceStart;
  expect(mail).toMatchObject({ started: 1, finished: 1, failed: 0, duration: { maxMs: expect.any(Number) } });
  expect(mail?.wait?.maxMs).toBeGreaterThanOrEqual(90_000);
  expect(mail?.wait?.maxMs).toBeLessThan(120_000);
  const news = statisticsOf(engine, 'news')?.windows?.lastMinute;
  expect(news).toMatchObject({ finished: 1, failed: 1, wait: null });

  await stage.enqueue('mail', 2);
  await waitForStatistics(started, 'mail', (now) => now?.windows?.sinceStart.finished === 2);
  end();
  const count = engine.all('queues.measured').length;
  await stage.enqueue('mail', 3);
  await engine.wait('job.finished', 4);
  clock.move(2_000);
  expect(engine.all('queues.measured')).toHaveLength(count);
});

test('the steps of the last hour can be read at any time', async () => {
  const { engine, clock } = await startWithClock('mail');
  await stage.enqueue('mail', 1, 2);
  await engine.wait('job.finished', 2);
  clock.move(60_000);
  const reply = await engine.do({ type: 'read-statistics', queue: 'mail' });
  expect(reply).toMatchObject({ ok: true, data: { kind: 'statistics', stepMs: 60_000 } });
  const steps = reply.ok && reply.data?.kind === 'statistics' ? reply.data.steps : [];
  expect(steps.reduce((sum, { finished }) => sum + finished, 0)).toBe(2);
  expect(steps.length).toBeGreaterThan(1);
});

test('of a queue with waiting jobs say how old the oldest is, and how long they will take', async () => {
  const started = await startWithClock('mail');
  const { engine, clock } = started;
  await stage.enqueue('mail', 1);
  await engine.wait('job.finished');
  const end = engine.engine.watch();
  await waitForStatistics(started, 'mail', (now) => now?.drainMs === 0 && now.oldest === null);
  await engine.do({ type: 'pause-queue', queue: 'mail' });
  await stage.waitForNoWait();
  stage.mayLeaveKeys('queue:mail');

  // Its payload doesn't say when it came, but the queue was empty before.
  const beforeMs = clock.nowMs();
  await stage.enqueue('mail', 1, 2);
  await waitForStatistics(started, 'mail', (now) => now?.oldest?.isKnown === false);
  expect(statisticsOf(engine, 'mail')?.oldest?.sinceMs).toBeGreaterThan(beforeMs - 10_000);
  expect(statisticsOf(engine, 'mail')?.drainMs).toBeGreaterThan(0);

  // The next one says it.
  const atMs = clock.nowMs();
  await enqueueAt('mail', atMs);
  await stage.redis.ltrim('resque:queue:mail', 2, -1);
  await waitForStatistics(started, 'mail', (now) => now?.oldest?.isKnown === true);
  expect(statisticsOf(engine, 'mail')?.oldest?.sinceMs).toBe(atMs);

  // Nothing finishes for a minute.
  clock.move(60_000);
  await waitForStatistics(started, 'mail', (now) => now?.drainMs === null);
  await stage.redis.del('resque:queue:mail');
  await waitForStatistics(started, 'mail', (now) => now?.oldest === null);
  end();
});

test('what the last watch knew of a queue is corrected by the next one', async () => {
  const started = await startWithClock('mail');
  const { engine, clock } = started;
  await engine.do({ type: 'pause-all' });
  await stage.waitForNoWait();
  const atMs = clock.nowMs() - 5_000;
  await enqueueAt('mail', atMs);
  const end = engine.engine.watch();
  await waitForStatistics(started, 'mail', (now) => now?.oldest?.sinceMs === atMs);
  end();
  await stage.redis.del('resque:queue:mail');
  const endAgain = engine.engine.watch();
  expect(statisticsOf(engine, 'mail')?.oldest).toBeNull();
  endAgain();
});

test('a job that is too large to be read, and a key that is not a list, are left alone', async () => {
  const started = await startWithClock('large,odd,small');
  const { engine, clock } = started;
  await engine.do({ type: 'pause-all' });
  await stage.waitForNoWait();
  stage.mayLeaveKeys('queue:large', 'queue:odd', 'queue:small');
  const atMs = clock.nowMs() - 5_000;
  const payload = (padding: string) =>
    JSON.stringify({ class: 'Job', args: [padding], enqueued_at: atMs / 1_000 });
  await stage.redis.rpush('resque:queue:large', payload('x'.repeat(20_000)));
  await stage.redis.set('resque:queue:odd', 'text');
  await stage.redis.rpush('resque:queue:small', payload('x'));
  const end = engine.engine.watch();
  await waitForStatistics(started, 'small', (now) => now?.oldest?.sinceMs === atMs);
  expect(statisticsOf(engine, 'large')).toBeUndefined();
  expect(statisticsOf(engine, 'odd')).toBeUndefined();
  end();
});

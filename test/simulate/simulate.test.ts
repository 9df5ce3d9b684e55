/** Schedules of the simulator, and that it sees what is wrong: see simulate/README.md. */
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { checkEnd } from '../../simulate/checker.ts';
import { readDump } from '../../simulate/dump.ts';
import type { Run, Runner } from '../../simulate/job-book.ts';
import { makeSchedule } from '../../simulate/make-schedule.ts';
import { RealRedis } from '../../simulate/real-redis.ts';
import { runSchedule } from '../../simulate/run-schedule.ts';
import type { Schedule } from '../../simulate/schedule.ts';
import { shrink } from '../../simulate/shrink.ts';
import { brokenRecords } from '../../simulate/wire.ts';
import { World } from '../../simulate/world.ts';

let redis: RealRedis;

beforeAll(async () => {
  redis = await RealRedis.start();
});
afterAll(() => redis.stop());

/** Enough to see a broken rule of the engine: `npm run simulate` runs thousands. `npm run test:quick` runs fewer. */
const scheduleCount = process.env.RR_TEST_QUICK === undefined ? 14 : 10;

test(`what is promised holds in ${scheduleCount} simulated schedules of jobs and faults`, async () => {
  const broken: string[] = [];
  let runs = 0;
  for (let seed = 1; seed <= scheduleCount; seed += 1) {
    const result = await runSchedule(makeSchedule(seed), redis);
    runs += result.runs;
    broken.push(...result.violations.map((what) => `seed ${seed}: ${what}`));
  }
  expect(broken).toEqual([]);
  expect(runs).toBeGreaterThan(scheduleCount);
}, 120_000);

/** As they were found, made smaller, and kept since the fault is gone. */
const found = fileURLToPath(new URL('found/', import.meta.url));

test.each(readdirSync(found))('what is promised holds in a schedule that once broke it: %s', async (name) => {
  const schedule = JSON.parse(readFileSync(`${found}${name}`, 'utf8')) as Schedule;
  const { violations } = await runSchedule(schedule, redis);
  expect(violations).toEqual([]);
});

test('jobs that run while Redis comes back older count for their limit again', async () => {
  const entry = { key: 'a', concurrency: 2, delivery: 'at-most-once', interrupted: 'fail' } as const;
  const job = (id: string, ms: number) => ({ id, ms, end: 'success', shape: 'plain' }) as const;
  const schedule: Schedule = {
    ...{ seed: 5, seats: [0, 1].map(() => ({ host: 'm0', machine: 'm0', isContainer: false })) },
    ...{ reusesPids: false, hidesPrograms: false, maxRecoveries: 1, latency: { lowMs: 0.1, highMs: 5 } },
    configs: [[{ ...entry, limit: 2, rate: null }]],
    steps: [
      { atMs: 1_500, kind: 'redis', fault: { kind: 'snapshot' } },
      { atMs: 2_000, kind: 'enqueue', queue: 'a', jobs: [job('j1', 12_000), job('j2', 11_000)] },
      { atMs: 3_000, kind: 'redis', fault: { kind: 'roll-back', isRestart: true } },
      { atMs: 3_500, kind: 'enqueue', queue: 'a', jobs: [job('j3', 2_000)] },
    ],
  };
  const { violations, runs } = await runSchedule(schedule, redis);
  expect(violations).toEqual([]);
  expect(runs).toBe(3);
});

test('a schedule is the same each time that it runs, down to each command', async () => {
  for (const seed of [2, 3]) {
    const [first, second] = [makeSchedule(seed), makeSchedule(seed)];
    expect(second).toEqual(first);
    const { trace } = await runSchedule(first, redis);
    expect(trace.length).toBeGreaterThan(100);
    expect((await runSchedule(second, redis)).trace).toEqual(trace);
  }
});

describe('it sees', () => {
  const quiet: Schedule = { ...makeSchedule(1), steps: [] };
  const plan = { id: 'j1', ms: 5, end: 'success', shape: 'plain' } as const;

  test('a job that is lost', async () => {
    const world = new World(quiet, redis);
    try {
      await world.run();
      world.book.add(plan, 'a', 0).isEnqueued = true;
      expect(await checkEnd(world)).toEqual(['j1 is lost']);
    } finally {
      world.dispose();
    }
  });

  test('a key that a stop leaves, and counters that say something else than the failures', async () => {
    const world = new World(quiet, redis);
    try {
      await world.run();
      await redis.admin.call('RPUSH', 'resque:failed', '{"payload":[]}');
      await redis.admin.call('SET', 'resque:worker:h:1-0:a', '');
      expect(await checkEnd(world)).toEqual([
        'stat:failed is 0, of 1 failures',
        'stat:processed is 0, and should be 1',
        'a key is left after a clean stop: resque:worker:h:1-0:a',
      ]);
    } finally {
      world.dispose();
    }
  });

  test.each([
    [{ attempt: 2, dueMs: 1_000_000 }, 'too early'],
    [{ attempt: 3, dueMs: 0 }, 'as attempt 3, and should be 2'],
    [{ attempt: 5, dueMs: 0 }, 'as attempt 5, of at most 4'],
  ])('a retry that is not the next one, or comes early: %j', async ({ attempt, dueMs }, what) => {
    const policy = {
      attempts: 4,
      on: 'any',
      firstDelaySeconds: 1,
      longestDelaySeconds: 1,
      jitter: 0,
    } as const;
    const entries = quiet.configs[0]?.map((entry) => ({
      ...entry,
      retry: { ...policy, queue: null, classes: {} },
    }));
    const world = new World({ ...quiet, configs: [entries ?? []] }, redis);
    try {
      const job = world.book.add(plan, 'a', 0);
      const process = {
        ...{ name: 'r0', load: { starts: 0 }, programs: { running: new Map() }, limits: new Map([['a', 1]]) },
        pausedQueues: new Set(),
      } as unknown as Runner;
      const run = { job, process, entry: 'a', attempt: 1, outcome: 'retry', writtenMs: 1, dueMs } as Run;
      job.runs.push(run);
      world.witness.starting({ ...run, attempt, outcome: null }, 'a');
      expect(world.log.violations.join()).toContain(what);
    } finally {
      world.dispose();
    }
  });

  test('records that other programs of Resque choke on', async () => {
    await redis.reset();
    const { admin } = redis;
    await admin.call('RPUSH', 'resque:failed', '{"payload":[]}', '');
    await admin.call(
      'SET',
      'resque:worker:h:1-0:a',
      '{"queue":"a","run_at":"2026-01-01T00:00:00Z","payload":null}',
    );
    await admin.call('SET', 'resque:worker:h:1-0:a:started', 'just now');
    await admin.call('SADD', 'resque:workers', 'h:1');
    await admin.call('HSET', 'resque:workers:heartbeat', 'h:1-0:a', '1767225600');
    const broken = brokenRecords(await readDump(admin), new Set());
    expect(broken.map((what) => what.split(': ')[0])).toEqual([
      'resque:failed has a bad record',
      'resque:failed has a bad record',
      'resque:worker:h:1-0:a is a bad record',
      'resque:worker:h:1-0:a:started is no time',
      'resque:workers has a bad id',
      'resque:workers:heartbeat has a bad time',
    ]);
    expect(brokenRecords(await readDump(admin), new Set(['resque:failed']))).toHaveLength(4);
  });

  test('a promise that a job breaks, and makes the schedule smaller', async () => {
    // No entry has this queue: nobody ever runs what is on it.
    const lonely = { ...plan, id: 'j9' };
    const schedule: Schedule = {
      ...makeSchedule(2),
      steps: [
        { atMs: 60, kind: 'enqueue', queue: 'a', jobs: [plan] },
        { atMs: 70, kind: 'enqueue', queue: 'nobody', jobs: [lonely] },
        { atMs: 80, kind: 'pause-everyone', forMs: 5 },
      ],
    };
    const result = await runSchedule(schedule, redis);
    expect(result.violations).toEqual(['there is still something to do: resque:queue:nobody']);
    const smaller = await shrink(schedule, result, redis);
    expect(smaller.result.violations).toEqual(result.violations);
    expect(smaller.schedule.steps).toEqual([schedule.steps[1]]);
  });
});

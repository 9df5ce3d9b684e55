import { describe, expect, test } from 'vitest';
import type { PauseReason } from '../../src/protocol/events.ts';
import { recentFailuresLimit } from '../../src/protocol/snapshot.ts';
import {
  failuresPerSecond,
  findJob,
  isChanged,
  jobsOf,
  poolOf,
  queueStatus,
  runningCounts,
  slotsInUse,
  totalSlots,
} from '../../src/store/selectors.ts';
import {
  after,
  engineStarted,
  failure,
  jobFinished,
  jobStarted,
  queueAdded,
  snapshotOf,
  startMs,
} from './sample-events.ts';

const busy = snapshotOf(
  engineStarted,
  queueAdded('mail'),
  queueAdded('video'),
  queueAdded('mail_low', 'mail'),
  jobStarted('b', { startedAtMs: startMs + 5 }),
  jobStarted('7', { startedAtMs: startMs + 9 }),
  jobStarted('z', { startedAtMs: startMs + 9 }),
  jobStarted('10', { startedAtMs: startMs + 9 }),
  jobStarted('c', { queue: 'video', runner: 'video' }),
  jobStarted('d', { queue: 'mail_low', startedAtMs: startMs + 2 }),
  jobFinished('c'),
);
const [mail, video] = busy.queues;
if (mail === undefined || video === undefined) throw new Error('the sample has no queues');

describe('running jobs', () => {
  test('of a queue are sorted by start, then by id', () => {
    expect(jobsOf(busy, 'mail').map(({ id }) => id)).toEqual(['b', '7', 'z', '10']);
    expect(jobsOf(busy, 'video')).toEqual([]);
    expect(jobsOf(busy, 'unheard')).toEqual([]);
  });

  test('are counted by queue', () => {
    expect([...runningCounts(busy)].sort()).toEqual([
      ['mail', 4],
      ['mail_low', 1],
    ]);
  });

  test('use slots of their pool, from any of its queues', () => {
    expect(slotsInUse(busy, 'mail')).toBe(5);
    expect(slotsInUse(busy, 'video')).toBe(0);
    expect(slotsInUse(busy, 'unheard')).toBe(0);
    expect(totalSlots(busy)).toEqual({ used: 5, total: 5 });
  });
});

test('a job is found while it runs and after, and by no inherited name', () => {
  expect(findJob(busy, 'b')).toBe(busy.jobs.find(({ id }) => id === 'b'));
  expect(findJob(busy, 'c')).toMatchObject({ id: 'c', outcome: 'succeeded' });
  expect(findJob(busy, '404')).toBeNull();
  // As it comes over the link, an object like any other.
  const copy: typeof busy = JSON.parse(JSON.stringify(busy));
  expect(findJob(copy, 'constructor')).toBeNull();
});

test("a queue's pool is the entry that gives it slots", () => {
  expect(poolOf(busy, mail)).toEqual({
    key: 'mail',
    concurrency: 2,
    configuredConcurrency: 2,
    throttled: null,
  });
  expect(poolOf(after(busy, { type: 'runner.removed', runner: 'mail' }), mail)).toBeNull();
});

test('a pool is changed if the config has another number of slots', () => {
  expect(isChanged({ key: 'a', concurrency: 2, configuredConcurrency: 2, throttled: null })).toBe(false);
  expect(isChanged({ key: 'a', concurrency: 3, configuredConcurrency: 2, throttled: null })).toBe(true);
});

describe('the status of a queue', () => {
  const runner = poolOf(busy, mail);
  const { engine } = busy;
  if (engine === null) throw new Error('the sample has no engine');
  const stopping = { ...engine, stopping: 'quit' } as const;
  const stopped = { ...stopping, isStopped: true };
  const pausedFor = (...kinds: PauseReason['kind'][]) => ({
    ...mail,
    pauses: kinds.map((kind) => ({ kind, detail: '', sinceMs: 1 })),
  });

  test.each([
    ['running', mail, runner, 1, engine],
    ['idle', mail, runner, 0, engine],
    ['idle', mail, runner, 0, null],
    ['paused', pausedFor('operator'), runner, 0, engine],
    ['paused', pausedFor('all', 'cluster'), runner, 0, engine],
    ['draining', pausedFor('operator'), runner, 2, engine],
    ['unstartable', pausedFor('operator', 'unstartable'), runner, 0, engine],
    ['unstartable', pausedFor('unreadable', 'unstartable'), runner, 1, stopping],
    ['unreadable', pausedFor('unreadable', 'operator'), runner, 3, engine],
    ['draining', mail, runner, 1, stopping],
    ['draining', mail, runner, 0, stopping],
    ['paused', mail, runner, 0, stopped],
    ['paused', mail, null, 0, engine],
    ['draining', mail, null, 1, engine],
  ] as const)('%s', (status, queue, ofRunner, running, ofEngine) => {
    expect(queueStatus(queue, ofRunner, running, ofEngine)).toBe(status);
  });
});

describe('failures per second', () => {
  const failed = (count: number, everyMs: number) => ({
    ...busy,
    failures: Array.from({ length: count }, (_, at) => ({
      atMs: startMs + 60_000 - at * everyMs,
      failure: failure(),
    })),
  });

  test('cover the last 10 seconds', () => {
    expect(failuresPerSecond(failed(30, 1_000), startMs + 60_000)).toBeCloseTo(1);
    expect(failuresPerSecond(failed(30, 1_000), startMs + 65_000)).toBeCloseTo(0.5);
    expect(failuresPerSecond(failed(30, 1_000), startMs + 80_000)).toBe(0);
    expect(failuresPerSecond(busy, startMs)).toBe(0);
  });

  test('count more than the listed ones if the list is too short for 10 seconds', () => {
    expect(failuresPerSecond(failed(recentFailuresLimit, 10), startMs + 60_000)).toBeCloseTo(100, -1);
  });

  test('cover the time since the start if that is shorter', () => {
    const young = { ...failed(4, 1_000), engine: { ...engineStarted, startedAtMs: startMs + 56_000 } };
    const engine = { ...young.engine, stopping: null, isStopped: false };
    expect(failuresPerSecond({ ...young, engine }, startMs + 60_000)).toBeCloseTo(1);
  });

  test('are 0 after the clock was set back', () => {
    expect(failuresPerSecond(failed(5, 100), startMs)).toBe(0);
  });
});

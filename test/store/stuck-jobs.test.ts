import { expect, test } from 'vitest';
import type { RunningJob, Snapshot } from '../../src/protocol/snapshot.ts';
import type { Spread, WindowStatistics } from '../../src/protocol/statistics.ts';
import { stuckJob } from '../../src/store/selectors.ts';
import { engineStarted, job, jobStarted, queueAdded, snapshotOf, startMs } from './sample-events.ts';

const minuteMs = 60_000;

/** A queue of which jobs have finished, and one job that started with the engine. */
function stateWith(finished: number, duration: Spread | null): Snapshot {
  const window: WindowStatistics = {
    ...{ started: finished + 1, finished, failed: 0, retried: 0, requeued: 0, snoozed: 0 },
    ...{ perMinute: 1, duration, wait: null },
  };
  const windows = { lastMinute: window, last15Minutes: window, sinceStart: window };
  const snapshot = snapshotOf(engineStarted, queueAdded('mail'), jobStarted('1', { startedAtMs: startMs }));
  const statistics = { windows, drainMs: null, oldest: null };
  return { ...snapshot, queues: snapshot.queues.map((queue) => ({ ...queue, statistics })) };
}

function runningJob(printedAtMs: number | null): RunningJob {
  const lastLine = printedAtMs === null ? null : { stream: 'stdout' as const, text: 'x', atMs: printedAtMs };
  return { ...job('1', { startedAtMs: startMs }), lastLine, killed: null };
}

const spread = { p50Ms: 1_000, p95Ms: 10 * minuteMs, maxMs: 20 * minuteMs };
const known = stateWith(20, spread);

test('a job looks stuck if it is silent for 5 minutes and runs longer than 95 % of its queue', () => {
  const at = (minutes: number) => startMs + minutes * minuteMs;
  expect(stuckJob(known, runningJob(null), at(11))).toEqual({ silentMs: 11 * minuteMs, p95Ms: spread.p95Ms });
  expect(stuckJob(known, runningJob(at(2)), at(11))).toEqual({ silentMs: 9 * minuteMs, p95Ms: spread.p95Ms });
  // Not silent for long, or not longer than usual.
  expect(stuckJob(known, runningJob(at(7)), at(11))).toBeNull();
  expect(stuckJob(known, runningJob(null), at(10))).toBeNull();
});

test('nothing looks stuck if too little is known about its queue', () => {
  const nowMs = startMs + 60 * minuteMs;
  const older = known.queues.map((queue) => {
    const { statistics: _, ...rest } = queue;
    return rest;
  });
  const unknown = { ...known, queues: older };
  for (const state of [stateWith(19, spread), stateWith(0, null), unknown, { ...known, queues: [] }]) {
    expect(stuckJob(state, runningJob(null), nowMs)).toBeNull();
  }
});

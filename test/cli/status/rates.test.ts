/** Rates: between two reads from the counters; in one read, the average since the start; otherwise unknown. */
import { expect, test } from 'vitest';
import type { QueueStatus, StatusDocument } from '../../../src/cli/status/document.ts';
import { survey } from '../../../src/cli/status/survey.ts';
import { resqueKeys } from '../../../src/resque/format/keys.ts';
import { readWorkerId } from '../../../src/resque/format/worker-id.ts';
import type { StatusFacts } from '../../../src/resque/workers/read-status.ts';
import type { WorkerFacts } from '../../../src/resque/workers/registry.ts';

const startMs = Date.parse('2026-11-24T15:00:00Z');

function worker(id: string, changes: Partial<WorkerFacts> = {}): WorkerFacts {
  return {
    id,
    about: readWorkerId(id),
    record: null,
    isRecordCut: false,
    wrongRecordType: null,
    startedAtMs: startMs - 600_000,
    seenAtMs: startMs,
    isPinging: false,
    processed: 0,
    failed: 0,
    ...changes,
  };
}

/** @param atSeconds since `startMs` */
function facts(atSeconds: number, processed: number | null, workers: readonly WorkerFacts[]): StatusFacts {
  const names = new Set(workers.flatMap(({ about }) => about.queues.split(',')));
  return {
    nowMs: startMs + atSeconds * 1_000,
    isPaused: false,
    processed,
    failed: 0,
    failures: 0,
    queues: [...names].map((name) => ({ name, backlog: 0 })),
    workers,
    runners: new Map(),
    held: [],
    connections: null,
    delayed: null,
    schedulers: { master: null, leader: null },
    wrongTypes: [],
  };
}

function look(now: StatusFacts, before: StatusFacts | null): StatusDocument {
  const keys = resqueKeys('resque');
  return survey(now, before, {
    redis: '',
    namespace: 'resque',
    keys,
    here: { identity: { machine: '' }, presenceOf: () => 'unknown' },
    local: new Map(),
    schedules: null,
  });
}

function queue({ queues }: StatusDocument, name: string): QueueStatus | undefined {
  return queues.find((each) => each.name === name);
}

test('one read gives only the average since the start', () => {
  const mail = ['a:1:mail', 'a:2:mail'].map((id) => worker(id, { processed: 100 }));
  const document = look(facts(0, 500, [...mail, worker('a:3:low,high', { processed: 50 })]), null);
  expect(document.totals.jobsPerSecond).toBeNull();
  expect(document.processes.map(({ jobsPerMinute }) => jobsPerMinute)).toEqual([10, 10, 5]);
  expect(document.processes.map(({ jobsPerSecond }) => jobsPerSecond)).toEqual([null, null, null]);
  expect(queue(document, 'mail')).toMatchObject({ jobsPerMinute: 20, jobsPerSecond: null });
});

test('a worker with several queues leaves the rates of these queues unknown', () => {
  const mail = [worker('a:1:mail', { processed: 100 }), worker('a:2:mail,low', { processed: 100 })];
  const document = look(facts(2, 0, mail), facts(0, 0, mail));
  expect(queue(document, 'mail')).toMatchObject({ jobsPerMinute: null, jobsPerSecond: null });
  expect(queue(document, 'low')).toMatchObject({ jobsPerMinute: null, jobsPerSecond: null });
  expect(document.processes).toMatchObject([{ jobsPerSecond: 0 }, { jobsPerSecond: 0 }]);
});

test('the average is unknown within the first second, without a start time and without a valid counter', () => {
  const workers = [
    worker('a:1:q', { startedAtMs: startMs - 500, processed: 3 }),
    worker('a:2:r', { startedAtMs: null, processed: 3 }),
    worker('a:3:s', { processed: null }),
  ];
  const document = look(facts(0, 0, workers), null);
  expect(document.processes.map(({ jobsPerMinute }) => jobsPerMinute)).toEqual([null, null, null]);
  expect(document.queues.map(({ jobsPerMinute }) => jobsPerMinute)).toEqual([null, null, null]);
});

test('two reads give the rates of totals, processes and queues', () => {
  const before = facts(0, 1_000, [
    worker('a:1-0:mail', { processed: 10 }),
    worker('a:1-1:mail', { processed: 20 }),
    worker('a:1-0:low', { processed: 1 }),
  ]);
  const now = facts(4, 1_040, [
    worker('a:1-0:mail', { processed: 14 }),
    worker('a:1-1:mail', { processed: 30 }),
    worker('a:1-0:low', { processed: 3 }),
  ]);
  const document = look(now, before);
  expect(document.totals.jobsPerSecond).toBe(10);
  expect(document.processes).toMatchObject([{ name: 'a:1', jobsPerSecond: 4 }]);
  expect(queue(document, 'mail')).toMatchObject({ jobsPerSecond: 3.5 });
  expect(queue(document, 'low')).toMatchObject({ jobsPerSecond: 0.5 });
});

test('a worker that started in between counts from its start', () => {
  const before = facts(0, 0, [worker('a:1-0:mail', { processed: 10 })]);
  const now = facts(2, 0, [
    worker('a:1-0:mail', { processed: 12 }),
    worker('a:1-1:mail', { processed: 4, startedAtMs: startMs + 1_000 }),
  ]);
  expect(look(now, before).processes).toMatchObject([{ jobsPerSecond: 3 }]);
});

test('a worker that has left in between leaves the rates of its process and queue unknown', () => {
  const others = [worker('b:5:mail', { processed: 5 }), worker('b:6:low', { processed: 5 })];
  const before = facts(0, 0, [...others, worker('a:1-0:mail'), worker('a:1-1:mail')]);
  const document = look(facts(2, 6, [...others, worker('a:1-0:mail')]), before);
  expect(queue(document, 'mail')).toMatchObject({ jobsPerSecond: null });
  expect(queue(document, 'low')).toMatchObject({ jobsPerSecond: 0 });
  expect(document.processes.map(({ name, jobsPerSecond }) => [name, jobsPerSecond])).toEqual([
    ['a:1', null],
    ['b:5', 0],
    ['b:6', 0],
  ]);
  expect(document.totals.jobsPerSecond).toBe(3);
});

test('a worker with several queues that has left makes the rate of each unknown', () => {
  const mail = worker('b:5:mail');
  const document = look(facts(2, 0, [mail]), facts(0, 0, [mail, worker('a:1:*')]));
  expect(queue(document, 'mail')).toMatchObject({ jobsPerSecond: null });
});

test('a counter that has decreased gives no rate', () => {
  const before = facts(0, 1_000, [worker('a:1:mail', { processed: 10 })]);
  const document = look(facts(2, 3, [worker('a:1:mail', { processed: 2 })]), before);
  expect(document.totals.jobsPerSecond).toBeNull();
  expect(document.processes).toMatchObject([{ jobsPerSecond: null }]);
  expect(look(facts(2, null, []), before).totals.jobsPerSecond).toBeNull();
});

test('two reads at the same time give no rate', () => {
  expect(look(facts(0, 5, []), facts(0, 0, [])).totals.jobsPerSecond).toBeNull();
});

test('failed jobs of node-resque, which it counts separately, are added', () => {
  const before = facts(0, 0, [worker('a:1+1:mail', { processed: 10, failed: 1 })]);
  const now = facts(2, 0, [worker('a:1+1:mail', { processed: 11, failed: 4 })]);
  expect(look(now, before).processes).toMatchObject([{ finished: 15, jobsPerSecond: 2 }]);
  const ruby = facts(2, 0, [worker('a:1:mail', { processed: 11, failed: 4 })]);
  expect(look(ruby, null).processes).toMatchObject([{ finished: 11 }]);
});

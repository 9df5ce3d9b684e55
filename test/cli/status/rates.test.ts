/** Rates: between two looks what the counters say, in one the average, and otherwise nothing. Pure. */
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
  });
}

function queue({ queues }: StatusDocument, name: string): QueueStatus | undefined {
  return queues.find((each) => each.name === name);
}

test('in one look the average since the start is all that is known', () => {
  const mail = ['a:1:mail', 'a:2:mail'].map((id) => worker(id, { processed: 100 }));
  const document = look(facts(0, 500, [...mail, worker('a:3:low,high', { processed: 50 })]), null);
  expect(document.totals.jobsPerSecond).toBeNull();
  expect(document.processes.map(({ jobsPerMinute }) => jobsPerMinute)).toEqual([10, 10, 5]);
  expect(document.processes.map(({ jobsPerSecond }) => jobsPerSecond)).toEqual([null, null, null]);
  expect(queue(document, 'mail')).toMatchObject({ jobsPerMinute: 20, jobsPerSecond: null });
});

test('of a worker that serves several queues nobody knows whose jobs it did', () => {
  const mail = [worker('a:1:mail', { processed: 100 }), worker('a:2:mail,low', { processed: 100 })];
  const document = look(facts(2, 0, mail), facts(0, 0, mail));
  expect(queue(document, 'mail')).toMatchObject({ jobsPerMinute: null, jobsPerSecond: null });
  expect(queue(document, 'low')).toMatchObject({ jobsPerMinute: null, jobsPerSecond: null });
  expect(document.processes).toMatchObject([{ jobsPerSecond: 0 }, { jobsPerSecond: 0 }]);
});

test('no average is made of less than a second, of an unknown start or of a counter that is none', () => {
  const workers = [
    worker('a:1:q', { startedAtMs: startMs - 500, processed: 3 }),
    worker('a:2:r', { startedAtMs: null, processed: 3 }),
    worker('a:3:s', { processed: null }),
  ];
  const document = look(facts(0, 0, workers), null);
  expect(document.processes.map(({ jobsPerMinute }) => jobsPerMinute)).toEqual([null, null, null]);
  expect(document.queues.map(({ jobsPerMinute }) => jobsPerMinute)).toEqual([null, null, null]);
});

test('between two looks counters tell: in total, of a process, of a queue', () => {
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

test('a worker that has come in between counts from its start', () => {
  const before = facts(0, 0, [worker('a:1-0:mail', { processed: 10 })]);
  const now = facts(2, 0, [
    worker('a:1-0:mail', { processed: 12 }),
    worker('a:1-1:mail', { processed: 4, startedAtMs: startMs + 1_000 }),
  ]);
  expect(look(now, before).processes).toMatchObject([{ jobsPerSecond: 3 }]);
});

test('what a worker did last that has gone, nobody knows', () => {
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

test('one that served several queues takes the rate of each with it', () => {
  const mail = worker('b:5:mail');
  const document = look(facts(2, 0, [mail]), facts(0, 0, [mail, worker('a:1:*')]));
  expect(queue(document, 'mail')).toMatchObject({ jobsPerSecond: null });
});

test('a counter that went back says nothing', () => {
  const before = facts(0, 1_000, [worker('a:1:mail', { processed: 10 })]);
  const document = look(facts(2, 3, [worker('a:1:mail', { processed: 2 })]), before);
  expect(document.totals.jobsPerSecond).toBeNull();
  expect(document.processes).toMatchObject([{ jobsPerSecond: null }]);
  expect(look(facts(2, null, []), before).totals.jobsPerSecond).toBeNull();
});

test('no rate is made of no time', () => {
  expect(look(facts(0, 5, []), facts(0, 0, [])).totals.jobsPerSecond).toBeNull();
});

test('failed jobs of node-resque are added, which it counts apart', () => {
  const before = facts(0, 0, [worker('a:1+1:mail', { processed: 10, failed: 1 })]);
  const now = facts(2, 0, [worker('a:1+1:mail', { processed: 11, failed: 4 })]);
  expect(look(now, before).processes).toMatchObject([{ finished: 15, jobsPerSecond: 2 }]);
  const ruby = facts(2, 0, [worker('a:1:mail', { processed: 11, failed: 4 })]);
  expect(look(ruby, null).processes).toMatchObject([{ finished: 11 }]);
});

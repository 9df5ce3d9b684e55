import { describe, expect, test } from 'vitest';
import type { FailureEntry } from '../../../src/protocol/commands.ts';
import type { EngineEvent } from '../../../src/protocol/events.ts';
import type { EndedJob, RunningJob, Snapshot } from '../../../src/protocol/snapshot.ts';
import { type AppState, createAppStore } from '../../../src/store/app-store.ts';
import { emptySnapshot } from '../../../src/store/reduce.ts';
import { initialView, type View } from '../../../src/store/view.ts';
import {
  contextOf,
  failureKeys,
  indexOfKey,
  listedEvents,
  listedJobs,
  listedQueues,
  selectedFailure,
  selectedJobId,
  selectedQueue,
} from '../../../src/ui/lists/selection.ts';
import { failureEntry, queueState } from '../states.ts';

function running(id: string, queueName: string, startedAtMs: number): RunningJob {
  return {
    id,
    queue: queueName,
    runner: queueName,
    worker: `host:1-${id}`,
    jobClass: 'Job',
    args: `["${id}"]`,
    payloadBytes: 10,
    startedAtMs,
    pid: 1,
    lastLine: null,
    killed: null,
  };
}

function ended(id: string, queueName: string): EndedJob {
  const { lastLine: _, killed: __, ...job } = running(id, queueName, 0);
  return {
    ...job,
    endedAtMs: 1,
    durationMs: 1,
    outcome: 'succeeded',
    exitCode: 0,
    signal: null,
    failure: null,
  };
}

function state(model: Partial<Snapshot>, view: Partial<View> = {}, entries: FailureEntry[] = []): AppState {
  const start = createAppStore().getState();
  const pages = { ...start.failurePages, entries };
  return {
    ...start,
    model: { ...emptySnapshot, ...model },
    view: { ...initialView, ...view },
    failurePages: pages,
    recentFailures: pages,
  };
}

const jobs = [running('3', 'mail', 30), running('1', 'mail', 10), running('2', 'bill', 20)];

describe('queues', () => {
  const queues = ['mail', 'bill', 'mail_low'].map(queueState);
  const seen = (view: Partial<View['queues']>) =>
    state({ queues }, { queues: { ...initialView.queues, ...view } });

  test('are those whose names have the filter, in letters of any case', () => {
    expect(listedQueues(seen({ filter: 'MAIL' })).map(({ name }) => name)).toEqual(['mail', 'mail_low']);
    expect(listedQueues(seen({}))).toEqual(queues);
  });

  test('have the chosen one selected, the first where that is not listed, none where none is', () => {
    expect(selectedQueue(seen({ queue: 'bill' }))?.name).toBe('bill');
    expect(selectedQueue(seen({ queue: 'bill', filter: 'low' }))?.name).toBe('mail_low');
    expect(selectedQueue(seen({ queue: 'gone' }))?.name).toBe('mail');
    expect(selectedQueue(seen({ filter: 'nothing' }))).toBeNull();
  });
});

describe('jobs', () => {
  test('are listed with the oldest running first, then the newest that ended', () => {
    const listed = listedJobs(state({ jobs, ended: [ended('9', 'mail'), ended('8', 'mail')] }));
    expect(listed.map(({ job }) => job.id)).toEqual(['1', '2', '3', '9', '8']);
    expect(listed.map(({ isRunning }) => isRunning)).toEqual([true, true, true, false, false]);
  });

  test('that are selected are the open one, the one under the cursor, or the first', () => {
    const queues = [queueState('mail'), queueState('bill')];
    const select = (view: Partial<View>) => selectedJobId(state({ queues, jobs }, view));
    expect(select({ opened: { kind: 'job', jobId: '7' } })).toBe('7');
    expect(select({ tab: 'jobs', jobs: { filter: '', cursor: '2' } })).toBe('2');
    expect(select({ tab: 'jobs', jobs: { filter: '', cursor: 'gone' } })).toBe('1');
    expect(select({ tab: 'jobs', jobs: { filter: 'bill', cursor: '1' } })).toBe('2');
    expect(select({})).toBe('1');
    expect(select({ queues: { ...initialView.queues, jobId: '3' } })).toBe('3');
    expect(select({ queues: { ...initialView.queues, queue: 'bill', jobId: '3' } })).toBe('2');
    expect(select({ queues: { ...initialView.queues, pane: 'failures' } })).toBeNull();
    expect(select({ tab: 'failures' })).toBeNull();
  });
});

describe('events', () => {
  const history: EngineEvent[] = [
    { type: 'queue.resumed', queue: 'mail', seq: 1, atMs: 0 },
    { type: 'queue.removed', queue: 'mail', seq: 2, atMs: 0 },
    { type: 'queue.resumed', queue: 'bill', seq: 3, atMs: 0 },
  ];

  test('are listed with the newest first, without those that have no words', () => {
    expect(listedEvents(state({ history })).map(({ seq }) => seq)).toEqual([3, 1]);
    expect(history.map(({ seq }) => seq)).toEqual([1, 2, 3]);
  });

  test('are filtered by what is told', () => {
    const filtered = (filter: string) => state({ history }, { events: { filter, cursor: null } });
    expect(listedEvents(filtered('MAIL')).map(({ seq }) => seq)).toEqual([1]);
    expect(listedEvents(filtered('resumed'))).toHaveLength(2);
    expect(listedEvents(filtered('x'))).toEqual([]);
  });
});

describe('failures', () => {
  const twice = [failureEntry(4, 'a'), failureEntry(3, 'b'), failureEntry(2, 'a'), failureEntry(1, 'a')];

  test('that are equal have keys of their own, which a newer entry does not change', () => {
    const keys = failureKeys(twice);
    expect(new Set(keys).size).toBe(4);
    expect(failureKeys([failureEntry(5, 'c'), ...twice]).slice(1)).toEqual(keys);
    expect(failureKeys(twice)).toBe(keys);
  });

  test('that are selected are the open one, the one under the cursor, or the first', () => {
    const keys = failureKeys(twice);
    const select = (view: Partial<View>) => selectedFailure(state({}, view, twice))?.index;
    const opened = failureEntry(9, 'o');
    expect(select({ opened: { kind: 'failure', entry: opened, top: 0 } })).toBe(9);
    const cursor = keys[2] ?? '';
    expect(select({ tab: 'failures', failures: { ...initialView.failures, cursor } })).toBe(2);
    expect(select({ tab: 'failures' })).toBe(4);
    expect(select({ queues: { ...initialView.queues, pane: 'failures', failure: cursor } })).toBe(2);
    expect(select({})).toBeUndefined();
    expect(select({ tab: 'jobs' })).toBeUndefined();
  });
});

test('keys go to what is open, else to the tab', () => {
  expect(contextOf(initialView)).toBe('queues');
  expect(contextOf({ ...initialView, tab: 'events' })).toBe('events');
  expect(contextOf({ ...initialView, tab: 'jobs', opened: { kind: 'job', jobId: '1' } })).toBe('job');
});

test('a key that is gone stands for the first', () => {
  expect([indexOfKey(['a', 'b'], 'b'), indexOfKey(['a'], 'x'), indexOfKey(['a'], null)]).toEqual([1, 0, 0]);
});

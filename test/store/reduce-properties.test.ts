import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { EngineEvent } from '../../src/protocol/events.ts';
import {
  endedJobsLimit,
  historyLimit,
  recentFailuresLimit,
  type Snapshot,
  throughputBuckets,
} from '../../src/protocol/snapshot.ts';
import { emptySnapshot, reduce } from '../../src/store/reduce.ts';
import { runningCounts, slotsInUse, totalSlots } from '../../src/store/selectors.ts';
import { randomCases } from '../helpers/random-cases.ts';
import { anyEvents, anyFacts, anyOrder } from './arbitrary-events.ts';
import { possibleEvents } from './engine-model.ts';

function reduceAll(events: readonly EngineEvent[], snapshot: Snapshot = emptySnapshot): Snapshot {
  return events.reduce((before, event) => reduce(before, event), snapshot);
}

function throughJson<T>(value: T): T {
  return JSON.parse(JSON.stringify(value)) as T;
}

function expectConsistent(snapshot: Snapshot): void {
  const { jobs, ended, queues, runners, failures, history, throughput } = snapshot;
  const ids = [...jobs, ...ended].map(({ id }) => id);
  expect(new Set(ids).size).toBe(ids.length);
  expect(new Set(queues.map(({ name }) => name)).size).toBe(queues.length);
  expect(new Set(runners.map(({ key }) => key)).size).toBe(runners.length);
  expect(ended.length).toBeLessThanOrEqual(endedJobsLimit);
  expect(failures.length).toBeLessThanOrEqual(recentFailuresLimit);
  expect(history.length).toBeLessThanOrEqual(historyLimit);
  const flows = [throughput, ...queues.map((queue) => queue.throughput)];
  for (const { counts } of flows) {
    expect(counts.length).toBeLessThanOrEqual(throughputBuckets);
    expect(counts.every((count) => Number.isInteger(count) && count >= 0)).toBe(true);
  }
  for (const { processed, failed, throughput: own } of queues) {
    expect(failed).toBeGreaterThanOrEqual(0);
    expect(processed).toBeGreaterThanOrEqual(failed);
    expect(processed).toBeGreaterThanOrEqual(own.counts.reduce((a, b) => a + b, 0));
  }
}

describe('whatever comes, in whatever order:', () => {
  test('the snapshot stays consistent, and its number never falls', () => {
    fc.assert(
      fc.property(anyOrder, (events) => {
        let snapshot = emptySnapshot;
        for (const event of events) {
          const before = snapshot;
          snapshot = reduce(before, event);
          expect(snapshot.seq).toBe(Math.max(before.seq, event.seq));
          expectConsistent(snapshot);
        }
      }),
      { numRuns: randomCases(100) },
    );
  });

  test('what runs is what started and has not finished', () => {
    fc.assert(
      fc.property(anyEvents, (events) => {
        const running = new Map<string, string>();
        let isStarted = false;
        for (const event of events) {
          if (event.type === 'engine.started') {
            if (isStarted) running.clear();
            isStarted = true;
          }
          if (event.type === 'job.started') running.set(event.job.id, event.job.queue);
          if (event.type === 'job.finished') running.delete(event.jobId);
        }
        const counts = new Map<string, number>();
        for (const queue of running.values()) counts.set(queue, (counts.get(queue) ?? 0) + 1);
        expect(new Map(runningCounts(reduceAll(events)))).toEqual(counts);
      }),
      { numRuns: randomCases(100) },
    );
  });

  test('lists hold the latest, and no more than they may', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 700 }), (count) => {
        const failure = {
          queue: 'q',
          jobId: null,
          jobClass: null,
          exception: 'E',
          error: '',
          exitCode: 1,
          signal: null,
        };
        const events = Array.from({ length: count }, (_, at): EngineEvent[] => {
          const [seq, atMs, id] = [at * 3 + 1, at, at.toString(36)];
          const job = { id, queue: 'q', runner: 'q', worker: '', jobClass: null, args: '', payloadBytes: 2 };
          const end = { jobClass: null, durationMs: 1, exitCode: 0, signal: null, failure: null };
          return [
            { type: 'job.started', job: { ...job, startedAtMs: at, pid: 1 }, seq, atMs },
            { type: 'job.finished', jobId: id, queue: 'q', outcome: 'succeeded', ...end, seq: seq + 1, atMs },
            { type: 'failure.recorded', failure: { ...failure, error: id }, seq: seq + 2, atMs },
          ];
        }).flat();
        const { ended, failures, history } = reduceAll(events);
        const newestFirst = Array.from({ length: count }, (_, at) => (count - 1 - at).toString(36));
        expect(ended.map(({ id }) => id)).toEqual(newestFirst.slice(0, endedJobsLimit));
        expect(failures.map(({ failure: { error } }) => error)).toEqual(
          newestFirst.slice(0, recentFailuresLimit),
        );
        expect(history.map(({ seq }) => seq / 3)).toEqual(
          Array.from({ length: count }, (_, at) => at + 1).slice(-historyLimit),
        );
      }),
      { numRuns: randomCases(20) },
    );
  });
});

describe('a client that comes late knows as much as one that was there from the start:', () => {
  test('a snapshot of any moment and all events, old ones too, come to the same', () => {
    fc.assert(
      fc.property(anyEvents, fc.nat(120), (events, cut) => {
        const early = throughJson(reduceAll(events.slice(0, cut)));
        const all = throughJson(reduceAll(events));
        expect(throughJson(reduceAll(events, early))).toEqual(all);
        expect(throughJson(reduceAll(events.slice(cut), early))).toEqual(all);
      }),
      { numRuns: randomCases(300) },
    );
  });

  test('nothing is lost in JSON', () => {
    fc.assert(
      fc.property(anyEvents, (events) => {
        const snapshot = reduceAll(events);
        expect(throughJson(snapshot)).toEqual(snapshot);
      }),
      { numRuns: randomCases(100) },
    );
  });
});

describe('what has not changed keeps its identity:', () => {
  test('an event that was seen before leaves the very same snapshot', () => {
    fc.assert(
      fc.property(anyEvents, anyFacts, fc.nat(5), (events, fact, back) => {
        const snapshot = reduceAll(events);
        expect(reduce(snapshot, { ...fact, seq: snapshot.seq - back, atMs: 5 })).toBe(snapshot);
      }),
      { numRuns: randomCases(100) },
    );
  });

  test('of all queues, only the one that an event is about is another', () => {
    fc.assert(
      fc.property(possibleEvents, (published) => {
        let snapshot = emptySnapshot;
        for (const { event } of published) {
          const before = snapshot;
          snapshot = reduce(before, event);
          const changed = snapshot.queues.filter((queue) => !before.queues.includes(queue));
          expect(changed.map(({ name }) => name)).toEqual(queuesChangedBy(event, before));
        }
      }),
      { numRuns: randomCases(100) },
    );
  });

  test('what an event is not about stays as it is', () => {
    fc.assert(
      fc.property(anyEvents, (events) => {
        let snapshot = emptySnapshot;
        for (const event of events) {
          const before = snapshot;
          snapshot = reduce(before, event);
          const isNewEngine = event.type === 'engine.started';
          for (const part of Object.keys(before) as (keyof Snapshot)[]) {
            if (isNewEngine || partsChangedBy(event, before).includes(part)) continue;
            expect(snapshot[part], `${part} by ${event.type}`).toBe(before[part]);
          }
          for (const job of isNewEngine ? [] : before.jobs) {
            if (idIn(event) !== job.id) expect(snapshot.jobs).toContain(job);
          }
        }
      }),
      { numRuns: randomCases(100) },
    );
  });
});

describe('what a real engine publishes:', () => {
  test('the snapshot agrees with the books', () => {
    fc.assert(
      fc.property(possibleEvents, (published) => {
        let snapshot = emptySnapshot;
        for (const { event, books } of published) {
          snapshot = reduce(snapshot, event);
          const ids = (queue: string) =>
            snapshot.jobs.flatMap((job) => (job.queue === queue ? [job.id] : []));
          const running = new Map(
            [...runningCounts(snapshot).keys()].map((queue) => [queue, ids(queue).sort()]),
          );
          expect(running).toEqual(
            new Map([...books.running].map(([queue, list]) => [queue, [...list].sort()])),
          );
          expect(totalSlots(snapshot).used).toBeLessThanOrEqual(books.started);
          // Events that belong together are published one after the other.
          if (event.type === 'job.finished' || event.type === 'failure.recorded') continue;
          const perQueue = snapshot.queues.map(
            ({ name, processed, failed }) => [name, { processed, failed }] as const,
          );
          expect(new Map(perQueue)).toEqual(books.perQueue);
          if (event.type !== 'counters.changed') continue;
          const { processed, failed } = books;
          expect(snapshot.totals).toEqual({ processed, failed, unwritten: 0 });
        }
      }),
      { numRuns: randomCases(200) },
    );
  });

  test('no more slots are in use than ever were allowed while a job ran', () => {
    fc.assert(
      fc.property(possibleEvents, (published) => {
        let snapshot = emptySnapshot;
        for (const { event, books } of published) {
          snapshot = reduce(snapshot, event);
          for (const { key } of snapshot.runners) {
            expect(slotsInUse(snapshot, key)).toBeLessThanOrEqual(books.slotsEver.get(key) ?? 0);
          }
        }
      }),
      { numRuns: randomCases(200) },
    );
  });
});

/** Those of them that a queue keeps a count or a state of. */
function queuesChangedBy(event: EngineEvent, { queues }: Snapshot): string[] {
  const has = (name: string) => queues.some((queue) => queue.name === name);
  switch (event.type) {
    case 'queue.added':
      return [event.queue.name];
    case 'queue.paused':
    case 'queue.resumed':
    case 'queue.limited':
      return [event.queue];
    case 'queue.backlog':
      return queues.some(({ name, backlog }) => name === event.queue && backlog === event.backlog)
        ? []
        : [event.queue];
    case 'queues.measured':
      return event.queues.map(({ queue }) => queue).filter(has);
    case 'job.finished':
      return event.outcome !== 'requeued' && has(event.queue) ? [event.queue] : [];
    case 'failure.recorded':
      return event.failure.jobId === null && has(event.failure.queue) ? [event.failure.queue] : [];
    default:
      return [];
  }
}

function partsChangedBy(event: EngineEvent, before: Snapshot): (keyof Snapshot)[] {
  return ['seq', 'history', ...partsOf(event, before)];
}

function partsOf(event: EngineEvent, { jobs, ended, queues, runners }: Snapshot): (keyof Snapshot)[] {
  const isKnown = (name: string) => queues.some((queue) => queue.name === name);
  const isRunning = (jobId: string) => jobs.some(({ id }) => id === jobId);
  const isRunner = (name: string) => runners.some(({ key }) => key === name);
  const counting = (queue: string): (keyof Snapshot)[] =>
    isKnown(queue) ? ['queues', 'throughput'] : ['throughput'];
  switch (event.type) {
    case 'engine.stopping':
      return ['engine'];
    case 'engine.stopped':
      return ['engine', 'totals'];
    case 'redis.up':
    case 'redis.down':
      return ['redis'];
    case 'runner.added':
      return ['runners'];
    case 'runner.changed':
      return isRunner(event.runner.key) ? ['runners'] : [];
    case 'runner.removed':
    case 'runner.throttled':
    case 'runner.unthrottled':
      return isRunner(event.runner) ? ['runners'] : [];
    case 'queues.paused':
    case 'queues.resumed':
      return event.runner !== null && isRunner(event.runner) ? ['runners'] : [];
    case 'queue.added':
      return ['queues'];
    case 'queue.removed':
    case 'queue.paused':
    case 'queue.resumed':
    case 'queue.limited':
    case 'queue.backlog':
      return isKnown(event.queue) ? ['queues'] : [];
    case 'queues.measured':
      return event.queues.some(({ queue }) => isKnown(queue)) ? ['queues'] : [];
    case 'job.started':
      return ended.some(({ id }) => id === event.job.id) ? ['jobs', 'ended'] : ['jobs'];
    case 'job.printed':
    case 'job.killed':
      return isRunning(event.jobId) ? ['jobs'] : [];
    case 'job.finished': {
      const moved: (keyof Snapshot)[] = isRunning(event.jobId) ? ['jobs', 'ended'] : [];
      return event.outcome === 'requeued' ? moved : [...moved, ...counting(event.queue)];
    }
    case 'failure.recorded':
      return event.failure.jobId === null ? ['failures', ...counting(event.failure.queue)] : ['failures'];
    case 'failures.counted':
      return ['failedTotal'];
    case 'delayed.counted':
      return ['delayed'];
    case 'counters.changed':
      return ['totals'];
    default:
      return [];
  }
}

function idIn(event: EngineEvent): string | null {
  if (event.type === 'job.started') return event.job.id;
  return 'jobId' in event ? event.jobId : null;
}

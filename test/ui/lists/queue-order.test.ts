/** The order of the queues: trouble first, and steady enough to be read. */
import { describe, expect, test } from 'vitest';
import type { PauseReason } from '../../../src/protocol/events.ts';
import type { QueueState, Snapshot } from '../../../src/protocol/snapshot.ts';
import type { QueueStatistics, WindowStatistics } from '../../../src/protocol/statistics.ts';
import { emptySnapshot } from '../../../src/store/reduce.ts';
import type { QueueSort } from '../../../src/store/view.ts';
import { QueueSorter, troubleOf } from '../../../src/ui/lists/queue-order.ts';
import { quickestMs } from '../../helpers/quickest.ts';
import { queueState, runnerView } from '../states.ts';

const nowMs = 1_000_000_000;
const minute = 60_000;
const unstartable: PauseReason = { kind: 'unstartable', detail: 'no file', sinceMs: 0 };

function windowOf(finished: number, failed: number): WindowStatistics {
  return {
    ...{ started: finished, finished, failed, retried: 0, requeued: 0, snoozed: 0 },
    ...{ perMinute: finished, duration: null, wait: null },
  };
}

function measured(name: string, failed: number, rest: Partial<QueueStatistics> = {}): QueueState {
  const all = windowOf(100, failed);
  const windows = { lastMinute: all, last15Minutes: all, sinceStart: all };
  return { ...queueState(name), statistics: { windows, drainMs: null, oldest: null, ...rest } };
}

function modelOf(queues: readonly QueueState[]): Snapshot {
  const keys = [...new Set(queues.map(({ runner }) => runner))];
  return { ...emptySnapshot, queues, runners: keys.map((key) => runnerView(key)) };
}

function sorted(queues: readonly QueueState[], sort: QueueSort = 'attention'): string {
  return new QueueSorter().next(modelOf(queues), sort, nowMs).names.join(' ');
}

describe('the queues that need attention', () => {
  const oldest = { sinceMs: nowMs - 20 * minute, isKnown: true };
  const waiting = (queue: QueueState) => ({ ...queue, backlog: 5 });

  test('come first: those that can’t start, that fail most, that fall behind, and whose jobs wait long', () => {
    const queues = [
      measured('calm', 0),
      waiting(measured('old', 0, { oldest })),
      waiting(measured('behind', 0, { drainMs: 60 * minute })),
      measured('some', 2),
      measured('many', 20),
      measured('most', 60),
      { ...measured('dead', 0), pauses: [unstartable] },
    ];
    expect(sorted(queues)).toBe('dead most many some behind old calm');
    const { troubled } = new QueueSorter().next(modelOf(queues), 'attention', nowMs);
    expect([...troubled].sort().join(' ')).toBe('behind dead many most old some');
  });

  test('have words for their trouble, unless their rows say it', () => {
    const queues = [
      measured('calm', 0),
      waiting(measured('old', 0, { oldest })),
      waiting(measured('behind', 0, { drainMs: 60 * minute })),
      measured('most', 60),
      { ...measured('dead', 0), pauses: [unstartable] },
    ];
    const model = modelOf(queues);
    const words = queues.map((queue) => troubleOf(queue, model, nowMs));
    expect(words).toEqual([
      null,
      'its oldest job has waited 20 min',
      'its waiting jobs take 60 min at this rate',
      '60 % of its recent jobs failed',
      null,
    ]);
  });

  test('are not those that an operator has paused: nothing is wrong with them', () => {
    const byHand: PauseReason = { kind: 'operator', detail: 'ann', sinceMs: 0 };
    const queues = [measured('calm', 0), { ...waiting(measured('held', 0, { oldest })), pauses: [byHand] }];
    expect(sorted(queues)).toBe('calm held');
  });

  test('are found in the numbers of an older engine, too', () => {
    const failure = { queue: 'bad', jobId: null, jobClass: null, exception: '', error: '' };
    const lastFailure = { atMs: nowMs - 5_000, failure: { ...failure, exitCode: 1, signal: null } };
    expect(sorted([queueState('calm'), { ...queueState('bad'), lastFailure }])).toBe('bad calm');
  });

  test('are the entry and not each of its queues if its program can’t start', () => {
    const member = (name: string): QueueState => ({
      ...queueState(name),
      runner: 't_*',
      pauses: [unstartable],
    });
    const { names, troubled } = new QueueSorter().next(
      modelOf([queueState('mail'), member('t_1'), member('t_2')]),
      'attention',
      nowMs,
    );
    expect(names).toEqual(['t_*', 't_1', 't_2', 'mail']);
    expect([...troubled]).toEqual(['t_*']);
  });
});

test('the queues can be sorted by each column, the largest number first', () => {
  const queues = [
    { ...queueState('b'), backlog: 1, failed: 7 },
    { ...queueState('a'), backlog: 9, failed: 3 },
    { ...queueState('c'), backlog: 4, failed: 9 },
  ];
  expect(sorted(queues, 'name')).toBe('a b c');
  expect(sorted(queues, 'waiting')).toBe('a c b');
  expect(sorted(queues, 'failed')).toBe('c b a');
  expect(sorted(queues, 'config')).toBe('b a c');
});

describe('the order stands still', () => {
  const calm = [measured('a', 0), measured('b', 0)];
  const failing = [measured('a', 0), measured('b', 90)];

  test('between two looks, a few seconds apart, and is the same object while nothing moves', () => {
    const sorter = new QueueSorter();
    const first = sorter.next(modelOf(calm), 'attention', nowMs);
    expect(sorter.next(modelOf(failing), 'attention', nowMs + 500)).toBe(first);
    expect(sorter.next(modelOf(calm), 'attention', nowMs + 5_000)).toBe(first);
    const later = sorter.next(modelOf(failing), 'attention', nowMs + 10_000);
    expect(later.names).toEqual(['b', 'a']);
    expect(later.firstSinceMs).toBe(nowMs + 10_000);
  });

  test('for a while after a queue has recovered', () => {
    const sorter = new QueueSorter();
    sorter.next(modelOf(failing), 'attention', nowMs);
    const namesAt = (ms: number) => sorter.next(modelOf(calm), 'attention', nowMs + ms).names.join(' ');
    expect(namesAt(5_000)).toBe('b a');
    expect(namesAt(30_000)).toBe('a b');
  });

  test('but a new queue is listed at once, and so is another column', () => {
    const sorter = new QueueSorter();
    sorter.next(modelOf(calm), 'attention', nowMs);
    const more = [...calm, measured('c', 90)];
    expect(sorter.next(modelOf(more), 'attention', nowMs + 10).names).toEqual(['c', 'a', 'b']);
    expect(sorter.next(modelOf(more), 'name', nowMs + 20).names).toEqual(['a', 'b', 'c']);
  });
});

test('1,000 queues cost about ten times as much as 100', () => {
  const cost = (count: number) => {
    const queues = Array.from({ length: count }, (_, at) => ({
      ...measured(`q${at}`, at % 5),
      runner: 'q*',
    }));
    const sorter = new QueueSorter();
    let frame = 0;
    return quickestMs(() => {
      frame += 1;
      sorter.next(modelOf([...queues]), 'attention', nowMs + frame * 250);
    });
  };
  // A hundred times with an algorithm that compares each with each.
  expect(cost(1_000) / cost(100)).toBeLessThan(40);
});

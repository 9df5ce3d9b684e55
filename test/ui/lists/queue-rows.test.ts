/** Rows of entries: a pattern or several queues have one of their own, with the sums of their queues. */
import { expect, test } from 'vitest';
import type { PauseReason, PoolView } from '../../../src/protocol/events.ts';
import type { QueueState, Snapshot } from '../../../src/protocol/snapshot.ts';
import { emptySnapshot } from '../../../src/store/reduce.ts';
import { queueRows } from '../../../src/ui/lists/queue-rows.ts';
import { queueState, runnerView } from '../states.ts';

function member(name: string, rest: Partial<QueueState> = {}): QueueState {
  return { ...queueState(name), runner: 't_*', ...rest };
}

function modelOf(queues: readonly QueueState[], ...runners: readonly PoolView[]): Snapshot {
  return { ...emptySnapshot, queues, runners };
}

const pattern: PoolView = { ...runnerView('t_*'), patterns: ['t_*'] };

test('an entry has a row before its queues, which stands for the queue with the name of the pattern', () => {
  const throughput = { last: 100, counts: [1, 2] };
  const rows = queueRows(
    modelOf(
      [
        queueState('mail'),
        member('t_1', { backlog: 2, failed: 1, processed: 5, throughput }),
        member('t_2', { backlog: 3, processed: 1, throughput: { last: 99, counts: [4] } }),
        member('t_*', { backlog: 1 }),
      ],
      runnerView('mail'),
      pattern,
    ),
  );
  expect(rows.map(({ name }) => name)).toEqual(['mail', 't_*', 't_1', 't_2']);
  expect(rows[1]).toMatchObject({ backlog: 6, failed: 1, processed: 6, throughput: { last: 100 } });
  expect(rows[1]?.throughput.counts.slice(-2)).toEqual([5, 2]);
  expect(rows[1]?.members).toHaveLength(3);
  expect(rows[0]?.members).toBeUndefined();
});

test('an entry without any queue yet has a row, too', () => {
  expect(queueRows(modelOf([], pattern)).map(({ name }) => name)).toEqual(['t_*']);
});

test('an entry is paused if it is as a whole, or if everything is; not if some of its queues are', () => {
  const pause: PauseReason = { kind: 'operator', detail: 'ann', sinceMs: 0 };
  const all: PauseReason = { kind: 'all', detail: 'ann', sinceMs: 0 };
  const pausesOf = (runner: PoolView, ...pauses: PauseReason[]) =>
    queueRows(modelOf([member('t_1', { pauses })], runner))[0]?.pauses;
  expect(pausesOf(pattern, pause)).toEqual([]);
  expect(pausesOf({ ...pattern, pauses: [{ ...pause, entry: 't_*' }] }, pause)).toEqual([pause]);
  expect(pausesOf(pattern, all)).toEqual([all]);
});

test('the patterns of an entry with several are no rows, unless a queue has exactly that name', () => {
  const runner: PoolView = { ...runnerView('a_*,b_*'), patterns: ['a_*', 'b_*'] };
  const own = (name: string, backlog: number) => ({ ...queueState(name), runner: 'a_*,b_*', backlog });
  const names = queueRows(modelOf([own('a_1', 0), own('a_*', 0), own('b_*', 2)], runner));
  expect(names.map(({ name }) => name)).toEqual(['a_*,b_*', 'a_1', 'b_*']);
});

/** Series that several queues share never fall. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { LabelFold, type Member, SeriesOfTotals } from '../../../src/monitoring/metrics/series.ts';
import { succeeded } from './figures.ts';

const shared = (key: string, ...durationsMs: number[]): Member => ({
  ...{ key, labels: { queue: 'other' }, isShared: true, totals: succeeded(...durationsMs) },
});

test('a shared series is the sum of its members, and keeps what members had that are gone', () => {
  const series = new SeriesOfTotals();
  const sums = (...members: Member[]) =>
    series.of(members).map(({ totals: { ended, durations } }) => [ended.succeeded, durations.sumMs]);
  const b = shared('b', 10);
  expect(sums(shared('a', 1, 2), b)).toEqual([[3, 13]]);
  b.totals.end('succeeded', 20);
  expect(sums(b)).toEqual([[4, 33]]);
  // It is back, and has counted anew.
  expect(sums(shared('a', 5), b)).toEqual([[5, 38]]);
  expect(sums()).toEqual([[5, 38]]);
  const busy = shared('c');
  busy.totals.end('succeeded', 1, { cpuMs: 7 });
  expect(series.of([busy])[0]?.totals.cpuMs).toBe(7);
  expect(series.of([])[0]?.totals.cpuMs).toBe(7);
});

test('whatever members do, a shared series never falls', () => {
  const states = fc.array(fc.dictionary(fc.constantFrom('a', 'b', 'c'), fc.nat(5)), { maxLength: 10 });
  fc.assert(
    fc.property(states, (all) => {
      const series = new SeriesOfTotals();
      let before = 0;
      for (const state of all) {
        const members = Object.entries(state).map(([key, jobs]) =>
          shared(key, ...Array<number>(jobs).fill(1)),
        );
        const now = series.of(members)[0]?.totals.ended.succeeded ?? 0;
        expect(now).toBeGreaterThanOrEqual(before);
        before = now;
      }
    }),
  );
});

test('a label keeps the first values, and a place becomes free with its value', () => {
  let told = 0;
  const fold = new LabelFold(2, () => {
    told += 1;
  });
  expect(['a', 'b', 'c', 'd', 'a'].map((value) => fold.labelOf(value))).toEqual([
    'a',
    'b',
    'other',
    'other',
    'a',
  ]);
  expect(told).toBe(1);
  fold.keep((value) => value !== 'a');
  // Its counter would fall in one series and rise in another.
  expect(['c', 'e', 'f', 'other'].map((value) => fold.labelOf(value))).toEqual([
    'other',
    'e',
    'other',
    'other',
  ]);
  expect(told).toBe(1);
});

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Throughput, throughputBucketMs, throughputBuckets } from '../../src/protocol/snapshot.ts';
import { bucketsAt, ratePerSecond } from '../../src/store/selectors.ts';
import { counted, emptyThroughput, throughputSince } from '../../src/store/throughput.ts';
import { randomCases } from '../helpers/random-cases.ts';

const startMs = 1_000_000 * throughputBucketMs;

function countAll(times: readonly number[], begin: Throughput = emptyThroughput): Throughput {
  return times.reduce(counted, begin);
}

/** How many of the times lie in each of the last buckets, counted one by one. */
function naive(times: readonly number[], nowMs: number, count: number): number[] {
  const bucket = (atMs: number) => Math.floor(atMs / throughputBucketMs);
  return Array.from({ length: count }, (_, at) => {
    const wanted = bucket(nowMs) - count + 1 + at;
    return times.filter((atMs) => bucket(atMs) === wanted).length;
  });
}

const steps = fc.oneof(
  { weight: 10, arbitrary: fc.nat(3_000) },
  { weight: 1, arbitrary: fc.nat(200_000) },
  { weight: 1, arbitrary: fc.nat(10 ** 12) },
);
const risingTimes = fc.array(steps, { maxLength: 100, size: 'max' }).map((list) => {
  let atMs = startMs;
  return list.map((step) => {
    atMs += step;
    return atMs;
  });
});

describe('buckets', () => {
  test('hold what a count of all times finds, as far as they reach back', () => {
    fc.assert(
      fc.property(risingTimes, fc.nat(100_000), fc.integer({ min: 1, max: 40 }), (times, later, count) => {
        const nowMs = (times.at(-1) ?? startMs) + later;
        const shown = bucketsAt(countAll(times), nowMs, count);
        const beyond =
          Math.floor(nowMs / throughputBucketMs) - Math.floor((times.at(-1) ?? 0) / throughputBucketMs);
        const reach = throughputBuckets + beyond;
        const expected = naive(times, nowMs, count).map((value, at) => (count - at > reach ? 0 : value));
        expect(shown).toEqual(expected);
      }),
      { numRuns: randomCases(500) },
    );
  });

  test('are never more than fit, each count in one of them, wherever the clock jumps', () => {
    const anyTimes = fc.array(fc.integer({ min: 0, max: 10 ** 13 }), {
      minLength: 1,
      maxLength: 100,
      size: 'max',
    });
    fc.assert(
      fc.property(anyTimes, (times) => {
        let throughput = throughputSince(times[0] ?? 0);
        for (const atMs of times) {
          const before = throughput;
          throughput = counted(before, atMs);
          expect(throughput.last).toBe(Math.floor(atMs / throughputBucketMs));
          expect(throughput.counts.length).toBeLessThanOrEqual(throughputBuckets);
          expect(throughput.counts.at(-1)).toBeGreaterThan(0);
        }
      }),
    );
  });

  test('of a clock that was set back move with it', () => {
    const before = countAll([startMs, startMs + throughputBucketMs, startMs + throughputBucketMs]);
    const hourEarlier = startMs - 3_600_000;
    expect(bucketsAt(counted(before, hourEarlier), hourEarlier, 3)).toEqual([0, 1, 3]);
  });

  test('are all zero to a clock that was set back since', () => {
    const throughput = countAll([startMs]);
    expect(bucketsAt(throughput, startMs - 3_600_000, 3)).toEqual([0, 0, 0]);
    // A moment behind is no step of the clock.
    expect(bucketsAt(throughput, startMs - 1, 3)).toEqual([0, 0, 1]);
  });

  test('of long ago leave zeros', () => {
    const throughput = countAll([startMs, startMs + 10 ** 12]);
    expect(throughput.counts).toEqual([...Array.from({ length: throughputBuckets - 1 }, () => 0), 1]);
  });

  test('asked for none are none', () => {
    expect(bucketsAt(countAll([startMs]), startMs, 0)).toEqual([]);
  });
});

describe('the rate', () => {
  /** Every 250 ms from the start of a bucket on. */
  const steady = Array.from({ length: 400 }, (_, at) => startMs + at * 250);

  test('to a clock that is a moment behind is about the same', () => {
    const throughput = countAll([0, 1, 2, 3, 4].map((at) => startMs + at * throughputBucketMs));
    const lastStartMs = startMs + 4 * throughputBucketMs;
    expect(ratePerSecond(throughput, lastStartMs - 1)).toBeCloseTo(0.5, 1);
    expect(ratePerSecond(throughput, lastStartMs)).toBeCloseTo(0.5, 1);
  });

  test('of a steady flow is that flow', () => {
    const last = steady.at(-1) ?? 0;
    expect(ratePerSecond(countAll(steady), last)).toBeCloseTo(4, 0);
  });

  test('is over the time since counting began, where that is shorter than the window', () => {
    const begun = throughputSince(startMs);
    const times = [1, 2, 3, 4, 5, 6].map((at) => startMs + at * 500);
    expect(ratePerSecond(countAll(times, begun), startMs + 3_000)).toBeCloseTo(2);
  });

  test('of the first moment is no burst', () => {
    expect(ratePerSecond(countAll([startMs + 10], throughputSince(startMs)), startMs + 11)).toBeCloseTo(0.5);
  });

  test('falls, and is 0 when nothing came for longer than the window', () => {
    const throughput = countAll(steady);
    const last = steady.at(-1) ?? 0;
    const rates = [0, 2, 4, 6, 8, 10, 12].map((seconds) => ratePerSecond(throughput, last + seconds * 1_000));
    expect(rates).toEqual(rates.toSorted((a, b) => b - a));
    expect(rates.at(-1)).toBe(0);
    expect(ratePerSecond(throughput, last + 10 ** 10)).toBe(0);
  });

  test('of nothing is 0', () => {
    expect(ratePerSecond(emptyThroughput, startMs)).toBe(0);
    expect(ratePerSecond({ last: 0, counts: [] }, startMs)).toBe(0);
    expect(ratePerSecond(throughputSince(startMs), startMs)).toBe(0);
  });

  test('is a number that is not negative, whenever it is asked for', () => {
    fc.assert(
      fc.property(risingTimes, fc.integer({ min: 0, max: 10 ** 13 }), (times, nowMs) => {
        const rate = ratePerSecond(countAll(times), nowMs);
        expect(Number.isFinite(rate) && rate >= 0).toBe(true);
      }),
    );
  });
});

/** Windows, rates and percentiles, compared with lists of all jobs. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { QueueCounts } from '../../../src/engine/statistics/queue-counts.ts';
import type { Spread } from '../../../src/protocol/statistics.ts';
import { randomCases } from '../../helpers/random-cases.ts';

type Kind = 'started' | 'succeeded' | 'failed' | 'retried' | 'requeued' | 'snoozed';

interface Happening {
  readonly atMs: number;
  readonly kind: Kind;
  /** Duration or wait; `null` if unknown. */
  readonly ms: number | null;
}

/** 2^(1/8), and three digits. */
const tolerance = 0.096;

const minuteMs = 60_000;

/** The end of the last slot before the window. */
const slotStart = (atMs: number) => Math.floor(atMs / 10_000) * 10_000;
const minuteStart = (atMs: number) => Math.floor(atMs / minuteMs) * minuteMs;
const spanStart = (atMs: number) => Math.floor(atMs / (3 * minuteMs)) * 3 * minuteMs;

function apply(counts: QueueCounts, { atMs, kind, ms }: Happening): void {
  if (kind === 'started') counts.started(atMs, ms);
  else if (kind === 'requeued' || kind === 'snoozed') counts.returned(atMs, kind);
  else counts.finished(atMs, kind, ms);
}

function numbersOf(all: readonly Happening[]) {
  const number = (...kinds: Kind[]) => all.filter(({ kind }) => kinds.includes(kind)).length;
  return {
    started: number('started'),
    finished: number('succeeded', 'failed', 'retried'),
    failed: number('failed', 'retried'),
    retried: number('retried'),
    requeued: number('requeued'),
    snoozed: number('snoozed'),
  };
}

function timesOf(all: readonly Happening[], isWait: boolean): number[] {
  return all
    .filter(({ kind }) => (kind === 'started') === isWait && !['requeued', 'snoozed'].includes(kind))
    .flatMap(({ ms }) => ms ?? [])
    .sort((a, b) => a - b);
}

/**
 * Whether the spread is that of these times, as precisely as it promises.
 *
 * @param roundedMs how far rounding may move it
 */
function expectSpread(
  spread: Spread | null,
  times: readonly number[],
  longest = times.at(-1),
  roundedMs = 0,
): void {
  if (times.length === 0) {
    expect(spread).toBeNull();
    return;
  }
  expect(spread?.maxMs).toBe(longest);
  expectNear(spread?.p50Ms, times[Math.ceil(times.length * 0.5) - 1], roundedMs);
  expectNear(spread?.p95Ms, times[Math.ceil(times.length * 0.95) - 1], roundedMs);
}

function expectNear(found: number | undefined, wanted = Number.NaN, roundedMs: number): void {
  const isNear = Math.abs((found ?? Number.NaN) - wanted) <= wanted * tolerance + roundedMs;
  expect(isNear, `${found} is about ${wanted}`).toBe(true);
}

const kinds = fc.constantFrom<Kind[]>('started', 'succeeded', 'failed', 'retried', 'requeued', 'snoozed');
/** From a millisecond to a day, every order of magnitude equally often. */
const times = fc.double({ min: 0, max: 7.9, noNaN: true }).map((power) => Math.floor(10 ** power));
const pauses = fc.oneof(
  { weight: 30, arbitrary: fc.nat(4_000) },
  { weight: 5, arbitrary: fc.nat(70_000) },
  { weight: 1, arbitrary: fc.nat(3_000_000) },
  { weight: 1, arbitrary: fc.nat(30_000_000) },
);
const happenings = fc
  .tuple(
    fc.nat(100_000_000),
    fc.array(fc.tuple(pauses, kinds, fc.option(times, { freq: 6 })), {
      minLength: 1,
      maxLength: 200,
      size: 'max',
    }),
  )
  .map(([startMs, steps]) => {
    let atMs = startMs;
    return steps.map(([pauseMs, kind, ms], index): Happening => {
      atMs += index === 0 ? 0 : pauseMs;
      return { atMs, kind, ms };
    });
  });

test('are those of all jobs of the window, whatever the times', () => {
  fc.assert(
    fc.property(happenings, pauses, fc.boolean(), (all, pauseMs, rests) => {
      const counts = new QueueCounts(all[0]?.atMs ?? 0);
      for (const one of all) apply(counts, one);
      const nowMs = (all.at(-1)?.atMs ?? 0) + pauseMs;
      if (rests) counts.rest(nowMs);
      const since = (fromMs: number) => all.filter(({ atMs }) => atMs >= fromMs);

      const ofMinute = since(slotStart(nowMs) - 50_000);
      const lastMinute = counts.lastMinute(nowMs);
      expect(lastMinute).toMatchObject(numbersOf(ofMinute));
      expectSpread(lastMinute.duration, timesOf(ofMinute, false));
      expectSpread(lastMinute.wait, timesOf(ofMinute, true));

      const ofQuarter = since(minuteStart(nowMs) - 14 * minuteMs);
      const ofSpans = since(spanStart(nowMs) - 12 * minuteMs);
      const last15Minutes = counts.last15Minutes(nowMs);
      expect(last15Minutes).toMatchObject(numbersOf(ofQuarter));
      expectSpread(last15Minutes.duration, timesOf(ofSpans, false), last15Minutes.duration?.maxMs);
      expectSpread(last15Minutes.wait, timesOf(ofSpans, true), last15Minutes.wait?.maxMs);

      const sinceStart = counts.sinceStart(nowMs);
      expect(sinceStart).toMatchObject(numbersOf(all));
      expectSpread(sinceStart.duration, timesOf(all, false));
      expectSpread(sinceStart.wait, timesOf(all, true));

      const steps = counts.minutes(nowMs);
      const firstMs = Math.max(minuteStart(all[0]?.atMs ?? 0), minuteStart(nowMs) - 59 * minuteMs);
      expect(steps).toHaveLength((minuteStart(nowMs) - firstMs) / minuteMs + 1);
      for (const [index, step] of steps.entries()) {
        const fromMs = firstMs + index * minuteMs;
        const ofStep = since(fromMs).filter(({ atMs }) => atMs < fromMs + minuteMs);
        const { started, finished, failed } = numbersOf(ofStep);
        expect(step).toMatchObject({ started, finished, failed });
        expectSpread(step.duration, timesOf(ofStep, false), undefined, 0.5);
      }
    }),
    { numRuns: randomCases(300) },
  );
});

describe('the rate', () => {
  function afterJobs(count: number, spacingMs: number): { counts: QueueCounts; nowMs: number } {
    const counts = new QueueCounts(0);
    for (let job = 1; job <= count; job += 1) counts.finished(job * spacingMs, 'succeeded', 5);
    return { counts, nowMs: count * spacingMs };
  }

  test('is that of a steady queue in every window', () => {
    const { counts, nowMs } = afterJobs(20_000, 100);
    expect(counts.lastMinute(nowMs).perMinute).toBeCloseTo(600, -1);
    expect(counts.last15Minutes(nowMs).perMinute).toBeCloseTo(600, -1);
    expect(counts.sinceStart(nowMs).perMinute).toBe(600);
  });

  test('of a queue that has just begun counts its time, but at least 10 s', () => {
    const young = afterJobs(20, 100);
    expect(young.counts.lastMinute(young.nowMs).perMinute).toBe(120);
    const older = afterJobs(300, 100);
    expect(older.counts.last15Minutes(older.nowMs).perMinute).toBe(600);
  });

  test('falls to 0 a minute after the last job', () => {
    const { counts, nowMs } = afterJobs(100, 100);
    expect(counts.lastMinute(nowMs + 60_000)).toMatchObject({ finished: 0, perMinute: 0, duration: null });
    expect(counts.sinceStart(nowMs + 60_000).finished).toBe(100);
  });
});

test('durations below 8 ms are exact, and waits of years have no percentile below their class', () => {
  for (let ms = 0; ms < 8; ms += 1) {
    const counts = new QueueCounts(0);
    counts.finished(0, 'succeeded', ms);
    counts.finished(0, 'succeeded', 900);
    expect(counts.lastMinute(0).duration).toEqual({ p50Ms: ms, p95Ms: expect.any(Number), maxMs: 900 });
  }
  const counts = new QueueCounts(0);
  counts.started(0, 40 * 86_400_000);
  expect(counts.lastMinute(0).wait).toEqual({
    p50Ms: 40 * 86_400_000,
    p95Ms: 40 * 86_400_000,
    maxMs: 40 * 86_400_000,
  });
});

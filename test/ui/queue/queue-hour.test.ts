import { expect, test } from 'vitest';
import type { StatisticsStep, WindowStatistics } from '../../../src/protocol/statistics.ts';
import { hourLines, statisticsLines } from '../../../src/ui/queue/queue-hour.ts';
import { type Line, plainText } from '../../../src/ui/text/line.ts';

const texts = (lines: readonly Line[]) => lines.map((line) => plainText(line).trimEnd());
const spread = (ms: number) => ({ p50Ms: ms, p95Ms: 2 * ms, maxMs: 5 * ms });
const step = (finished: number, failed = 0): StatisticsStep => ({
  ...{ started: finished, finished, failed },
  duration: finished === 0 ? null : spread(1_000 * finished),
});
const hour = (steps: readonly StatisticsStep[]) => ({ stepMs: 60_000, lastFromMs: 0, steps });
const window = (rest: Partial<WindowStatistics> = {}): WindowStatistics => ({
  ...{ started: 0, finished: 0, failed: 0, retried: 0, requeued: 0, snoozed: 0, perMinute: 0 },
  ...{ duration: null, wait: null },
  ...rest,
});

test('each chart has a column for each minute, its scale, and an axis', () => {
  const lines = texts(hourLines(hour([step(0), step(4, 1), step(8), step(2)]), 100));
  expect(lines).toEqual([
    `jobs    ${' '.repeat(56)}▁▅█▃  up to 8 a minute`,
    `failed  ${' '.repeat(56)}▁█▁▁  up to 1 a minute`,
    `ran p95 ${' '.repeat(56)}▁▅█▃  up to 16.0 s`,
    `        -60 min${' '.repeat(50)}now`,
  ]);
});

test('a narrow terminal shows the newest minutes, one that is too narrow no charts', () => {
  const steps = Array.from({ length: 60 }, (_, at) => step(at === 59 ? 3 : 1));
  const [jobs = '', , , axis] = texts(hourLines(hour(steps), 56));
  expect(jobs).toBe(`jobs    ${'▃'.repeat(25)}█  up to 3 a minute`);
  expect(axis).toBe(`        -26 min${' '.repeat(16)}now`);
  expect(hourLines(hour(steps), 35)).toEqual([]);
});

test('without a job there are no charts', () => {
  expect(hourLines(hour([]), 100)).toEqual([]);
  expect(hourLines(hour([step(0), step(0)]), 100)).toEqual([]);
});

test('says how long jobs ran and waited, how old the oldest is, and when the queue will be empty', () => {
  const windows = {
    lastMinute: window(),
    last15Minutes: window({ finished: 1_204, failed: 3, duration: spread(1_000), wait: spread(50) }),
    sinceStart: window({ finished: 1, duration: spread(2_000) }),
  };
  const oldest = { sinceMs: 0, isKnown: false };
  expect(texts(statisticsLines({ windows, drainMs: 300_000, oldest }, 120, 125_000))).toEqual([
    'oldest job has waited at most 2 min  empty in 5 min',
    '15 min  1,204 jobs, 3 failed  ran 1.0 s (p95 2.0 s, longest 5.0 s)  waited 50 ms (p95 100 ms, longest 250 ms)',
    'total   1 job, 0 failed  ran 2.0 s (p95 4.0 s, longest 10.0 s)',
  ]);
  expect(statisticsLines({ windows: null, drainMs: null, oldest: null }, 120, 0)).toEqual([]);
});

/** Series of metrics: how many there are, and that they never fall. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { JobSeries, LabelFold, type Series } from '../../../src/engine/statistics/job-series.ts';

function end(series: JobSeries, queue: string, jobClass: string | null = null): void {
  for (const totals of series.of(queue, jobClass)) totals.end('succeeded', 1);
}

const counted = (all: readonly Series[]) =>
  all.map(({ labels, totals }) => [...Object.values(labels), totals.ended.succeeded].join(' '));

function full(): JobSeries {
  const series = new JobSeries();
  for (let at = 0; at < 1_000; at += 1) series.queues.labelOf(`q${at}`);
  return series;
}

test('a queue that is there has a series before its first job; its series ends with it', () => {
  const series = new JobSeries();
  end(series, 'mail');
  expect(counted(series.ofQueues(['mail', 'news']))).toEqual(['mail 1', 'news 0']);
  series.removed('mail');
  expect(counted(series.ofQueues(['news']))).toEqual(['news 0']);
  end(series, 'mail');
  expect(counted(series.ofQueues(['mail']))).toEqual(['mail 1']);
});

test('queues without a label of their own share a series, which keeps the jobs of queues that are gone', () => {
  const series = full();
  for (const queue of ['a', 'b', 'b']) end(series, queue);
  expect(counted(series.ofQueues([]))).toEqual(['other 3']);
  series.removed('b');
  expect(counted(series.ofQueues([]))).toEqual(['other 3']);
  end(series, 'b');
  expect(counted(series.ofQueues([]))).toEqual(['other 4']);
});

test('whatever queues do, a shared series never falls', () => {
  const steps = fc.array(fc.tuple(fc.constantFrom('a', 'b', 'c'), fc.boolean()), { maxLength: 30 });
  fc.assert(
    fc.property(steps, (all) => {
      const series = full();
      let before = 0;
      for (const [queue, isRemoved] of all) {
        if (isRemoved) series.removed(queue);
        else end(series, queue);
        const now = series.ofQueues([]).find(({ labels }) => labels.queue === 'other');
        expect(now?.totals.ended.succeeded ?? 0).toBeGreaterThanOrEqual(before);
        before = now?.totals.ended.succeeded ?? 0;
      }
      expect(before).toBe(all.filter(([, isRemoved]) => !isRemoved).length);
    }),
    { numRuns: 20 },
  );
});

describe('classes', () => {
  const withClasses = () => {
    const series = new JobSeries();
    series.countClasses(true);
    return series;
  };

  test('are counted beside the queue, only if that is wanted', () => {
    const series = withClasses();
    for (const jobClass of ['A', 'B', 'A', null]) end(series, 'mail', jobClass);
    expect(counted(series.ofClasses(['mail', 'news']))).toEqual([
      'mail A 2',
      'mail B 1',
      'mail  1',
      'news 0',
    ]);
    expect(counted(series.ofQueues(['mail']))).toEqual(['mail 4']);
    series.countClasses(false);
    end(series, 'mail', 'A');
    expect(counted(series.ofClasses(['mail']))).toEqual(['mail 5']);
  });

  test('beyond 200 share a label', () => {
    const series = withClasses();
    for (let at = 0; at < 203; at += 1) end(series, 'mail', `C${at}`);
    const all = counted(series.ofClasses([]));
    expect(all).toHaveLength(201);
    expect(all.at(-1)).toBe('mail other 3');
    expect(series.classes?.isFolded).toBe(true);
  });

  test('have at most 5,000 series with queues, and places become free with a queue', () => {
    const series = withClasses();
    for (let queue = 0; queue < 50; queue += 1)
      for (let at = 0; at < 100; at += 1) end(series, `q${queue}`, `C${at}`);
    expect(series.classes?.isFolded).toBe(false);
    end(series, 'late', 'C0');
    end(series, 'q0', 'C0');
    expect(series.classes?.isFolded).toBe(true);
    expect(counted(series.ofClasses([]))).toContain('late other 1');
    expect(counted(series.ofClasses([]))).toContain('q0 C0 2');
    series.removed('q0');
    end(series, 'late', 'C0');
    expect(counted(series.ofClasses([]))).toContain('late C0 1');
  });
});

test('a label keeps the first values, and a place becomes free with its value', () => {
  const fold = new LabelFold(2);
  const labels = (...values: string[]) => values.map((value) => fold.labelOf(value));
  expect(labels('a', 'b', 'other', 'a')).toEqual(['a', 'b', 'other', 'a']);
  expect(fold.isFolded).toBe(false);
  expect(labels('c', 'd')).toEqual(['other', 'other']);
  expect(fold.isFolded).toBe(true);
  fold.forget('a');
  // Its counter would fall in one series and rise in another.
  expect(labels('c', 'e', 'f')).toEqual(['other', 'e', 'other']);
});

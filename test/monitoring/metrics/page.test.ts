/** The text of /metrics: what it says, and how rarely it is made. */
import { afterEach, describe, expect, test, vi } from 'vitest';
import type { JobTotals } from '../../../src/engine/statistics/job-totals.ts';
import type { ReadFigures } from '../../../src/engine/watch/redis-figures.ts';
import { FakeEngine, figures, nothingRead, queue, succeeded, valuesOf } from './figures.ts';

let engine = new FakeEngine();
afterEach(() => {
  engine.pages.stop();
  engine = new FakeEngine();
  vi.useRealTimers();
});

const read = (fields: Partial<ReadFigures>) => () => Promise.resolve({ ...nothingRead, ...fields });

test('a histogram counts durations up to each bound', async () => {
  engine.now = figures({ queues: [queue('mail')] }, { mail: succeeded(10, 11, 3_600_000, 99_999_999) });
  const text = await engine.text();
  const buckets = valuesOf(text, 'resque_runner_job_duration_seconds_bucket');
  expect(buckets).toMatchObject({
    '{le="0.01",queue="mail"}': 1,
    '{le="0.025",queue="mail"}': 2,
    '{le="900.0",queue="mail"}': 2,
    '{le="3600.0",queue="mail"}': 3,
    '{le="21600.0",queue="mail"}': 3,
    '{le="+Inf",queue="mail"}': 4,
  });
  expect(valuesOf(text, 'resque_runner_job_duration_seconds_sum')['{queue="mail"}']).toBeCloseTo(103_600.02);
  expect(valuesOf(text, 'resque_runner_job_duration_seconds_count')).toEqual({ '{queue="mail"}': 4 });
  expect(text).not.toContain('job_wait_seconds');
});

test('counters of a queue begin at 0, before its first job', async () => {
  engine.now = figures({ queues: [queue('mail')] });
  const text = await engine.text();
  expect(valuesOf(text, 'resque_runner_jobs_finished_total')).toEqual({
    '{outcome="succeeded",queue="mail"}': 0,
    '{outcome="failed",queue="mail"}': 0,
    '{outcome="retried",queue="mail"}': 0,
    '{outcome="requeued",queue="mail"}': 0,
    '{outcome="snoozed",queue="mail"}': 0,
  });
  expect(text).not.toContain('job_duration_seconds');
  expect(valuesOf(text, 'resque_runner_step_duration_seconds_count')).toEqual({ '': 0 });
});

test('CPU time of jobs adds up, and memory is the highest; it is missing while none is known', async () => {
  const mail = (totals: JobTotals) => {
    totals.end('failed', 9, { cpuMs: 1_500 });
    totals.end('requeued', 9, { cpuMs: 500.5, peakMemoryBytes: 7_000 });
    totals.end('succeeded', 9, { peakMemoryBytes: 3_000 });
  };
  engine.now = figures({ queues: [queue('mail'), queue('news')] }, { mail });
  const text = await engine.text();
  expect(valuesOf(text, 'resque_runner_job_cpu_seconds_total')).toEqual({
    '{queue="mail"}': 2.0005,
    '{queue="news"}': 0,
  });
  expect(valuesOf(text, 'resque_runner_job_peak_memory_bytes')).toEqual({ '{queue="mail"}': 7_000 });
});

test('names of queues with quotes, backslashes and line breaks are escaped', async () => {
  engine.now = figures({ queues: [queue('a"b\\c\nd', { running: 3 })] });
  expect(valuesOf(await engine.text(), 'resque_runner_jobs_running')).toEqual({
    '{queue="a\\"b\\\\c\\nd"}': 3,
  });
});

describe('10,000 queues', () => {
  const names = Array.from({ length: 10_000 }, (_, at) => `q${at}`);

  test('share 1,001 values of the label, and all jobs are counted', async () => {
    engine.now = figures(
      {
        queues: names.map((name) => queue(name, { running: 1 })),
      },
      Object.fromEntries(names.map((name) => [name, succeeded(5)])),
    );
    const waiting = { length: 2, oldestMs: null, oldest: null };
    engine.read = read({ queues: new Map(names.map((name) => [name, waiting])) });
    const text = await engine.text();
    const running = valuesOf(text, 'resque_runner_jobs_running');
    expect(Object.keys(running)).toHaveLength(1_001);
    expect(running['{queue="other"}']).toBe(9_000);
    expect(valuesOf(text, 'resque_runner_queue_length')['{queue="other"}']).toBe(18_000);
    expect(valuesOf(text, 'resque_runner_job_duration_seconds_count')['{queue="other"}']).toBe(9_000);
    expect(engine.folded).toEqual([['queue', 1_000]]);
  });
});

describe('Redis is read', () => {
  test('once for 100 readers, and at most once a second', async () => {
    vi.useFakeTimers({ toFake: ['performance', 'setTimeout', 'clearTimeout'] });
    engine.read = read({ failures: 3 });
    const texts = await Promise.all(Array.from({ length: 100 }, () => engine.text()));
    expect(new Set(texts).size).toBe(1);
    vi.advanceTimersByTime(990);
    expect(valuesOf(await engine.text(), 'resque_runner_failed_length')).toEqual({ '': 3 });
    expect(engine.reads).toBe(1);
    vi.advanceTimersByTime(10);
    await engine.text();
    expect(engine.reads).toBe(2);
  });

  test('for half a second at most', async () => {
    vi.useFakeTimers({ toFake: ['performance', 'setTimeout', 'clearTimeout'] });
    engine.read = () => new Promise(() => {});
    const text = engine.text();
    await vi.advanceTimersByTimeAsync(500);
    expect(await text).not.toContain('resque_runner_failed_length');
    expect(await text).toContain('resque_runner_redis_up 1\n');
    await vi.advanceTimersByTimeAsync(1_000);
    engine.read = read({ failures: 2 });
    expect(valuesOf(await engine.text(), 'resque_runner_failed_length')).toEqual({ '': 2 });
  });

  test('perhaps in vain: then its metrics are missing', async () => {
    engine.read = () => Promise.resolve(null);
    expect(await engine.text()).not.toContain('resque_runner_failed_length');
  });
});

test('if the figures can not be had, the next reader tries again', async () => {
  const { now } = engine;
  Object.defineProperty(engine, 'now', {
    configurable: true,
    get: () => {
      throw new Error('a fault');
    },
  });
  await expect(engine.text()).rejects.toThrow('a fault');
  Object.defineProperty(engine, 'now', { value: now });
  expect(await engine.text()).toContain('resque_runner_redis_up');
});

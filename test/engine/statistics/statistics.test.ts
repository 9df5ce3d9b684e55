/** What the events of jobs become. */
import { describe, expect, test } from 'vitest';
import { Statistics } from '../../../src/engine/statistics/statistics.ts';
import type { EngineFact } from '../../../src/protocol/events.ts';
import { MovableClock } from '../../helpers/movable-clock.ts';
import { failure, jobFinished, jobStarted, startMs } from '../../store/sample-events.ts';

const hourMs = 3_600_000;

class Heard {
  readonly clock = new MovableClock();
  readonly known = new Set(['mail', 'video']);
  readonly statistics = new Statistics(this.clock, (queue) => this.known.has(queue));
  #seq = 0;

  hear(...facts: EngineFact[]): this {
    for (const fact of facts) {
      this.#seq += 1;
      this.statistics.heard({ ...fact, seq: this.#seq, atMs: startMs });
    }
    return this;
  }

  get sinceStart() {
    return this.statistics.windows('mail')?.sinceStart;
  }
}

describe('a queue', () => {
  test('has no statistics before its first job starts', () => {
    const { statistics } = new Heard();
    expect(statistics.windows('mail')).toBeNull();
    expect(statistics.versionOf('mail')).toBeNull();
    expect(statistics.steps('mail').steps).toEqual([]);
  });

  test('counts how its jobs ended, and times only those that finished', () => {
    const heard = new Heard().hear(
      ...['1', '2', '3', '4', '5'].map((id) => jobStarted(id)),
      jobFinished('1', { durationMs: 5 }),
      jobFinished('2', { outcome: 'failed', durationMs: 7 }),
      jobFinished('3', { outcome: 'retried', durationMs: 6 }),
      jobFinished('4', { outcome: 'requeued', durationMs: 9_000 }),
      jobFinished('5', { outcome: 'snoozed', durationMs: 9_000 }),
    );
    expect(heard.sinceStart).toMatchObject({
      ...{ started: 5, finished: 3, failed: 2, retried: 1, requeued: 1, snoozed: 1 },
      duration: { p50Ms: 6, p95Ms: 7, maxMs: 7 },
      wait: null,
    });
    expect(heard.statistics.windows('video')).toBeNull();
  });

  test('counts a payload that is not a job as a failure without a duration', () => {
    const heard = new Heard().hear(
      { type: 'failure.recorded', failure: failure() },
      { type: 'failure.recorded', failure: failure({ jobId: '1' }) },
    );
    expect(heard.sinceStart).toMatchObject({ started: 0, finished: 1, failed: 1, duration: null });
  });

  test('knows how long jobs waited whose payload says it, unless their clock is wrong', () => {
    const heard = new Heard().hear(
      jobStarted('1'),
      jobStarted('2', { enqueuedAtMs: startMs - 4 }),
      jobStarted('3', { enqueuedAtMs: startMs + 30_000 }),
      jobStarted('4', { enqueuedAtMs: startMs + hourMs }),
    );
    expect(heard.sinceStart).toMatchObject({ started: 4, wait: { p50Ms: 0, p95Ms: 4, maxMs: 4 } });
  });

  test('that is gone takes its counts along; one that moved to another entry keeps them', () => {
    const heard = new Heard().hear(jobStarted('1'), { type: 'queue.removed', queue: 'mail' });
    expect(heard.sinceStart).toMatchObject({ started: 1 });
    heard.known.delete('mail');
    heard.hear({ type: 'queue.removed', queue: 'mail' }, jobFinished('1'), jobStarted('2'));
    expect(heard.sinceStart).toBeUndefined();
  });

  test('that rests for an hour while others work keeps only its totals, and works again', () => {
    const heard = new Heard().hear(jobStarted('1'), jobFinished('1', { durationMs: 7 }));
    heard.clock.move(hourMs + 60_000);
    heard.hear(jobStarted('2', { queue: 'video' }));
    expect(heard.sinceStart).toMatchObject({ finished: 1, duration: { maxMs: 7 } });
    heard.hear(jobStarted('3'), jobFinished('3', { durationMs: 9 }));
    expect(heard.sinceStart).toMatchObject({ finished: 2, duration: { maxMs: 9 } });
    expect(heard.statistics.windows('mail')?.last15Minutes).toMatchObject({ finished: 1 });
  });
});

test('the steps of an hour end now', () => {
  const heard = new Heard().hear(jobStarted('1'), jobFinished('1', { durationMs: 7 }));
  heard.clock.move(180_000);
  const { stepMs, lastFromMs, steps } = heard.statistics.steps('mail');
  expect(stepMs).toBe(60_000);
  expect(heard.clock.nowMs() - lastFromMs).toBeLessThan(60_000);
  expect(steps).toHaveLength(4);
  expect(steps[0]).toEqual({
    ...{ started: 1, finished: 1, failed: 0 },
    duration: { p50Ms: 7, p95Ms: 7, maxMs: 7 },
  });
  expect(steps.at(-1)).toEqual({ started: 0, finished: 0, failed: 0, duration: null });
});

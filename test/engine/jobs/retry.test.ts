import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { RetryPolicy, RetryRule } from '../../../src/config/config.ts';
import { retryDelay, ruleFor, wishesIn } from '../../../src/engine/jobs/retry.ts';

const rule: RetryRule = {
  ...{ attempts: 5, on: 'any', firstDelaySeconds: 15, longestDelaySeconds: 3600, jitter: 0.2, queue: null },
};
const noWishes = wishesIn(null);
const failed = { exception: 'JobError', exitCode: 1, wishes: noWishes };
const none = () => 0;

describe('the delay before the next run', () => {
  test('doubles with each run, up to the longest', () => {
    const long: RetryRule = { ...rule, attempts: 20 };
    const delays = [1, 2, 3, 8, 9, 19].map((attempt) => retryDelay(long, attempt, failed, none));
    expect(delays).toEqual([15, 30, 60, 1920, 3600, 3600]);
  });

  test('is longer by a random part of it, at most by the jitter', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 4 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (attempt, part) => {
          const least = 15 * 2 ** (attempt - 1);
          const delay = retryDelay(rule, attempt, failed, () => part) ?? Number.NaN;
          expect(delay).toBeGreaterThanOrEqual(least);
          expect(delay).toBeLessThanOrEqual(least * 1.2);
        },
      ),
    );
  });

  test('is what the job asks for', () => {
    const asking = { ...failed, wishes: wishesIn({ retry_in: 30 }) };
    expect(retryDelay(rule, 1, asking, () => 1)).toBe(30);
  });
});

describe('a job fails for good', () => {
  test('after its last attempt, whatever it asks for', () => {
    expect(retryDelay(rule, 4, failed, none)).toBe(120);
    expect(retryDelay(rule, 5, failed, none)).toBeNull();
    expect(retryDelay(rule, 5, { ...failed, wishes: wishesIn({ retry_in: 1 }) }, none)).toBeNull();
    expect(retryDelay({ ...rule, attempts: 1 }, 1, failed, none)).toBeNull();
  });

  test('if it asks for that', () => {
    expect(retryDelay(rule, 1, { ...failed, wishes: wishesIn({ retry: false }) }, none)).toBeNull();
  });

  test('if its policy names neither its exit code nor its exception', () => {
    const only: RetryRule = { ...rule, on: [75, 'TimeoutError'] };
    expect(retryDelay(only, 1, failed, none)).toBeNull();
    expect(retryDelay(only, 1, { ...failed, exitCode: 75 }, none)).toBe(15);
    expect(retryDelay(only, 1, { ...failed, exception: 'TimeoutError' }, none)).toBe(15);
    expect(retryDelay({ ...rule, on: ['75'] }, 1, { ...failed, exitCode: 75 }, none)).toBeNull();
  });
});

test('a class has a rule of its own, or that of the policy', () => {
  const own = { ...rule, attempts: 1 };
  const policy: RetryPolicy = { ...rule, classes: { Charge: own } };
  expect(ruleFor(policy, 'Charge')).toBe(own);
  for (const name of ['Mail', 'constructor', null]) expect(ruleFor(policy, name)).toBe(policy);
});

describe('what a job says of its next run', () => {
  test.each([
    [{ snooze: 60 }, { isRetryable: true, retryInSeconds: null, snoozeSeconds: 60 }],
    [{ retry: false }, { isRetryable: false, retryInSeconds: null, snoozeSeconds: null }],
    [
      { retry_in: 0.5, snooze: 0 },
      { isRetryable: true, retryInSeconds: 0.5, snoozeSeconds: 0 },
    ],
  ])('%j', (told, wishes) => {
    expect(wishesIn(told)).toEqual(wishes);
  });

  test('counts only if it is a number of seconds', () => {
    for (const told of [
      { snooze: '60', retry_in: -1, retry: 'false' },
      { snooze: null, retry_in: Number.NaN },
      {},
    ]) {
      expect(wishesIn(told)).toEqual(noWishes);
    }
  });

  test('is never longer than ten years', () => {
    expect(wishesIn({ snooze: 1e300 }).snoozeSeconds).toBe(315_360_000);
  });
});

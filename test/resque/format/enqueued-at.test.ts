import { describe, expect, test } from 'vitest';
import { enqueuedAtOf, waitedMs } from '../../../src/resque/format/enqueued-at.ts';
import { readPayload } from '../../../src/resque/format/payload.ts';

const atMs = Date.UTC(2025, 10, 28, 5, 59, 0, 123);
const activeJob = (data: object) => ({
  class: 'ActiveJob::QueueAdapters::ResqueAdapter::JobWrapper',
  args: [{ job_class: 'Mail', job_id: 'f3a1', arguments: [7], ...data }],
});

describe('the time of enqueuing', () => {
  test.each([
    ['seconds', { enqueued_at: atMs / 1_000 }],
    ['milliseconds', { enqueued_at: atMs }],
    ['a text', { enqueued_at: '2025-11-28T06:59:00.123+01:00' }],
    ['what php-resque writes', { class: 'Mail', args: [{}], id: 'f3a1', queue_time: atMs / 1_000 }],
    [
      'what ActiveJob 7.1 writes',
      activeJob({ enqueued_at: '2025-11-28T05:59:00.123456789Z', scheduled_at: null }),
    ],
    [
      'the time that ActiveJob wanted the job to run at',
      activeJob({ enqueued_at: '2025-11-27T05:59:00Z', scheduled_at: '2025-11-28T05:59:00.123456789Z' }),
    ],
    [
      "the payload's own time before ActiveJob's",
      { ...activeJob({ enqueued_at: '2025-11-27T05:59:00Z' }), enqueued_at: atMs },
    ],
  ])('is known from %s', (_, payload) => {
    expect(enqueuedAtOf(payload)).toBe(atMs);
  });

  test.each([
    ['a payload without one', { class: 'Mail', args: [7] }],
    ['no time', { enqueued_at: 'yesterday' }],
    ['a time without a zone', { enqueued_at: '2025-11-28T05:59:00' }],
    ['an empty text', activeJob({ enqueued_at: '' })],
    ['a small number', { enqueued_at: 7 }],
    ['a year before Resque', { enqueued_at: '2009-12-31T23:59:59Z' }],
    ['an infinite number', { enqueued_at: Number.POSITIVE_INFINITY }],
    ['an object', { enqueued_at: { at: atMs } }],
    ['args of another kind', { class: 'Mail', args: [{ enqueued_at: '2025-11-28T05:59:00Z' }] }],
    ['args that are no list', { class: 'Mail', args: 'x' }],
  ])('is unknown from %s', (_, payload) => {
    expect(enqueuedAtOf(payload)).toBeNull();
  });

  test('is read with the rest of the payload', () => {
    const payload = readPayload(
      Buffer.from(JSON.stringify({ class: 'Mail', args: [], queue_time: atMs / 1_000 })),
    );
    expect(payload).toMatchObject({ isObject: true, enqueuedAtMs: atMs });
  });
});

test('clocks may differ by a minute: the wait is never negative, and unknown for a job of the future', () => {
  expect(waitedMs(atMs, atMs + 250)).toBe(250);
  expect(waitedMs(atMs, atMs - 60_000)).toBe(0);
  expect(waitedMs(atMs, atMs - 60_001)).toBeNull();
});

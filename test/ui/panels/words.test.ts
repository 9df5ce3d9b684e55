import { describe, expect, test } from 'vitest';
import type { PauseReason } from '../../../src/protocol/events.ts';
import {
  age,
  exitCell,
  howItEnded,
  pauseDetail,
  perSecond,
  statusText,
} from '../../../src/ui/panels/words.ts';

const minute = 60_000;

test('rates have a decimal as long as that tells anything', () => {
  expect([0, 0.04, 0.05, 1.25, 9.94, 9.95, 120.4].map(perSecond)).toEqual([
    '0.0/s',
    '0.0/s',
    '0.1/s',
    '1.3/s',
    '9.9/s',
    '10/s',
    '120/s',
  ]);
});

test('an age moves on in seconds, minutes, hours and days', () => {
  const ages = [
    -5,
    0,
    42_900,
    minute - 1,
    minute,
    59 * minute,
    60 * minute,
    47 * 60 * minute,
    48 * 60 * minute,
  ];
  expect(ages.map(age)).toEqual(['0s', '0s', '42s', '59s', '1m', '59m', '1h', '47h', '2d']);
});

describe('how a job ended', () => {
  test.each([
    [{ exitCode: 2, signal: null }, 'exit 2', '2'],
    [{ exitCode: 0, signal: null }, 'exit 0', '0'],
    [{ exitCode: null, signal: 'SIGKILL' }, 'SIGKILL', 'KILL'],
    [{ exitCode: null, signal: null }, '', '-'],
  ])('%o', (end, words, cell) => {
    expect([howItEnded(end), exitCell(end)]).toEqual([words, cell]);
  });
});

test('a queue that cannot start and is also paused says both', () => {
  const pauses: PauseReason[] = [{ kind: 'unstartable', detail: '', sinceMs: 0 }];
  expect(statusText('unstartable', { pauses })).toBe("! can't start");
  const byHand: PauseReason = { kind: 'operator', detail: 'ann', sinceMs: 0 };
  expect(statusText('unstartable', { pauses: [...pauses, byHand] })).toBe("! can't start, PAUSED");
});

test('of the reasons for a pause, the one that wants something done is told first', () => {
  const reason = (kind: PauseReason['kind']): PauseReason => ({ kind, detail: '', sinceMs: 0 });
  const first = (...kinds: PauseReason['kind'][]) => pauseDetail(kinds.map(reason))?.kind ?? null;
  expect(first('operator', 'unstartable')).toBe('unstartable');
  expect(first('all', 'cluster', 'unreadable')).toBe('unreadable');
  expect(first('cluster', 'operator')).toBe('cluster');
  expect(first()).toBeNull();
});

import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  failedAtText,
  heartbeatText,
  runAtText,
  startedText,
  timeOfText,
} from '../../../src/resque/format/timestamps.ts';

const date = new Date('2026-01-02T03:04:05.999Z');

test("times are in Resque's formats, in UTC", () => {
  expect(runAtText(date)).toBe('2026-01-02T03:04:05Z');
  expect(failedAtText(date)).toBe('2026/01/02 03:04:05 UTC');
  expect(startedText(date)).toBe('2026-01-02 03:04:05 +0000');
  expect(heartbeatText(date)).toBe('2026-01-02T03:04:05+00:00');
});

test('a time that is read back is the same second', () => {
  const dates = fc.date({ min: new Date(0), max: new Date('9999-12-31T23:59:59Z'), noInvalidDate: true });
  fc.assert(
    fc.property(dates, (any) => {
      const second = Math.floor(any.getTime() / 1000) * 1000;
      for (const write of [runAtText, failedAtText, startedText, heartbeatText]) {
        expect(Date.parse(write(any)), write(any)).toBe(second);
      }
    }),
  );
});

test.each([
  ['Ruby', '2026-01-02 03:04:05 +0000', '2026-01-02T03:04:05Z'],
  ['Ruby, elsewhere', '2026-01-02 03:04:05 +0900', '2026-01-01T18:04:05Z'],
  ['node-resque, of a worker', '1767323045', '2026-01-02T03:04:05Z'],
  [
    'node-resque, of a job',
    'Fri Jan 02 2026 03:04:05 GMT+0100 (Central European Standard Time)',
    '2026-01-02T02:04:05Z',
  ],
  ['php-resque', 'Fri Jan 02 03:04:05 UTC 2026', '2026-01-02T03:04:05Z'],
  ['a failure', '2026/01/02 03:04:05 UTC', '2026-01-02T03:04:05Z'],
])('reads a time of %s', (_, text, iso) => {
  expect(timeOfText(text)).toBe(Date.parse(iso));
});

test.each(['', 'soon', 'Fri Jan 02 03:04:05 CET 2026', '99999999999999999999', '{}'])(
  '%j is no time',
  (text) => {
    expect(timeOfText(text)).toBeNull();
  },
);

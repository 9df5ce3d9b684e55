import fc from 'fast-check';
import { expect, test } from 'vitest';
import { failedAtText, heartbeatText, runAtText, startedText } from '../../src/resque/timestamps.ts';

const date = new Date('2026-01-02T03:04:05.999Z');

test('every time has the form that Resque gives it, in UTC', () => {
  expect(runAtText(date)).toBe('2026-01-02T03:04:05Z');
  expect(failedAtText(date)).toBe('2026/01/02 03:04:05 UTC');
  expect(startedText(date)).toBe('2026-01-02 03:04:05 +0000');
  expect(heartbeatText(date)).toBe('2026-01-02T03:04:05+00:00');
});

test('every time is the same second when it is read back', () => {
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

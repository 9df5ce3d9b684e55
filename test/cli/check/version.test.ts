import { expect, test } from 'vitest';
import { versionVerdicts } from '../../../src/cli/check/redis.ts';

const unlimited = { limit: null, rate: null } as const;
const once = { key: 'mail', delivery: 'at-most-once', ...unlimited } as const;
const atLeast = { key: 'bills', delivery: 'at-least-once', ...unlimited } as const;

test.each(['5.0.0', '6.2.0', '7.0.15', '10.1.0', ''])('version "%s" does for at-most-once', (version) => {
  expect(versionVerdicts(version, [once])).toEqual([]);
});

test('a version before 5 does for nothing', () => {
  expect(versionVerdicts('4.0.14', [once])).toMatchObject([{ level: 'FAIL', subject: 'version' }]);
});

test.each(['5.0.14', '6.0.20', '6.1.0'])('version %s does not do for at-least-once', (version) => {
  expect(versionVerdicts(version, [once, atLeast])).toEqual([
    {
      level: 'FAIL',
      subject: 'version',
      text: `${version} has no BLMOVE, which at-least-once delivery needs (bills); use Redis 6.2 or later`,
    },
  ]);
});

test.each(['6.2.0', '7.0.15', '10.1.0', ''])('version "%s" does for at-least-once', (version) => {
  expect(versionVerdicts(version, [once, atLeast])).toEqual([]);
});

test('version 6.0.20 is too old for limits', () => {
  const limited = { ...once, limit: 10 };
  const rated = { ...once, key: 'sms', rate: { intervalMs: 100, burst: 1, text: '10/s' } };
  expect(versionVerdicts('6.0.20', [once, limited, rated])).toMatchObject([
    { text: '6.0.20 has no BLMOVE, which "limit" and "rate" need (mail, sms); use Redis 6.2 or later' },
  ]);
  expect(versionVerdicts('6.2.0', [limited, rated])).toEqual([]);
});

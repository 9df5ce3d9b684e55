/** Durations of `every`, as rufus-scheduler has them. */
import { expect, test } from 'vitest';
import { readEvery } from '../../../src/config/times/every.ts';

const day = 86_400;

test.each([
  ['30s', 30],
  ['5m', 300],
  ['1h30m', 5_400],
  ['1h 30m', 5_400],
  ['1d', day],
  ['1w', 7 * day],
  ['2M', 60 * day],
  ['2m', 120],
  ['1y', 365 * day],
  ['15min', 900],
  ['15mins', 900],
  ['1 day', day],
  ['2 weeks', 14 * day],
  ['90', 90],
  ['1.5h', 5_400],
  ['0.7h', 2_520],
  ['1H', 3_600],
])('"%s" is %i seconds', (text, seconds) => {
  expect(readEvery(text)).toBe(seconds);
});

test.each(['', 's', '0', '0s', '0.5s', '1.0005m', '-5m', '5 parsecs', '1h30', '5m!', '200y', '1e3s', 'NaN'])(
  '"%s" is not a duration',
  (text) => {
    expect(readEvery(text)).toBeNull();
  },
);

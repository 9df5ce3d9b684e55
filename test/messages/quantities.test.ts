import { expect, test } from 'vitest';
import { grouped, plural } from '../../src/messages/quantities.ts';

test.each([
  [0, '0'],
  [999, '999'],
  [1_204, '1,204'],
  [1_234_567, '1,234,567'],
])('%d is written %s', (count, text) => {
  expect(grouped(count)).toBe(text);
});

test('one is no plural, none is', () => {
  expect([0, 1, 2, 1_000].map((count) => plural(count, 'job'))).toEqual([
    '0 jobs',
    '1 job',
    '2 jobs',
    '1,000 jobs',
  ]);
});

/** Numbers and times as the screens show them. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { clock } from '../../../src/messages/quantities.ts';
import { bar, elapsed, sparkline } from '../../../src/ui/text/figures.ts';

const second = 1_000;
const minute = 60 * second;
const hour = 60 * minute;
const day = 24 * hour;

describe('sparkline', () => {
  test.each([
    [[0, 0, 0], '▁▁▁'],
    [[], ''],
    [[0, 1, 2, 3, 4, 5, 6, 7], '▁▂▃▄▅▆▇█'],
    [[1, 1_000], '▂█'],
    [[5], '█'],
    [[Number.NaN, -1, 2], '▁▁█'],
  ])('of %j is %s', (values, shown) => {
    expect(sparkline(values)).toBe(shown);
  });

  test('can be given its top', () => {
    expect(sparkline([1, 7, 9], 14)).toBe('▂▅▆');
    expect(sparkline([20], 10)).toBe('█');
    expect(sparkline([1], 0)).toBe('▁');
  });
});

describe('bar', () => {
  test.each([
    [3, 5, 5, '■■■□□'],
    [0, 5, 5, '□□□□□'],
    [5, 5, 5, '■■■■■'],
    [7, 5, 5, '■■■■■'],
    [1, 1_000, 4, '■□□□'],
    [999, 1_000, 4, '■■■□'],
    [0, 0, 3, '□□□'],
    [1, 2, 1, '■'],
    [1, 2, 0, ''],
    [1, 2, -4, ''],
  ])('of %i of %i in %i columns is %s', (used, total, width, shown) => {
    expect(bar(used, total, width)).toBe(shown);
  });

  test('is as wide as asked for', () => {
    const count = fc.integer({ min: -5, max: 100 });
    fc.assert(
      fc.property(count, count, count, (used, total, width) => {
        expect(bar(used, total, width)).toHaveLength(Math.max(0, width));
      }),
    );
  });
});

describe('elapsed', () => {
  test.each([
    [0, '00:00'],
    [999, '00:00'],
    [41 * second, '00:41'],
    [12 * minute + 4 * second, '12:04'],
    [hour - 1, '59:59'],
    [hour, '1h00m'],
    [3 * hour + 4 * minute, '3h04m'],
    [day - 1, '23h59m'],
    [3 * day + 4 * hour, '3d04h'],
    [120 * day, '120d00h'],
    [-5, '00:00'],
    [Number.NaN, '00:00'],
  ])('of %d ms is %s', (ms, shown) => {
    expect(elapsed(ms)).toBe(shown);
  });
});

test('clock shows the local time of day', () => {
  expect(clock(new Date(2026, 10, 24, 6, 5, 9).getTime())).toBe('06:05:09');
});

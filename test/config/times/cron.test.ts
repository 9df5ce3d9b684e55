/** Cron lines: what is rewritten for croner, what is refused, and that croner takes all the rest. */
import { Cron } from 'croner';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { CronProblem, readCron } from '../../../src/config/times/cron.ts';

const problemOf = (text: string): string => {
  try {
    return JSON.stringify(readCron(text));
  } catch (error) {
    if (error instanceof CronProblem) return error.message;
    throw error;
  }
};

describe('a cron line', () => {
  test.each([
    ['0 3 * * *', '0 3 * * *'],
    ['  0   3 * *  MON-Fri ', '0 3 * * 1-5'],
    ['15 0 3 * * *', '15 0 3 * * *'],
    ['5/15 * * * *', '5,20,35,50 * * * *'],
    ['0 0 * * 7/2', '0 0 * * 0,2,4,6'],
    ['*/15 1,2 05 jan,Mar-may 0', '*/15 1,2 5 1,3-5 0'],
    ['0 22-2 * * *', '0 22,23,0,1,2 * * *'],
    ['0 22-4/3 * * *', '0 22,1,4 * * *'],
    ['0 0 * nov-feb *', '0 0 * 11,12,1,2 *'],
    ['0 0 * * sat-mon', '0 0 * * 6,0,1'],
    ['0 0 * * fri-sun', '0 0 * * 5,6,0'],
    ['0 0 * * 5-7', '0 0 * * 5-7'],
    ['0 0 -1 * *', '0 0 L * *'],
    ['0 0 l,15W * *', '0 0 L,15W * *'],
    ['0 0 ? * sun#2,fri#L,mon#-1,5L', '0 0 * * 0#2,5#L,1#L,5#L'],
    ['@daily', '0 0 * * *'],
    ['@Noon', '0 12 * * *'],
    ['@hourly', '0 * * * *'],
  ])('%s is %s for croner', (text, pattern) => {
    expect(readCron(text)).toEqual({ pattern, zone: null });
    expect(new Cron(pattern).nextRun()).not.toBeNull();
  });

  test.each([
    ['0 3 * * * Europe/Berlin', '0 3 * * *', 'Europe/Berlin'],
    ['1 0 3 * * mon Etc/GMT+3', '1 0 3 * * 1', 'Etc/GMT+3'],
    ['@weekly UTC', '0 0 * * 0', 'UTC'],
    ['0 3 * * * Singapore', '0 3 * * *', 'Singapore'],
  ])('%s has a time zone', (text, pattern, zone) => {
    expect(readCron(text)).toEqual({ pattern, zone });
  });

  test.each([
    ['', 'must have five fields, or six with seconds, and an optional time zone'],
    ['0 3 * *', 'must have five fields'],
    ['0 0 3 * * * 2030', 'must have five fields'],
    ['@reboot', 'must have five fields'],
    ['0 3 * * * Europe/Berln', '"Europe/Berln" is not a time zone; use a name such as Europe/Berlin or UTC'],
    ['0 0 * * mon%2', '"%" (every few weeks) is not supported, got "mon%2"; use "every": "2w"'],
    ['60 * * * *', 'the minute must be a number from 0 to 59, "*", a range such as 1-3'],
    ['* 24 * * *', 'the hour must be a number from 0 to 23'],
    ['* * 0 * *', 'the day must be a number from 1 to 31'],
    ['* * -2 * *', 'got "-2"'],
    ['* * * 13 *', 'the month must be a number from 1 to 12, a name such as feb'],
    ['* * * * 8', 'the weekday must be a number from 0 to 7, a name such as mon'],
    ['* * * * mon#6', 'got "mon#6"'],
    ['*/0 * * * *', 'got "*/0"'],
    ['* */25 * * *', 'got "*/25"'],
    ['*-5 * * * *', 'got "*-5"'],
    ['1,,2 * * * *', 'got ""'],
    ['H * * * *', 'got "h"'],
    ['1-2-3 * * * *', 'got "1-2-3"'],
    ['0 0 30 2 *', 'day 30 never comes in month 2'],
    ['0 0 31 apr-jun/2 *', 'day 31 never comes in month 4,6'],
  ])('%s is refused', (text, problem) => {
    expect(problemOf(text)).toContain(problem);
  });

  test('that is accepted has a next time in croner', () => {
    const item = (least: number, most: number) => {
      const number = fc.integer({ min: least, max: most }).map(String);
      return fc.oneof(
        number,
        fc.constant('*'),
        fc.tuple(number, number).map(([from, to]) => `${from}-${to}`),
        fc.tuple(number, fc.integer({ min: 1, max: 7 })).map(([from, step]) => `${from}/${step}`),
      );
    };
    const field = (least: number, most: number) =>
      fc.array(item(least, most), { minLength: 1, maxLength: 3 }).map((items) => items.join(','));
    const line = fc.tuple(field(0, 59), field(0, 23), field(1, 31), field(1, 12), field(0, 7));
    fc.assert(
      fc.property(line, (fields) => {
        const read = problemOf(fields.join(' '));
        if (read.includes('never comes')) return;
        expect(new Cron((JSON.parse(read) as { pattern: string }).pattern).nextRun()).not.toBeNull();
      }),
      { numRuns: 200 },
    );
  });
});

/** When schedules are due: at changes of the clock, after pauses, and with clocks that are set back. */
import { Cron } from 'croner';
import { describe, expect, test } from 'vitest';
import type { Schedule } from '../../../src/config/config.ts';
import { readCron } from '../../../src/config/times/cron.ts';
import { cronTimes, type Past, planOf } from '../../../src/engine/scheduling/due-slot.ts';
import { cronSchedule, everySchedule } from '../../resque/delayed/schedules.ts';

const at = (text: string) => Date.parse(text) / 1_000;
const hour = 3_600;
const day = 24 * hour;

/** Asks every `step` seconds, and enqueues what is due. @returns the times */
async function timesOf(schedule: Schedule, from: string, to: string, step: number, past: Partial<Past> = {}) {
  const nextCron = await cronTimes(schedule.timing);
  const times: string[] = [];
  let last = past.last ?? null;
  for (let now = at(from); now <= at(to); now += step) {
    const { due } = planOf(schedule, { since: at(from), ...past, last }, now, nextCron);
    if (due === null) continue;
    last = due;
    times.push(new Date(due * 1_000).toISOString().slice(0, 16));
  }
  return times;
}

const planAt = async (schedule: Schedule, past: Past, now: number) =>
  planOf(schedule, past, now, await cronTimes(schedule.timing));

describe('a cron line in Berlin', () => {
  const berlin = (fields: string) => cronSchedule(`${fields} Europe/Berlin`);

  test('in the hour that is skipped in spring comes right after it', async () => {
    const times = await timesOf(berlin('30 2 * * *'), '2027-03-27T00:00Z', '2027-03-29T12:00Z', 30);
    expect(times).toEqual(['2027-03-27T01:30', '2027-03-28T01:00', '2027-03-29T00:30']);
  });

  test('in the hour that comes twice in autumn comes once', async () => {
    const times = await timesOf(berlin('30 2 * * *'), '2027-10-30T12:00Z', '2027-11-01T12:00Z', 30);
    expect(times).toEqual(['2027-10-31T00:30', '2027-11-01T01:30']);
  });

  test('of every half hour comes in both of these hours', async () => {
    const times = await timesOf(berlin('*/30 * * * *'), '2027-10-30T23:45Z', '2027-10-31T02:10Z', 10);
    expect(times.map((time) => time.slice(-5))).toEqual(['00:00', '00:30', '01:00', '01:30', '02:00']);
  });

  test('comes at the same local time before and after a change', async () => {
    const times = await timesOf(berlin('0 3 * * *'), '2027-10-30T00:00Z', '2027-10-31T12:00Z', 60);
    expect(times).toEqual(['2027-10-30T01:00', '2027-10-31T02:00']);
  });
});

describe('a cron line', () => {
  test('for 29 February comes in leap years only', async () => {
    const times = await timesOf(cronSchedule('0 0 29 2 * UTC'), '2026-11-28T00:00Z', '2033-01-01T00:00Z', 60);
    expect(times).toEqual(['2028-02-29T00:00', '2032-02-29T00:00']);
  });

  test('that was missed by more than a minute is not made up for, but a restart may take that long', async () => {
    const nightly = cronSchedule('0 3 * * * UTC');
    const due = at('2027-01-02T03:00Z');
    const past = { last: due - day, since: due + 30 };
    expect(await planAt(nightly, past, due + 60)).toEqual({ due, next: due + day });
    expect(await planAt(nightly, past, due + 90)).toEqual({ due: null, next: due + day });
  });

  test('that is new has no earlier times', async () => {
    const since = at('2027-01-02T03:00:20Z');
    expect(await planAt(cronSchedule('0 3 * * * UTC'), { last: null, since }, since)).toMatchObject({
      due: null,
    });
  });

  test('comes once if several of its times are due', async () => {
    const now = at('2027-01-02T03:00:30Z');
    const everySecond = cronSchedule('* * * * * * UTC');
    expect(await planAt(everySecond, { last: now - 20, since: now - 50 }, now)).toEqual({
      due: now,
      next: now + 1,
    });
  });

  test('gives the same times whenever it is asked', async () => {
    for (const text of ['30 2 * * *', '*/20 2 * * *', '15 1-3 * * *', '0 * * * 0']) {
      const line = `${text} Europe/Berlin`;
      const timing = { kind: 'cron' as const, text: line, ...readCron(line) };
      for (const from of ['2027-03-27T20:00Z', '2027-10-30T20:00Z']) {
        const expected = new Cron(timing.pattern, { timezone: 'Europe/Berlin' })
          .nextRuns(30, new Date(from))
          .map((date) => date.getTime() / 1_000);
        const next = await cronTimes(timing);
        const found = new Set<number | null>();
        for (let time = at(from); time < (expected.at(-1) ?? 0); time += 600) found.add(next?.(time) ?? null);
        expect([...found]).toEqual(expected);
      }
    }
  });
});

describe('a schedule with an interval', () => {
  test('counts from when it was last enqueued, and keeps its rhythm if it is looked at late', async () => {
    const start = '2027-01-01T00:00Z';
    const last = at(start);
    const times = await timesOf(everySchedule('10m'), start, '2027-01-01T00:31Z', 7, { last });
    expect(times).toEqual(['2027-01-01T00:10', '2027-01-01T00:20', '2027-01-01T00:30']);
  });

  test('has a first time that its name decides, not the start of a process', async () => {
    const now = at('2027-01-01T00:00Z');
    const schedule = everySchedule('1d');
    const { next } = await planAt(schedule, { last: null, since: now }, now);
    const later = now + 100;
    expect(await planAt(schedule, { last: null, since: later }, later)).toEqual({ due: null, next });
    expect(next).toBeGreaterThan(now);
    expect(next).toBeLessThanOrEqual(now + day);
    const other = await planAt({ ...schedule, name: 'other' }, { last: null, since: now }, now);
    expect(other.next).not.toBe(next);
  });

  test('may give the delay of its first time', async () => {
    const now = at('2027-01-01T00:00Z');
    const schedule = everySchedule('1d', { firstInSeconds: 5 });
    expect(await planAt(schedule, { last: null, since: now }, now)).toEqual({ due: null, next: now + 5 });
    expect(await planAt(schedule, { last: null, since: now }, now + 5)).toEqual({
      due: now + 5,
      next: now + 5 + day,
    });
    expect(await planAt(schedule, { last: now - hour, since: now }, now)).toMatchObject({
      next: now - hour + day,
    });
  });

  test('comes once after a long pause, and counts from there', async () => {
    const now = at('2027-01-01T00:00Z');
    const past = { last: now - 5.5 * hour, since: now - 5 };
    expect(await planAt(everySchedule('1h'), past, now)).toEqual({ due: now, next: now + hour });
  });
});

describe.each([cronSchedule('0 * * * * UTC'), everySchedule('1h')])(
  'if the clock is set back: $timing.kind',
  (schedule) => {
    const last = at('2027-01-01T05:00Z');

    test('by an hour, no time comes twice', async () => {
      for (let now = last - hour; now <= last; now += 60) {
        expect(await planAt(schedule, { last, since: last - day }, now)).toMatchObject({ due: null });
      }
      expect(await planAt(schedule, { last, since: last - day }, last + hour)).toMatchObject({
        due: last + hour,
      });
    });

    test('by a year, it goes on from there', async () => {
      const now = last - 365 * day + 10;
      const { due, next } = await planAt(schedule, { last, since: last - 5 }, now);
      expect(due).toBeNull();
      expect(next).toBeLessThanOrEqual(now + hour);
    });
  },
);

/** Schedules for tests. */
import type { Schedule, Timing } from '../../../src/config/config.ts';
import { readCron } from '../../../src/config/times/cron.ts';
import { readEvery } from '../../../src/config/times/every.ts';

const base = {
  name: 'nightly',
  queue: 'reports',
  jobClass: 'Report',
  args: '[]',
  isUnique: false,
  description: '',
};

export function cronSchedule(text: string, rest: Partial<Schedule> = {}): Schedule {
  return { ...base, timing: { kind: 'cron', text, ...readCron(text) }, ...rest };
}

export function everySchedule(
  text: string,
  {
    firstInSeconds = null,
    ...rest
  }: Partial<Schedule> & Partial<Pick<Extract<Timing, { kind: 'every' }>, 'firstInSeconds'>> = {},
): Schedule {
  return { ...base, timing: { kind: 'every', text, seconds: readEvery(text) ?? 0, firstInSeconds }, ...rest };
}

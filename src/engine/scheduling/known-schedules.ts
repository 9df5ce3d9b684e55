/** All schedules that a runner of this config would enqueue: its own, and those in Redis. */
import type { Schedule } from '../../config/config.ts';
import { readPersistent } from '../../resque/delayed/persistent-schedule.ts';
import { lastSeconds, type RecurringJobs } from '../../resque/delayed/recurring-jobs.ts';
import type { CommandSender } from '../../resque/redis/send.ts';
import { cronTimes } from './cron-times.ts';
import { planOf } from './due-slot.ts';

export interface KnownSchedule {
  readonly name: string;
  readonly source: 'config' | 'redis';
  /** `null` if it can't be used; then there is a `problem`. */
  readonly schedule: Schedule | null;
  /** For people; `null` if there is none. */
  readonly problem: string | null;
}

export interface TimedSchedule extends KnownSchedule {
  /** In seconds since the epoch; `null` if never. */
  readonly next: number | null;
  readonly last: number | null;
}

/**
 * Rejects with RedisError.
 *
 * @param own the schedules of the config, which take precedence
 * @param environment such as `production`
 */
export async function knownSchedules(
  jobs: RecurringJobs,
  own: readonly Schedule[],
  environment: string,
): Promise<KnownSchedule[]> {
  const known = own.map((schedule): KnownSchedule => {
    return { name: schedule.name, source: 'config', schedule, problem: null };
  });
  for (const [name, json] of await jobs.persistent()) {
    if (own.some((schedule) => schedule.name === name)) continue;
    const read = readPersistent(name, json, environment);
    const schedule = read.kind === 'usable' ? read.schedule : null;
    const problem =
      read.kind === 'unusable'
        ? read.reason
        : read.kind === 'elsewhere'
          ? `it is for the environment ${read.environments}, not ${environment} (RAILS_ENV)`
          : null;
    known.push({ name, source: 'redis', schedule, problem });
  }
  return known;
}

/** Adds the times, and sorts by the next one. Rejects with RedisError. */
export async function withTimes(
  sender: CommandSender,
  jobs: RecurringJobs,
  known: readonly KnownSchedule[],
): Promise<{ nowMs: number; schedules: TimedSchedule[] }> {
  const [[seconds, micros], lastTexts] = await Promise.all([
    sender.command((commands) => commands.time()),
    jobs.last(known.map(({ name }) => name)),
  ]);
  const now = Number(seconds);
  const schedules = await Promise.all(
    known.map(async (each): Promise<TimedSchedule> => {
      const last = lastSeconds(lastTexts.get(each.name) ?? '');
      return { ...each, last, next: await nextTime(each.schedule, last, now) };
    }),
  );
  const order = ({ next }: TimedSchedule) => next ?? Number.POSITIVE_INFINITY;
  schedules.sort((a, b) => order(a) - order(b) || (a.name < b.name ? -1 : 1));
  return { nowMs: now * 1_000 + Math.floor(Number(micros) / 1_000), schedules };
}

async function nextTime(schedule: Schedule | null, last: number | null, now: number): Promise<number | null> {
  if (schedule === null) return null;
  const { timing } = schedule;
  const nextCron = timing.kind === 'cron' ? await cronTimes(timing) : null;
  const { due, next } = planOf(schedule, { last, since: now }, now, nextCron);
  return due ?? next;
}

/** `0 3 * * * Europe/Berlin`, `every 30m` */
export function timingText({ timing }: Schedule): string {
  return `${timing.kind === 'every' ? 'every ' : ''}${timing.text}`;
}

/** All schedules that a runner of this config would enqueue: its own, and those in Redis. */
import type { Schedule } from '../../config/config.ts';
import { readPersistent } from '../../resque/delayed/persistent-schedule.ts';
import { lastSeconds, RecurringJobs } from '../../resque/delayed/recurring-jobs.ts';
import type { ResqueKeys } from '../../resque/format/keys.ts';
import { RedisError } from '../../resque/redis/redis-error.ts';
import type { CommandSender } from '../../resque/redis/send.ts';
import { cronTimes, planOf } from './due-slot.ts';

export interface KnownSchedule {
  readonly name: string;
  readonly source: 'config' | 'redis';
  /** `null` if it can't be used; then there is a `problem`. */
  readonly schedule: Schedule | null;
  /** For people; `null` if there is none. */
  readonly problem: string | null;
  /** Nothing is wrong with it, but it is for another environment. */
  readonly isElsewhere: boolean;
}

export interface TimedSchedule extends KnownSchedule {
  /** In seconds since the epoch; `null` if never. */
  readonly next: number | null;
  readonly last: number | null;
}

/**
 * Rejects with RedisError.
 *
 * @param own the schedules of the config, which take precedence, because people can see it
 * @param environment such as `production`
 */
export async function knownSchedules(
  jobs: RecurringJobs,
  own: readonly Schedule[],
  environment: string,
): Promise<KnownSchedule[]> {
  const others = [...(await jobs.persistent())].filter(([name]) => own.every((each) => each.name !== name));
  return [...own.map(inConfig), ...others.map(([name, json]) => inRedis(name, json, environment))];
}

export function inConfig(schedule: Schedule): KnownSchedule {
  return { name: schedule.name, source: 'config', schedule, problem: null, isElsewhere: false };
}

function inRedis(name: string, json: string, environment: string): KnownSchedule {
  const about = { name, source: 'redis', schedule: null, problem: null, isElsewhere: false } as const;
  const read = readPersistent(name, json, environment);
  if (read.kind === 'usable') return { ...about, schedule: read.schedule };
  if (read.kind === 'unusable') return { ...about, problem: read.reason };
  const problem = `it is for the environment ${read.environments}, not ${environment} (RAILS_ENV)`;
  return { ...about, problem, isElsewhere: true };
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

export interface SchedulePlace {
  readonly keys: ResqueKeys;
  /** Of resque-scheduler's lock; '' for none. */
  readonly lockPrefix: string;
  /** Of the config. */
  readonly schedules: readonly Schedule[];
}

export interface ScheduleCount {
  /** Those that can be used. */
  readonly count: number;
  /** The one that is due first; `null` if none ever is. */
  readonly nextName: string | null;
  readonly nextInSeconds: number | null;
}

/**
 * For an overview. Rejects with RedisError if Redis is away.
 *
 * @returns `null` if there are none, or if they can't be read
 */
export async function countSchedules(
  sender: CommandSender,
  { keys, lockPrefix, schedules: own }: SchedulePlace,
  environment: string,
): Promise<ScheduleCount | null> {
  const jobs = new RecurringJobs(sender, keys, lockPrefix);
  try {
    const known = await knownSchedules(jobs, own, environment);
    const usable = known.filter(({ schedule }) => schedule !== null);
    if (usable.length === 0) return null;
    const { nowMs, schedules } = await withTimes(sender, jobs, usable);
    // Those that are never due again come last.
    const { name, next = null } = schedules[0] ?? {};
    const isDue = next !== null && name !== undefined;
    return {
      count: usable.length,
      nextName: isDue ? name : null,
      nextInSeconds: isDue ? Math.round(next - nowMs / 1_000) : null,
    };
  } catch (error) {
    // `schedule list` says why.
    if (error instanceof RedisError && error.kind !== 'away') return null;
    throw error;
  }
}

async function nextTime(schedule: Schedule | null, last: number | null, now: number): Promise<number | null> {
  if (schedule === null) return null;
  const { due, next } = planOf(schedule, { last, since: now }, now, await cronTimes(schedule.timing));
  return due ?? next;
}

/** `0 3 * * * Europe/Berlin`, `every 30m` */
export function timingText({ timing }: Schedule): string {
  return `${timing.kind === 'every' ? 'every ' : ''}${timing.text}`;
}

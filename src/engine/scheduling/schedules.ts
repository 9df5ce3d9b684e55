/**
 * Enqueues the jobs of schedules when they are due: those of this config, and those that others keep in Redis. It does so
 * while runners hold the locks of other schedulers: this one or another one, which may have other schedules. Redis' clock
 * decides what is due.
 *
 * Reads the schedules in Redis again every five seconds. Never touches `schedules_changed`: resque-scheduler takes the names
 * out of it to know what to read again.
 */
import type { Schedule } from '../../config/config.ts';
import type { EngineFact } from '../../protocol/events.ts';
import { environmentOf } from '../../resque/delayed/persistent-schedule.ts';
import { lastSeconds, RecurringJobs, recordedText } from '../../resque/delayed/recurring-jobs.ts';
import { RedisError } from '../../resque/redis/redis-error.ts';
import type { ResqueClient } from '../../resque/steps/client.ts';
import { cronTimes, type NextTime, planOf } from './due-slot.ts';
import { inConfig, type KnownSchedule, knownSchedules } from './known-schedules.ts';

const readAgainMs = 5_000;
/** After another process has enqueued one of them. */
const changedMs = 50;
const longestWaitMs = 60_000;

export interface SchedulesOptions {
  readonly client: ResqueClient;
  readonly schedules: readonly Schedule[];
  readonly lockPrefix: string;
  readonly publish: (fact: EngineFact) => void;
}

interface Entry {
  readonly schedule: Schedule;
  readonly nextCron: NextTime | null;
  readonly since: number;
  /** In `last_enqueued_at`; '' for nothing. */
  known: string;
}

export class Schedules {
  readonly #options: SchedulesOptions;
  readonly #jobs: RecurringJobs;
  readonly #environment = environmentOf(process.env);
  #own: readonly Schedule[];
  /** By name. */
  #entries = new Map<string, Entry>();
  /** The last reported reason why a schedule can't be enqueued, by name; '' for all of those in Redis. */
  readonly #told = new Map<string, string>();
  #readAtMs = Number.NEGATIVE_INFINITY;

  constructor(options: SchedulesOptions) {
    const { client, schedules, lockPrefix } = options;
    this.#options = options;
    this.#own = schedules;
    this.#jobs = new RecurringJobs(client.session, client.keys, lockPrefix);
  }

  reconfigure(schedules: readonly Schedule[]): void {
    this.#own = schedules;
    this.#readAtMs = Number.NEGATIVE_INFINITY;
  }

  /**
   * Call it after an attempt to take or renew the locks.
   *
   * @param nowMs by Redis' clock
   * @returns milliseconds until it must be called again. Rejects with RedisError if Redis is away
   */
  async enqueueDue(nowMs: number): Promise<number> {
    const now = Math.floor(nowMs / 1_000);
    const { clock } = this.#options.client;
    if (clock.elapsedMs() - this.#readAtMs >= readAgainMs) {
      await this.#read(now);
      this.#readAtMs = clock.elapsedMs();
    }
    let waitMs = longestWaitMs;
    for (const entry of this.#entries.values()) {
      const past = { last: lastSeconds(entry.known), since: entry.since };
      const { due, next } = planOf(entry.schedule, past, now, entry.nextCron);
      const isLeft = due !== null && (await this.#attempt(entry, due));
      if (isLeft) waitMs = Math.min(waitMs, changedMs);
      if (next !== null) waitMs = Math.min(waitMs, next * 1_000 - nowMs);
    }
    return Math.max(1, waitMs);
  }

  /** @returns whether to look at it again soon */
  async #attempt(entry: Entry, due: number): Promise<boolean> {
    const { client, publish } = this.#options;
    const { schedule } = entry;
    const { name, queue, jobClass } = schedule;
    try {
      const result = await this.#jobs.enqueueAt(schedule, { seconds: due, known: entry.known }, client.owner);
      this.#told.delete(name);
      if (result === 'held') return false;
      if (result === 'changed') {
        // Another process has enqueued it.
        this.#readAtMs = Number.NEGATIVE_INFINITY;
        return true;
      }
      entry.known = recordedText(due);
      if (result === 'enqueued') publish({ type: 'schedule.enqueued', name, queue, jobClass });
      if (result === 'waiting') publish({ type: 'schedule.skipped', name, queue, jobClass });
    } catch (error) {
      this.#refused(name, error);
    }
    return false;
  }

  async #read(now: number): Promise<void> {
    const before = this.#entries;
    const entries = new Map<string, Entry>();
    for (const { name, schedule, problem, isElsewhere } of await this.#known()) {
      if (schedule === null) {
        if (!isElsewhere) this.#fail(name, problem ?? '');
        continue;
      }
      const old = before.get(name);
      const isSame = old !== undefined && JSON.stringify(old.schedule) === JSON.stringify(schedule);
      const entry = isSame ? old : await this.#entry(schedule, now);
      if (entry !== null) entries.set(name, entry);
    }
    this.#entries = entries;
    try {
      const texts = await this.#jobs.last([...entries.keys()]);
      for (const [name, entry] of entries) entry.known = texts.get(name) ?? '';
    } catch (error) {
      // Enqueuing them fails, too, and is reported.
      if (!isRefusal(error)) throw error;
    }
  }

  async #known(): Promise<KnownSchedule[]> {
    try {
      const known = await knownSchedules(this.#jobs, this.#own, this.#environment);
      this.#told.delete('');
      return known;
    } catch (error) {
      this.#refused('', error);
      return this.#own.map(inConfig);
    }
  }

  async #entry(schedule: Schedule, now: number): Promise<Entry | null> {
    try {
      return { schedule, nextCron: await cronTimes(schedule.timing), since: now, known: '' };
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      this.#fail(schedule.name, error.message);
      return null;
    }
  }

  /** One that can't be enqueued doesn't stop the others. */
  #refused(name: string, error: unknown): void {
    if (!isRefusal(error)) throw error;
    this.#fail(name, error.message);
  }

  #fail(name: string, reason: string): void {
    if (this.#told.get(name) === reason) return;
    this.#told.set(name, reason);
    this.#options.publish({ type: 'schedule.failed', name, reason });
  }
}

/** Any other error means that Redis is away, which the caller handles. */
function isRefusal(error: unknown): error is RedisError {
  return error instanceof RedisError && (error.kind === 'refused' || error.kind === 'denied');
}

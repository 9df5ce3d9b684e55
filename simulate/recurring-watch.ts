/**
 * Watches recurring jobs. No runner takes them off their queue, so that all of them can be counted.
 *
 * - A time comes once, and never early.
 * - A time isn't lost if a runner is well from then on, even if others die with the locks.
 * - Without faults, the job is enqueued within seconds.
 */
import type { Schedule as RecurringJob, Timing } from '../src/config/config.ts';
import type { Agenda } from './agenda.ts';
import type { Dump } from './dump.ts';
import type { Runner } from './job-book.ts';
import type { Log } from './log.ts';
import type { Command, Reply } from './resp.ts';
import type { Recurring } from './schedule.ts';
import { epochMs } from './sim-server.ts';

export const recurringQueue = 'recurring';
/** The locks of a runner that died expire after a minute. */
const takeoverMs = 65_000;
/** Later than this, a well runner may be too late for a time of cron, which is missed after 75 s. */
const lateMs = 8_000;
/** Without faults. */
const promptMs = 5_000;

interface Past {
  readonly hasForgotten: boolean;
  readonly spoilt: ReadonlySet<string>;
}

type Seated = Pick<Runner, 'name'> & { readonly seat: number };

interface Watched {
  readonly recurring: Recurring;
  /** The last time that was enqueued; `null` if it isn't known. */
  lastMs: number | null;
  /** The time that comes next, or that is due. */
  dueMs: number;
  /** Since when some runners have been well, of those that can enqueue what is due. */
  sinceMs: number;
  well: readonly Seated[];
}

export class RecurringWatch {
  readonly #agenda: Agenda;
  readonly #log: Log;
  readonly #past: Past;
  readonly #watched: readonly Watched[];
  #enqueued = 0;

  constructor(recurring: readonly Recurring[], agenda: Agenda, log: Log, past: Past) {
    this.#agenda = agenda;
    this.#log = log;
    this.#past = past;
    this.#watched = recurring.map((each) => ({
      ...{ recurring: each, lastMs: null, dueMs: dueAfter(each, 0), sinceMs: 0, well: [] },
    }));
  }

  /** Whether there is anything to watch. */
  get isNeeded(): boolean {
    return this.#watched.length > 0;
  }

  /** Whether a job is due now. */
  get isWaiting(): boolean {
    return this.#watched.some(({ dueMs }) => dueMs <= this.#agenda.nowMs);
  }

  /** Redis has carried out a script of a runner. */
  executed({ name: process }: Runner, { args }: Command, [outcome]: readonly Reply[]): void {
    const [, , , queue, , , name, slot] = args;
    if (String(queue) !== recurringQueue) return;
    if (!Buffer.isBuffer(outcome) || String(outcome) !== 'enqueued') return;
    const watched = this.#watched.find(({ recurring }) => recurring.name === String(name));
    if (watched === undefined) return;
    this.#enqueued += 1;
    const { recurring, lastMs } = watched;
    const { kind, seconds } = recurring;
    const atMs = Number(slot) * 1000 - epochMs;
    const broken = (what: string) =>
      this.#log.broken(`${process} enqueues ${watched.recurring.name} for ${atMs} ms${what}`);
    if (atMs > this.#agenda.nowMs) broken(', which is to come');
    if (kind === 'cron' && dueAfter(recurring, atMs - 1) !== atMs) broken(', which is none of its times');
    const leastMs = lastMs === null ? 0 : kind === 'cron' ? lastMs + 1 : lastMs + seconds * 1000;
    if (atMs < leastMs) broken(`, and has enqueued it for ${lastMs} ms`);
    watched.lastMs = atMs;
    if (kind === 'every' || atMs >= watched.dueMs) this.#next(watched, atMs);
  }

  /** Redis has lost data: it may do again what it did. */
  forgot(): void {
    for (const watched of this.#watched) {
      watched.lastMs = null;
      this.#next(watched, this.#agenda.nowMs);
    }
  }

  /**
   * Call it often.
   *
   * @param live runners that can reach Redis, none if it refuses anything
   * @param isCalm whether the last fault is over for a while
   */
  look(live: readonly Seated[], isCalm: boolean): void {
    const { nowMs } = this.#agenda;
    for (const watched of this.#watched) {
      const { dueMs, recurring, lastMs } = watched;
      const well = live.filter(({ seat }) => recurring.seat === null || recurring.seat === seat);
      // As long as Redis knows no time, a runner counts from when it saw the job first.
      if (dueMs > nowMs && lastMs === null) watched.well = well;
      if (dueMs > nowMs && (lastMs !== null || well.length > 0)) continue;
      const isLate = recurring.kind === 'cron' && nowMs - dueMs > lateMs;
      watched.well = watched.well.filter((process) => well.includes(process));
      if (watched.well.length === 0 && (isLate || lastMs === null)) this.#next(watched, nowMs);
      else if (watched.well.length === 0) Object.assign(watched, { well, sinceMs: nowMs });
      else if (nowMs - Math.max(watched.sinceMs, dueMs) > (isCalm ? promptMs : takeoverMs)) {
        this.#log.broken(`${recurring.name} was due at ${dueMs} ms, and is not enqueued at ${nowMs} ms`);
      }
    }
  }

  /** @returns broken promises */
  atEnd(dump: Dump): string[] {
    const { hasForgotten, spoilt } = this.#past;
    const { values = [] } = dump.get(`resque:queue:${recurringQueue}`) ?? {};
    if (hasForgotten || spoilt.size > 0 || values.length === this.#enqueued) return [];
    return [`${values.length} recurring jobs are in Redis, and ${this.#enqueued} were enqueued`];
  }

  #next(watched: Watched, afterMs: number): void {
    Object.assign(watched, { dueMs: dueAfter(watched.recurring, afterMs), well: [] });
  }
}

/** The first time after this one, at the latest. */
function dueAfter({ kind, seconds, phase }: Recurring, afterMs: number): number {
  if (kind === 'every') return afterMs + seconds * 1000;
  // Times are counted from a full hour.
  const least = Math.floor((afterMs / 1000 - phase) / seconds) + 1;
  return (least * seconds + phase) * 1000;
}

/** As a runner's config has it. */
export function recurringJob(recurring: Recurring): RecurringJob {
  return {
    ...{ name: recurring.name, timing: timingOf(recurring), queue: recurringQueue, jobClass: 'RecurringJob' },
    ...{ args: JSON.stringify([recurring.name]), isUnique: false, description: '' },
  };
}

function timingOf({ kind, seconds, phase }: Recurring): Timing {
  if (kind === 'every') return { kind, seconds, text: `${seconds}s`, firstInSeconds: null };
  const pattern = seconds > 60 ? `${phase} */${seconds / 60} * * * *` : `${phase}-59/${seconds} * * * * *`;
  return { kind, pattern, text: pattern, zone: 'UTC' };
}

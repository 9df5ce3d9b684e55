/** Which time of a schedule is due. Pure: all times are data, in seconds since the epoch by Redis' clock. */
import { createHash } from 'node:crypto';
import type { Schedule, Timing } from '../../config/config.ts';

/** The first time after this one, both in seconds since the epoch; `null` if there is none. */
export type NextTime = (afterSeconds: number) => number | null;

/**
 * The times of a cron line. Loads croner when it is needed: most runners have no schedules.
 *
 * At a change to or from daylight saving time: a single time in the skipped hour comes right after it, and a single time in the
 * hour that comes twice comes once. Steps and lists of minutes come whenever the clock shows them.
 *
 * @returns `null` for `every`. Rejects if croner rejects the pattern, which `readCron` should have noticed
 */
export async function cronTimes(timing: Timing): Promise<NextTime | null> {
  if (timing.kind !== 'cron') return null;
  const { Cron } = await import('croner');
  const cron = new Cron(timing.pattern, timing.zone === null ? {} : { timezone: timing.zone });
  // A runner asks every second, and the answer stays the same until that time has come.
  let from = Number.POSITIVE_INFINITY;
  let next: number | null = null;
  return (afterSeconds) => {
    if (afterSeconds < from || (next !== null && afterSeconds >= next)) {
      const date = cron.nextRun(new Date(afterSeconds * 1_000));
      from = afterSeconds;
      next = date === null ? null : Math.floor(date.getTime() / 1_000);
    }
    return next;
  };
}

/**
 * A time that is late by more than this is missed. It covers the locks of a runner that died, which expire after a minute, and
 * the restart of a runner.
 */
const graceSeconds = 75;
/** If the clock was set back by more than this, times ahead of it are forgotten. Otherwise schedules wait for them. */
const farAheadSeconds = 3_700;

/** What is known about a schedule. */
export interface Past {
  /** When it was last enqueued; `null` if never. */
  readonly last: number | null;
  /** When this process saw it first. */
  readonly since: number;
}

export interface Plan {
  /** The time that is due; `null` if none is. */
  readonly due: number | null;
  /** The time after that; `null` if there is none. */
  readonly next: number | null;
}

/** @param nextCron of its cron line; `null` for `every` */
export function planOf(schedule: Schedule, past: Past, now: number, nextCron: NextTime | null): Plan {
  const last = past.last !== null && past.last <= now + farAheadSeconds ? past.last : null;
  const since = Math.min(past.since, now);
  // A schedule that was never enqueued may be new. Times before it existed don't count.
  const from = Math.max(last ?? since, now - graceSeconds);
  if (nextCron !== null) return cronPlan(nextCron, from, now);
  const { timing, name } = schedule;
  if (timing.kind !== 'every') throw new TypeError('a cron line has no times');
  const { seconds, firstInSeconds } = timing;
  const first =
    last !== null
      ? last + seconds
      : firstInSeconds === null
        ? nextInPhase(name, seconds, from)
        : since + firstInSeconds;
  return everyPlan(first, seconds, now);
}

/** If several times are due, only the last of them is enqueued. */
function cronPlan(nextCron: NextTime, from: number, now: number): Plan {
  let due: number | null = null;
  let next = nextCron(from);
  while (next !== null && next <= now) {
    due = next;
    next = nextCron(next);
  }
  return { due, next };
}

function everyPlan(first: number, seconds: number, now: number): Plan {
  if (first > now) return { due: null, next: first };
  // After a long pause, the interval starts now. Otherwise it keeps its rhythm, so that delays of a second don't add up.
  const due = now - first > graceSeconds ? now : now - ((now - first) % seconds);
  return { due, next: due + seconds };
}

/** The name decides the phase. So a restart changes nothing, and new schedules aren't all due at once. */
function nextInPhase(name: string, seconds: number, from: number): number {
  const phase = createHash('sha1').update(name).digest().readUInt32BE() % seconds;
  return from + 1 + ((((phase - from - 1) % seconds) + seconds) % seconds);
}

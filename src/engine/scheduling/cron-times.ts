/** The times of cron lines. Loads croner when it is needed: most runners have no schedules. */
import type { Timing } from '../../config/config.ts';

/** The first time after this one, both in seconds since the epoch; `null` if there is none. */
export type NextTime = (afterSeconds: number) => number | null;

/**
 * At a change to or from daylight saving time: a single time in the skipped hour comes right after it, and a single time in the
 * hour that comes twice comes once. Steps and lists of minutes come whenever the clock shows them.
 *
 * Rejects if croner rejects the pattern, which `readCron` should have noticed.
 */
export async function cronTimes({ pattern, zone }: Extract<Timing, { kind: 'cron' }>): Promise<NextTime> {
  const { Cron } = await import('croner');
  const cron = new Cron(pattern, zone === null ? {} : { timezone: zone });
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

/** Adds recurring jobs to some schedules. */
import { Random } from '../chaos/random.ts';
import type { Recurring, Schedule } from './schedule.ts';

/** Draws from numbers of its own, so that the rest of the schedule stays as it is. */
export function addRecurring(schedule: Schedule): Schedule {
  const random = new Random(schedule.seed ^ 0x7ec42);
  for (let skipped = 0; skipped < 5; skipped += 1) random.next();
  if (random.next() < 0.7) return schedule;
  const lastSecond = Math.ceil((schedule.steps.at(-1)?.atMs ?? 0) / 1000);
  const one = (name: string): Recurring => {
    const kind = random.pick(['cron', 'cron', 'every'] as const);
    const seconds = random.pick([5, 30, 120]);
    // The rare ones are due while there are faults.
    const phase = kind === 'cron' ? random.below(Math.min(seconds, 60, lastSecond + 1)) : 0;
    return { name, kind, seconds, phase, seat: random.next() < 0.3 ? 0 : null };
  };
  const recurring = ['t0', 't1'].slice(0, 1 + random.below(2)).map(one);
  return { ...schedule, recurring };
}

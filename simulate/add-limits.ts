/** Adds limits over all runners to the entries of some schedules. */
import { Random } from '../chaos/random.ts';
import { rateOf } from '../src/config/times/rate.ts';
import type { Entry, JobPlan, Limits, Schedule } from './schedule.ts';

const rates = ['10/s', '20/s burst 5', '2/s burst 3', '1/s'];

/** Draws from numbers of its own, so that the rest of the schedule stays as it is. */
export function addLimits(schedule: Schedule): Schedule {
  const random = new Random(schedule.seed ^ 0x11317);
  for (let skipped = 0; skipped < 5; skipped += 1) random.next();
  if (random.next() < 0.6) return schedule;
  const limits = (): Limits => {
    const kind = random.pick(['limit', 'limit', 'limit', 'rate', 'both', 'both'] as const);
    return {
      limit: kind === 'rate' ? null : 1 + random.below(3),
      rate: kind === 'limit' ? null : rateOf(random.pick(rates)),
    };
  };
  const none: Limits = { limit: null, rate: null };
  const keys = schedule.configs[0]?.map(({ key }) => key) ?? [];
  const known = new Map(keys.map((key) => [key, random.next() < 0.8 ? limits() : none]));
  const mayChange = random.next() < 0.3;
  const configs = schedule.configs.map((entries, at) =>
    entries.map((entry): Entry => {
      if (at === 0 || !mayChange || random.next() < 0.5) return { ...entry, ...known.get(entry.key) };
      return { ...entry, ...(random.next() < 0.4 ? none : limits()) };
    }),
  );
  // Longer than it takes to connect again.
  const times = random.next() < 0.3 ? 5 : 1;
  const longer = (plan: JobPlan): JobPlan => ({ ...plan, ms: plan.ms * times });
  const steps = schedule.steps.map((step) =>
    step.kind === 'enqueue' ? { ...step, jobs: step.jobs.map(longer) } : step,
  );
  return { ...schedule, configs, steps };
}

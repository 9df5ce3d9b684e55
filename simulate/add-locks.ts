/** Adds locks to some schedules: entries that release those of a plugin, and jobs that take one when they are enqueued. */
import { Random } from '../chaos/random.ts';
import type { Lock } from '../src/config/config.ts';
import { type JobPlan, queuesOf, type Schedule } from './schedule.ts';

const plugins: readonly Lock[] = ['node', 'loner', 'resque-lock'];

/** Draws from numbers of its own, so that the rest of the schedule stays as it is. */
export function addLocks(schedule: Schedule): Schedule {
  const random = new Random(schedule.seed ^ 0x10c55);
  for (let skipped = 0; skipped < 5; skipped += 1) random.next();
  if (random.next() < 0.6) return schedule;
  const entries = schedule.configs.flat();
  const isHeld = entries.every(({ delivery }) => delivery === 'at-least-once');
  const isRetried = entries.some(({ retry }) => (retry ?? null) !== null);
  const keys = schedule.configs[0]?.map(({ key }) => key) ?? [];
  const locks = new Map(keys.map((key) => [key, random.next() < 0.8 ? random.pick(plugins) : null]));
  const configs = schedule.configs.map((config) =>
    config.map((entry) => {
      const lock = locks.get(entry.key) ?? null;
      return lock === null ? entry : { ...entry, locks: [lock] };
    }),
  );
  const locked = (plan: JobPlan, queue: string): JobPlan => {
    const lock = [...locks].find(([key]) => queuesOf(key).includes(queue))?.[1] ?? null;
    // A run that is followed by a retry releases its lock, too, which would be that of the next equal job.
    const mayRepeat = isRetried && (plan.end === 'failure' || plan.ends !== undefined);
    if (lock === null || plan.shape !== 'plain' || mayRepeat || random.next() < 0.3) return plan;
    // Longer, so that faults come while they run.
    const ms = plan.ms + random.pick([0, 1_000, 4_000]);
    return { ...plan, ms, lock, ...(isHeld ? { copies: 1 + random.below(3) } : {}) };
  };
  const steps = schedule.steps.map((step) =>
    step.kind === 'enqueue' ? { ...step, jobs: step.jobs.map((plan) => locked(plan, step.queue)) } : step,
  );
  return { ...schedule, configs, steps };
}

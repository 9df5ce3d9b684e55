/** Adds retries to half of all schedules: policies, and jobs that fail or snooze in some of their runs. */
import { Random } from '../chaos/random.ts';
import type { RetryPolicy } from '../src/config/config.ts';
import type { Entry, JobPlan, Schedule } from './schedule.ts';

const delays = [
  [0, 0],
  [0.4, 1],
  [5, 20],
] as const;

/** Draws from numbers of its own, so that the rest of the schedule stays as it is. */
export function addRetries(schedule: Schedule): Schedule {
  const random = new Random(schedule.seed ^ 0x2e7214);
  for (let skipped = 0; skipped < 5; skipped += 1) random.next();
  if (random.next() < 0.5) return schedule;
  const policy = (): RetryPolicy => {
    const [firstDelaySeconds, longestDelaySeconds] = random.pick(delays);
    const delay = { firstDelaySeconds, longestDelaySeconds, jitter: 0 };
    return { attempts: 2 + random.below(3), on: 'any', ...delay, queue: null, classes: {} };
  };
  const policies = new Map<string, RetryPolicy | null>();
  // At least the first entry retries jobs: otherwise nothing would move what waits at the end.
  for (const { key } of schedule.configs[0] ?? [])
    policies.set(key, policies.size === 0 || random.next() < 0.7 ? policy() : null);
  const mayChange = random.next() < 0.2;
  const configs = schedule.configs.map((entries, at) =>
    entries.map((entry): Entry => {
      const retry = policies.get(entry.key) ?? null;
      if (at === 0 || !mayChange || random.next() < 0.5) return { ...entry, retry };
      return { ...entry, retry: retry === null || random.next() < 0.5 ? policy() : null };
    }),
  );
  const ends = (plan: JobPlan): JobPlan =>
    random.next() < 0.5
      ? plan
      : {
          ...plan,
          ends: Array.from({ length: 1 + random.below(4) }, () =>
            random.next() < 0.8 ? 'failure' : 'snooze',
          ),
        };
  const steps = schedule.steps.map((step) =>
    step.kind === 'enqueue' ? { ...step, jobs: step.jobs.map(ends) } : step,
  );
  return { ...schedule, configs, steps };
}

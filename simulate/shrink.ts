/** Shrinks a schedule as long as it still breaks the same kind of promise. */
import type { RealRedis } from './real-redis.ts';
import { type Result, runSchedule } from './run-schedule.ts';
import { queuesOf, type Schedule, type Step } from './schedule.ts';

const longestMs = 120_000;

export async function shrink(
  schedule: Schedule,
  result: Result,
  redis: RealRedis,
): Promise<{ schedule: Schedule; result: Result }> {
  let best = { schedule, result };
  const kind = kindOf(result);
  const endMs = performance.now() + longestMs;
  const fails = async (candidate: Schedule): Promise<boolean> => {
    if (performance.now() > endMs) return false;
    const tried = await runSchedule(candidate, redis);
    if (kindOf(tried) !== kind) return false;
    best = { schedule: candidate, result: tried };
    return true;
  };
  // Halves, quarters, … and in the end single steps; then again, as what one step was needed for may be gone.
  for (let isSmaller = true; isSmaller; ) {
    isSmaller = false;
    for (let size = Math.ceil(best.schedule.steps.length / 2); size > 0; size = Math.floor(size / 2)) {
      for (let at = 0; at < best.schedule.steps.length; ) {
        const steps = best.schedule.steps.toSpliced(at, size);
        if (await fails({ ...best.schedule, steps })) isSmaller = true;
        else at += size;
      }
    }
    for (const [at, step] of best.schedule.steps.entries()) {
      for (const smaller of smallerSteps(step)) {
        const steps = best.schedule.steps.with(at, smaller);
        if (await fails({ ...best.schedule, steps })) isSmaller = true;
      }
    }
    const { seats, configs } = best.schedule;
    for (const candidate of [
      ...(seats.length > 1 ? [{ ...best.schedule, seats: seats.slice(0, -1) }] : []),
      ...(configs[0]?.map((_, at) => ({
        ...best.schedule,
        configs: configs.map((entries) => entries.toSpliced(at, 1)),
      })) ?? []),
    ]) {
      if (coversAll(candidate) && (await fails(candidate))) isSmaller = true;
    }
  }
  return best;
}

function smallerSteps(step: Step): Step[] {
  if (step.kind === 'enqueue' && step.jobs.length > 1)
    return [
      { ...step, jobs: step.jobs.slice(0, 1) },
      { ...step, jobs: step.jobs.slice(1) },
      { ...step, jobs: step.jobs.slice(0, -1) },
    ];
  return [];
}

/** Whether each of its jobs can run. */
function coversAll({ configs, steps }: Schedule): boolean {
  const queues = configs[0]?.flatMap(({ key }) => queuesOf(key)) ?? [];
  const isCovered = (step: Step) => step.kind !== 'enqueue' || queues.includes(step.queue);
  return configs.every((entries) => entries.length > 0) && steps.every(isCovered);
}

/** A broken promise without the names and numbers in it. */
function kindOf({ violations }: Result): string {
  return (violations[0] ?? '').replace(/\d+/g, '#').slice(0, 80);
}

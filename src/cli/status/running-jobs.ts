/** The running jobs, from the workers' records. Pure. */
import { currentJob } from '../../resque/workers/current-job.ts';
import type { JudgedWorker } from '../../resque/workers/judge-workers.ts';
import type { RunningJob } from './document.ts';
import { seconds } from './workers.ts';

/** Longest running first. */
export function runningJobs(workers: readonly JudgedWorker[], nowMs: number): RunningJob[] {
  const jobs = workers.flatMap(({ facts, state }): RunningJob[] => {
    const job = currentJob(facts, nowMs);
    if (job === null) return [];
    const { queue, jobClass, args, ageMs, problem } = job;
    const about = { worker: facts.id, process: facts.about.process, workerState: state };
    return [{ ...about, queue, class: jobClass, argsText: args, ageSeconds: seconds(ageMs), problem }];
  });
  return jobs.sort((a, b) => (b.ageSeconds ?? -1) - (a.ageSeconds ?? -1));
}

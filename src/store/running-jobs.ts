/**
 * Running jobs by id, in records that are copied for every change. They are copied by hand into objects
 * without a prototype: of all ways it is by far the quickest (V8 of Node 20, 16 jobs: 1.4 µs against 6 to 8
 * with `{ ...jobs }`; 256 jobs: 20 µs against 55 to 140), and no id can name what every object inherits.
 */
import type { RunningJob, Snapshot } from '../protocol/snapshot.ts';

type Jobs = Snapshot['jobs'];

export function jobIn(jobs: Jobs, id: string): RunningJob | undefined {
  return Object.hasOwn(jobs, id) ? jobs[id] : undefined;
}

export function withJob(jobs: Jobs, job: RunningJob): Jobs {
  const copy = without(jobs, null);
  copy[job.id] = job;
  return copy;
}

export function withoutJob(jobs: Jobs, id: string): Jobs {
  return without(jobs, id);
}

/** Every running job once; those of an object that came over the link as well. */
export function listOf(jobs: Jobs): RunningJob[] {
  return Object.values(jobs);
}

function without(jobs: Jobs, id: string | null): Record<string, RunningJob> {
  const copy: Record<string, RunningJob> = Object.create(null);
  for (const key in jobs) {
    const job = jobs[key];
    if (key !== id && job !== undefined) copy[key] = job;
  }
  return copy;
}

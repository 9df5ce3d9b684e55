/** Reads the log that the jobs write: every run of every job, in order. */
import { limits, type Shared } from './plan.ts';

export interface Run {
  readonly id: string;
  /** Its runner process, as in `RESQUE_RUNNER`. */
  readonly runner: string;
  readonly worker: string;
  readonly pid: number;
  readonly attempt: number;
  hasEnded: boolean;
  /** Its state when its runner was killed; `null` if the runner wasn't. */
  atKill: 'starting' | 'running' | 'ended' | null;
}

export interface JobLog {
  readonly runs: ReadonlyMap<string, readonly Run[]>;
  /** Broken promises that the log shows. */
  readonly faults: readonly string[];
  /** By entry, the most jobs of one runner process at the same time. */
  readonly peaks: ReadonlyMap<string, number>;
}

/** @param shared by entry, its limit over both runners */
export function readJobLog(text: string, shared: Readonly<Record<string, Shared>>): JobLog {
  const runs = new Map<string, Run[]>();
  const faults: string[] = [];
  const peaks = new Map<string, number>();
  const running = new Map<string, number>();
  const all: Run[] = [];
  /** Of runners that are alive. */
  const open = new Set<Run>();
  /** Runners by the pid that was killed: pids are reused. */
  const killed = new Map<string, Set<string>>();
  for (const line of text.split('\n').slice(0, -1)) {
    const [what = '', id = '', runner = '', worker = '', pid = '', attempt = ''] = line.split(' ');
    const entry = entryOf(worker);
    const ofJob = runs.get(id) ?? [];
    switch (what) {
      case 'K':
        killed.set(id, new Set(all.filter((run) => run.worker.includes(`:${id}-`)).map((run) => run.runner)));
        for (const run of all) {
          if (run.atKill === null && run.worker.includes(`:${id}-`)) {
            run.atKill = run.hasEnded ? 'ended' : 'running';
            open.delete(run);
          }
        }
        break;
      case 'O':
        faults.push(`job ${id} began while an earlier run was still running: ${line}`);
        break;
      case 'B': {
        const now = (running.get(`${runner} ${entry}`) ?? 0) + 1;
        running.set(`${runner} ${entry}`, now);
        peaks.set(entry, Math.max(peaks.get(entry) ?? 0, now));
        if (now > (limits[entry] ?? 0)) faults.push(`${now} jobs of ${entry} at once: ${line}`);
        // A killed runner's job keeps its share until its recovery, which the log doesn't have.
        const inAll = [...open].filter((other) => entryOf(other.worker) === entry).length;
        const ofPid = killed.get(/:(\d+)-\d+:/.exec(worker)?.[1] ?? '');
        // A job that was starting when its runner was killed writes its first line a little later.
        const isLate = ofPid !== undefined && (ofPid.size === 0 || ofPid.has(runner));
        const run: Run = {
          id,
          runner,
          worker,
          pid: Number(pid),
          attempt: Number(attempt),
          hasEnded: false,
          atKill: isLate ? 'starting' : null,
        };
        if (!isLate) open.add(run);
        if (!isLate && inAll >= (shared[entry]?.limit ?? Number.POSITIVE_INFINITY))
          faults.push(`beside ${inAll} jobs of ${entry} in both runners: ${line}`);
        runs.set(id, [...ofJob, run]);
        all.push(run);
        break;
      }
      case 'E': {
        running.set(`${runner} ${entry}`, (running.get(`${runner} ${entry}`) ?? 0) - 1);
        const run = ofJob.find((known) => known.runner === runner && known.pid === Number(pid));
        if (run === undefined) faults.push(`an end without a begin: ${line}`);
        else run.hasEnded = true;
        if (run !== undefined) open.delete(run);
        if (run !== undefined && run !== ofJob.at(-1)) {
          faults.push(`job ${id} ended after a later run had begun: ${line}`);
        }
        break;
      }
      default:
        faults.push(`an unknown line: ${line}`);
    }
  }
  return { runs, faults, peaks };
}

function entryOf(worker: string): string {
  return worker.split(':').slice(2).join(':');
}

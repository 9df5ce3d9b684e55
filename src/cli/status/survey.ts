/** Turns the data in Redis into the document of `status`. Pure, except that it checks which runners of this machine live. */
import type { ScheduleCount } from '../../engine/scheduling/known-schedules.ts';
import type { ResqueKeys } from '../../resque/format/keys.ts';
import { judgeWorkers } from '../../resque/workers/judge-workers.ts';
import type { Vantage } from '../../resque/workers/liveness.ts';
import type { StatusFacts } from '../../resque/workers/read-status.ts';
import type { Delayed, SchedulerStatus, StatusDocument, WrongTypeStatus } from './document.ts';
import type { LocalRunners } from './local-runners.ts';
import { surveyProcesses } from './processes.ts';
import { surveyQueues } from './queues.ts';
import { Rates } from './rates.ts';
import { runningJobs } from './running-jobs.ts';

export interface SurveyOptions {
  /** Address of Redis, for people. */
  readonly redis: string;
  readonly namespace: string;
  readonly keys: ResqueKeys;
  /** This machine: it can see whether its own processes are alive. */
  readonly here: Vantage;
  /** Runners that could be asked. */
  readonly local: LocalRunners;
  /** `null` if there are none. */
  readonly schedules: ScheduleCount | null;
}

/** @param before the previous reading, for rates between the two; `null` in the first one */
export function survey(
  facts: StatusFacts,
  before: StatusFacts | null,
  { redis, namespace, keys, here, local, schedules }: SurveyOptions,
): StatusDocument {
  const rates = new Rates(before, facts);
  const workers = judgeWorkers(facts, here);
  const jobs = runningJobs(workers, facts.nowMs);
  const queues = surveyQueues(facts, workers, jobs, rates, keys);
  const count = (state: string) => workers.filter((worker) => worker.state === state).length;
  return {
    isReachable: true,
    redis,
    namespace,
    at: new Date(facts.nowMs).toISOString(),
    isPaused: facts.isPaused,
    totals: {
      waiting: queues.reduce((sum, { waiting }) => sum + (waiting ?? 0), 0),
      running: jobs.length,
      held: facts.held.reduce((sum, each) => sum + each.jobs, 0),
      workers: workers.length,
      staleWorkers: count('stale'),
      deadWorkers: count('dead'),
      processed: facts.processed,
      failed: facts.failed,
      failures: facts.failures,
      jobsPerSecond: rates.total(),
    },
    queues,
    processes: surveyProcesses(facts, workers, rates, here, local),
    runningJobs: jobs,
    delayed: delayedOf(facts),
    schedules,
    schedulers: schedulersOf(facts),
    wrongTypes: facts.wrongTypes.map((wrong) => ({ ...wrong, hides: hiddenBy(wrong.key, keys) })),
  };
}

function delayedOf({ delayed, nowMs }: StatusFacts): Delayed | null {
  if (delayed === null) return null;
  const { jobs, isComplete, times, retries, nextAtMs } = delayed;
  const nextInSeconds = nextAtMs === null ? null : Math.round((nextAtMs - nowMs) / 1_000);
  return { jobs, isComplete, times, retries, nextInSeconds };
}

function schedulersOf({ schedulers, runners }: StatusFacts): SchedulerStatus[] {
  const { master, leader } = schedulers;
  const holders = [
    ...(master === null ? [] : [{ name: master, kind: 'resque-scheduler' as const }]),
    ...(leader === null || leader === master ? [] : [{ name: leader, kind: 'node-resque' as const }]),
  ];
  const movers = [...runners].filter(
    ([name, entry]) => entry?.moves === true && name !== master && name !== leader,
  );
  return [
    ...holders.map(({ name, kind }) => ({
      name,
      kind: runners.has(name) ? ('resque-runner' as const) : kind,
      holdsLock: true,
    })),
    ...movers.map(([name]) => ({ name, kind: 'resque-runner' as const, holdsLock: false })),
  ];
}

function hiddenBy(key: string, keys: ResqueKeys): WrongTypeStatus['hides'] {
  if (key === keys.queues) return 'queues';
  if ([keys.workers, keys.heartbeat, keys.runners].includes(key)) return 'workers';
  if (key === keys.delayedSchedule || key.endsWith('_lock')) return 'schedule';
  if (key.startsWith(keys.queue(''))) return 'queue';
  const totals = [keys.processed, keys.failedCount, keys.failed, keys.pauseAllWorkers];
  return totals.includes(key) ? 'count' : 'worker';
}

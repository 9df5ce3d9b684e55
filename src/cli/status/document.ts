/** What `status --json` prints. Ages and times are by Redis' clock; what nobody can know is `null`, never made up. */
import type { PoolPause } from '../../resque/workers/runner-entry.ts';

/** One look. */
export interface StatusDocument {
  readonly isReachable: true;
  /** Where Redis is, without any password: `redis://db1:6379/0`. */
  readonly redis: string;
  /** Prefix of the keys. */
  readonly namespace: string;
  /** When Redis was looked at: ISO 8601, UTC. */
  readonly at: string;
  /** `pause-all-workers` is set: no worker of the namespace takes jobs. */
  readonly isPaused: boolean;
  readonly totals: Totals;
  /** Those that need somebody first, then those with most to do. */
  readonly queues: readonly QueueStatus[];
  /** Workers of every kind, those of a process together; those that nobody has heard of first, then by host. */
  readonly processes: readonly ProcessStatus[];
  /** Longest running first; those that don't say since when come last. */
  readonly runningJobs: readonly RunningJob[];
  /** Jobs that resque-scheduler or node-resque is to enqueue later; `null` where there are none. */
  readonly delayed: Delayed | null;
  /** Keys that are of another type than they should be, and so could not be read. */
  readonly wrongTypes: readonly WrongTypeStatus[];
}

/** With `--watch`: what is printed in the place of a look while Redis can't be looked at. */
export interface AwayDocument {
  readonly isReachable: false;
  readonly redis: string;
  readonly namespace: string;
  /** ISO 8601, UTC, by the clock of this machine, as the one below. */
  readonly at: string;
  /** Since when it has been so. */
  readonly awaySince: string;
  /** What is wrong, for people. */
  readonly reason: string;
}

export interface Totals {
  /** Jobs on all queues. */
  readonly waiting: number;
  /** Jobs that workers say they run, the stale and dead ones among them. */
  readonly running: number;
  /** Jobs that at-least-once runners have taken and not yet accounted for; running ones are among them. */
  readonly held: number;
  /** Registered workers, stale and dead ones among them. */
  readonly workers: number;
  readonly staleWorkers: number;
  readonly deadWorkers: number;
  /** Jobs ever processed, by Redis' counter; failed ones count, but not those of node-resque. */
  readonly processed: number | null;
  /** Jobs ever failed, by Redis' counter. */
  readonly failed: number | null;
  /** Entries of the list of failures. */
  readonly failures: number | null;
  /** By the counter `processed`, between the last look and this one; `null` without `--watch` and at first. */
  readonly jobsPerSecond: number | null;
}

export interface QueueStatus {
  readonly name: string;
  /** Jobs that wait; `null` where its key is no list. */
  readonly waiting: number | null;
  /** What its key is instead of a list: `string`; otherwise `null`. */
  readonly wrongType: string | null;
  /** Workers that take jobs from it, by name or pattern; without stale and dead ones. */
  readonly workers: number;
  /** Jobs that these can run at a time: a runner has slots, any other worker is one. Other queues may share them. */
  readonly slots: number;
  /** Pauses of runners, each with the runner that it holds for. `pause-all-workers` is told apart. */
  readonly pauses: readonly PauseStatus[];
  /** All of its workers are paused for it. */
  readonly isPaused: boolean;
  /** Stale and dead ones that would. */
  readonly lostWorkers: number;
  /** Of the former, those that run a job of it. */
  readonly working: number;
  /** Jobs of it that at-least-once runners hold. */
  readonly held: number;
  /** Jobs wait, and there is no worker. */
  readonly isUnattended: boolean;
  /**
   * Average since its workers have started; `null` where that can't be known: workers count their jobs, not the
   * queues' ones, so it can where all of them serve this queue alone.
   */
  readonly jobsPerMinute: number | null;
  /** The same between the last look and this one; `null` without `--watch` and at first. */
  readonly jobsPerSecond: number | null;
}

export interface PauseStatus {
  /** `HOST:PID` of the runner. */
  readonly process: string;
  /** `operator`: this queue by hand; `all`: all queues by hand; `unstartable`: the script can't be started. */
  readonly kind: PoolPause['kind'];
  /** What it is about: an entry of the config's `runners`, or a queue; both `null`: all. */
  readonly runner: string | null;
  readonly queue: string | null;
  /** Who did it, or why; '' if the kind says it all. */
  readonly detail: string;
  /** ISO 8601, UTC, by the runner's clock. */
  readonly since: string;
}

/** By its entry in `runners`, by its id and signs of life, else (Ruby, PHP, anyone) plain Resque. */
export type WorkerKind = 'resque-runner' | 'node-resque' | 'resque';

/**
 * `stale`: not heard of for five minutes. `dead`: a runner whose process is gone, or whose container has ended.
 * `unknown`: a runner not heard of for 40 s whose process can't be seen from here; it may be alive.
 */
export type WorkerState = 'idle' | 'working' | 'unknown' | 'stale' | 'dead';

export interface ProcessStatus {
  /** `HOST:PID`, or what there is of it. */
  readonly name: string;
  readonly host: string;
  readonly pid: number | null;
  readonly kind: WorkerKind;
  /** `working` where any of its workers is; `unknown`, `stale` and `dead` where all are. */
  readonly state: WorkerState;
  /** Since its last sign of life; `null`: it gives none that can be read, as old Ruby and PHP workers. */
  readonly heartbeatAgeSeconds: number | null;
  /** Since it started; `null` where it doesn't say. */
  readonly ageSeconds: number | null;
  /** Lists of queues as its workers name them, patterns as they stand there. */
  readonly queues: readonly string[];
  /** Jobs that it can run at a time. */
  readonly slots: number;
  readonly pauses: readonly PauseStatus[];
  /** It takes no jobs at all. */
  readonly isPaused: boolean;
  /** A runner has one for each slot that has ever run a job. */
  readonly workers: readonly WorkerStatus[];
  /** Of its workers. */
  readonly working: number;
  /** Jobs that ended, failed ones among them. */
  readonly finished: number | null;
  readonly failed: number | null;
  /** Jobs that it holds, where it is an at-least-once runner. */
  readonly held: number;
  /** Finished ones: the average since its start. */
  readonly jobsPerMinute: number | null;
  /** Finished ones between the last look and this one; `null` without `--watch` and at first. */
  readonly jobsPerSecond: number | null;
}

export interface WorkerStatus {
  readonly id: string;
  readonly state: WorkerState;
  readonly queues: string;
  readonly heartbeatAgeSeconds: number | null;
  readonly ageSeconds: number | null;
  readonly finished: number | null;
  readonly failed: number | null;
}

export interface RunningJob {
  /** `null` where the worker's record can't be read. */
  readonly queue: string | null;
  /** Of the job; `null` where it has none, or the record can't be read. */
  readonly class: string | null;
  /** JSON text of its args, cut at 2,000 characters. */
  readonly argsText: string;
  /** The worker's id. */
  readonly worker: string;
  /** `HOST:PID` of its process. */
  readonly process: string;
  readonly workerState: WorkerState;
  /** Since it began; `null` where the record doesn't say, or in words that only its writer knows. */
  readonly ageSeconds: number | null;
  /** Why the record can't be read, for people; otherwise `null`. */
  readonly problem: string | null;
}

export interface Delayed {
  /** Jobs; of many times, those that are due at the first thousand. */
  readonly jobs: number;
  /** Whether that is all of them. */
  readonly isComplete: boolean;
  /** Different times that jobs are due at. */
  readonly times: number;
  /** Until the first is due; below 0 where it is overdue, as when no scheduler runs. */
  readonly nextInSeconds: number | null;
}

export interface WrongTypeStatus {
  readonly key: string;
  readonly type: string;
  readonly expected: string;
  /** What can't be shown because of it. */
  readonly hides: 'queues' | 'workers' | 'queue' | 'worker' | 'count' | 'schedule';
}

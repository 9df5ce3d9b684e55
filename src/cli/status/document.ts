/** The JSON of `status --json`. Ages and times are by Redis' clock. A value that can't be known is `null`, never a guess. */

import type { ScheduleCount } from '../../engine/scheduling/known-schedules.ts';
import type { WorkerKind, WorkerState } from '../../protocol/redis-views.ts';
import type { WindowStatistics } from '../../protocol/statistics.ts';
import type { PoolPause } from '../../resque/workers/runner-entry.ts';

/** One reading of Redis. */
export interface StatusDocument {
  readonly isReachable: true;
  /** Address of Redis, without a password: `redis://db1:6379/0`. */
  readonly redis: string;
  /** Prefix of the keys. */
  readonly namespace: string;
  /** When Redis was read: ISO 8601, UTC. */
  readonly at: string;
  /** `pause-all-workers` is set: no worker of the namespace takes jobs. */
  readonly isPaused: boolean;
  readonly totals: Totals;
  /** Queues that need attention come first, then those with the most jobs. */
  readonly queues: readonly QueueStatus[];
  /** Workers of every kind, grouped by process. Stale and dead processes come first, then sorted by host. */
  readonly processes: readonly ProcessStatus[];
  /** Longest running first; jobs without a start time come last. */
  readonly runningJobs: readonly RunningJob[];
  /** Jobs that wait for their time; `null` if there are none. */
  readonly delayed: Delayed | null;
  /** Schedules of the config, if there is one, and of Redis; `null` if there are none. */
  readonly schedules: ScheduleCount | null;
  /** Programs that move delayed jobs to their queues. Some kinds of schedulers can't be seen in Redis. */
  readonly schedulers: readonly SchedulerStatus[];
  /** Keys that couldn't be read because they have the wrong type. */
  readonly wrongTypes: readonly WrongTypeStatus[];
}

/** With `--watch`, printed instead of a status while Redis can't be read. */
export interface AwayDocument {
  readonly isReachable: false;
  readonly redis: string;
  readonly namespace: string;
  /** ISO 8601, UTC, by the clock of this machine. */
  readonly at: string;
  /** When the outage began; same format and clock. */
  readonly awaySince: string;
  /** The error, for people. */
  readonly reason: string;
}

export interface Totals {
  /** Jobs on all queues. */
  readonly waiting: number;
  /** Jobs that workers have recorded as running, including stale and dead workers. */
  readonly running: number;
  /** Jobs that at-least-once runners have taken and not yet finished in Redis, including running jobs. */
  readonly held: number;
  /** Registered workers, including stale and dead ones. */
  readonly workers: number;
  readonly staleWorkers: number;
  readonly deadWorkers: number;
  /** Jobs ever processed, by Redis' counter. It includes failed jobs, except those of node-resque. */
  readonly processed: number | null;
  /** Jobs ever failed, by Redis' counter. */
  readonly failed: number | null;
  /** Entries of the list of failures. */
  readonly failures: number | null;
  /** By the counter `processed`, since the previous reading; `null` in the first reading and without `--watch`. */
  readonly jobsPerSecond: number | null;
}

export interface QueueStatus {
  readonly name: string;
  /** Waiting jobs; `null` if the queue's key is not a list. */
  readonly waiting: number | null;
  /** The key's type if it is not a list, such as `string`; otherwise `null`. */
  readonly wrongType: string | null;
  /** Workers that take jobs from it, by name or pattern, without stale and dead ones. */
  readonly workers: number;
  /** Jobs that these workers can run at once: a runner has slots, any other worker runs one job. Queues may share slots. */
  readonly slots: number;
  /** How many of its jobs can run at the same time over all runners; `null` for no limit. */
  readonly limit: number | null;
  /** How many of its jobs can start over all runners, such as `100/m burst 20`; `null` for no limit. */
  readonly rate: string | null;
  /** Pauses of this queue, each by one runner. `pause-all-workers` is reported separately. */
  readonly pauses: readonly PauseStatus[];
  /** Whether all of its workers are paused for it. */
  readonly isPaused: boolean;
  /** Slots that operators have set by hand. */
  readonly slotChanges: readonly SlotChange[];
  /** Stale and dead workers of this queue. */
  readonly lostWorkers: number;
  /** How many of `workers` run a job of this queue. */
  readonly working: number;
  /** Jobs of this queue that at-least-once runners hold. */
  readonly held: number;
  /** Whether jobs wait and there is no worker. */
  readonly isUnattended: boolean;
  /**
   * Average since its workers started. Workers count their jobs, not those of each queue, so this is `null` unless all of
   * the queue's workers serve only this queue.
   */
  readonly jobsPerMinute: number | null;
  /** The same since the previous reading; `null` in the first reading and without `--watch`. */
  readonly jobsPerSecond: number | null;
}

export interface PauseStatus {
  /** `HOST:PID` of the runner. */
  readonly process: string;
  /** `operator`: this queue by hand; `all`: all queues by hand; `unstartable`: the script can't be started. */
  readonly kind: PoolPause['kind'];
  /** The paused entry of the config's `runners`, or the paused queue. If both are `null`, everything is paused. */
  readonly runner: string | null;
  readonly queue: string | null;
  /** The person who paused it, or the reason; '' if the kind is enough. */
  readonly detail: string;
  /** ISO 8601, UTC, by the runner's clock. */
  readonly since: string;
}

/** Slots that differ from the config until someone goes back to it. */
export interface SlotChange {
  /** `HOST:PID` of the runner. */
  readonly process: string;
  /** The entry of the config's `runners`. */
  readonly runner: string;
  readonly slots: number;
  /** What the config says. */
  readonly configured: number;
  /** Who set them; '' if unknown. */
  readonly by: string;
  /** ISO 8601, UTC, by the runner's clock. */
  readonly since: string;
}

export interface ProcessStatus {
  /** `HOST:PID`, or the part that is known. */
  readonly name: string;
  readonly host: string;
  readonly pid: number | null;
  readonly kind: WorkerKind;
  /** `working` if any of its workers is working; `unknown`, `stale` and `dead` if all of them are. */
  readonly state: WorkerState;
  /** Since its last heartbeat; `null` if it has none that can be read, like old Ruby and PHP workers. */
  readonly heartbeatAgeSeconds: number | null;
  /** Since it started; `null` if unknown. */
  readonly ageSeconds: number | null;
  /** The queue lists in its workers' ids, with patterns as written. */
  readonly queues: readonly string[];
  /** Jobs that it can run at once. */
  readonly slots: number;
  /** Those that operators have set by hand. */
  readonly slotChanges: readonly SlotChange[];
  readonly pauses: readonly PauseStatus[];
  /** Whether it takes no jobs at all. */
  readonly isPaused: boolean;
  /** A runner has one for each slot that has ever run a job. */
  readonly workers: readonly WorkerStatus[];
  /** How many of its workers are working. */
  readonly working: number;
  /** Jobs that ended, including failed ones. */
  readonly finished: number | null;
  readonly failed: number | null;
  /** Jobs that it holds if it is an at-least-once runner. */
  readonly held: number;
  /** Finished jobs: the average since its start. */
  readonly jobsPerMinute: number | null;
  /** Finished jobs since the previous reading; `null` in the first reading and without `--watch`. */
  readonly jobsPerSecond: number | null;
  /** Of runners of this user on this machine: three windows for each queue whose jobs it has run. Otherwise empty. */
  readonly statistics: readonly WindowStatus[];
}

/** What a runner counted of one queue in the last minute, the last 15 minutes, or since its start. */
export interface WindowStatus extends Omit<WindowStatistics, 'duration' | 'wait'> {
  readonly queue: string;
  readonly window: '1m' | '15m' | 'start';
  /** How long jobs ran that finished; `null` without any. */
  readonly p50Ms: number | null;
  readonly p95Ms: number | null;
  readonly maxMs: number | null;
  /** From enqueuing to the start; `null` if the payloads don't say when they were enqueued. */
  readonly waitP50Ms: number | null;
  readonly waitP95Ms: number | null;
  readonly waitMaxMs: number | null;
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
  /** `null` if the worker's record can't be read. */
  readonly queue: string | null;
  /** `null` if the job has none or the record can't be read. */
  readonly class: string | null;
  /** JSON text of its args, cut at 2,000 characters. */
  readonly argsText: string;
  /** The worker's id. */
  readonly worker: string;
  /** `HOST:PID` of its process. */
  readonly process: string;
  readonly workerState: WorkerState;
  /** Since it began; `null` if the record has no time, or a time in an unknown format. */
  readonly ageSeconds: number | null;
  /** Why the record can't be read, for people; otherwise `null`. */
  readonly problem: string | null;
}

export interface Delayed {
  /** Delayed jobs; counts only the first thousand due times. */
  readonly jobs: number;
  /** Whether `jobs` counts all of them. */
  readonly isComplete: boolean;
  /** Number of different due times. */
  readonly times: number;
  /** How many of the next hundred delayed jobs are retries; `null` if this user may not run scripts. */
  readonly retries: number | null;
  /** Until the first job is due; negative if it is overdue, for example because no scheduler runs. */
  readonly nextInSeconds: number | null;
}

export interface SchedulerStatus {
  /** Usually `HOST:PID`. */
  readonly name: string;
  /** By the lock that it holds; `resque-runner` if it is a registered runner. */
  readonly kind: 'resque-scheduler' | 'node-resque' | 'resque-runner';
  /** Whether it holds a lock, so that other schedulers stand by. */
  readonly holdsLock: boolean;
}

export interface WrongTypeStatus {
  readonly key: string;
  readonly type: string;
  readonly expected: string;
  /** The data that can't be shown because of it. */
  readonly hides: 'queues' | 'workers' | 'queue' | 'worker' | 'count' | 'schedule';
}

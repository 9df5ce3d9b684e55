/**
 * What a screen shows of Redis: workers of every kind and host, delayed jobs, schedules and waiting jobs. JSON-safe. Texts of
 * others are hostile until sanitized.
 */

/** Known from the hash `runners`, the worker's id and its heartbeat. Others (Ruby, PHP, …) are plain Resque. */
export type WorkerKind = 'resque-runner' | 'node-resque' | 'resque';

/**
 * `stale`: silent for five minutes. `dead`: a runner whose process or container has ended. `unknown`: a runner that has
 * been silent for 40 s and whose process can't be seen from the machine that judges; it may be alive.
 */
export type WorkerState = 'idle' | 'working' | 'unknown' | 'stale' | 'dead';

/** Why a runner counts as dead. */
export type Death = 'gone' | 'silent' | 'cut-off';

export interface WorkerInfo {
  readonly id: string;
  readonly kind: WorkerKind;
  readonly state: WorkerState;
  /** Why it counts as `stale` or `dead`; otherwise `null`. */
  readonly death: Death | null;
  readonly host: string;
  readonly pid: number | null;
  /** `HOST:PID`, or the part that is known. */
  readonly process: string;
  /** Names and patterns, as in its id. */
  readonly queues: string;
  /** Whether it is a slot of the engine that replies. */
  readonly isOwn: boolean;
  /** Since its last sign of life; `null` if it has given none. By Redis' clock, as all ages here. */
  readonly silentMs: number | null;
  /** Since its start; `null` if unknown. */
  readonly ageMs: number | null;
  readonly processed: number | null;
  readonly failed: number | null;
  /** What it runs, or ran last; `null` if it runs nothing. */
  readonly job: WorkerJob | null;
}

export interface WorkerJob {
  /** `null` if the worker's record can't be read. */
  readonly queue: string | null;
  /** `null` if the job has none, or the record can't be read. */
  readonly jobClass: string | null;
  /** JSON text of its args, cut; '' if there are none. */
  readonly args: string;
  /** Since its start; `null` if unknown. */
  readonly ageMs: number | null;
  /** Why the record can't be read, for people; otherwise `null`. */
  readonly problem: string | null;
}

export interface WorkersData {
  readonly kind: 'workers';
  /** Number of all registered workers. */
  readonly total: number;
  /** Stale and dead ones first. */
  readonly workers: readonly WorkerInfo[];
}

/** Most workers of a reply. */
export const workersLimit = 1_000;

/** Identifies a delayed job by its time and bytes, so that a command never affects the wrong one. */
export interface DelayedRef {
  /** As it is written in Redis: seconds since the epoch, unless another program wrote something else. */
  readonly time: string;
  /** Its last known place among the jobs of that time, a hint. */
  readonly index: number;
  /** Of its bytes. */
  readonly sha1: string;
}

export interface DelayedView {
  /**
   * `1795533619@3fa9c1d2`: its time, and the beginning of the SHA-1 of its bytes, as `resque-runner delayed` shows it. Equal
   * jobs share it.
   */
  readonly id: string;
  /** In milliseconds since the epoch; `null` if it is never due. */
  readonly dueAtMs: number | null;
  /** `null` if it names none: then it can't run. */
  readonly queue: string | null;
  readonly jobClass: string | null;
  /** JSON text of its args, cut; '' if there are none. */
  readonly args: string;
  /** Whether it is a JSON object. */
  readonly isReadable: boolean;
}

/** What a runner keeps beside a job that it retries. */
export interface WaitingRetry {
  /** Number of the run that comes next. */
  readonly attempt: number;
  /** As in failure records; `null` if it has not failed. */
  readonly firstFailedAt: string | null;
  readonly lastError: string | null;
}

/** If it is not readable, `args` is the beginning of its bytes. */
export interface DelayedInfo extends DelayedRef, DelayedView {
  /** `null` if it is not a retry of a runner. */
  readonly retry: DelayedRetry | null;
}

export interface DelayedRetry extends WaitingRetry {
  /** Runs in all, by the config of the engine that replies; `null` if it doesn't retry this queue. */
  readonly of: number | null;
}

export interface ScheduleInfo {
  readonly name: string;
  /** Where it is kept. */
  readonly source: 'config' | 'redis';
  /** `0 3 * * * Europe/Berlin`, `every 30m`; '' if it can't be used. */
  readonly timing: string;
  readonly queue: string | null;
  readonly jobClass: string | null;
  /** JSON text of its args, cut. */
  readonly args: string;
  readonly description: string;
  /** In milliseconds since the epoch; `null` if never. */
  readonly nextAtMs: number | null;
  readonly lastAtMs: number | null;
  /** Why it can't be enqueued, for people; otherwise `null`. */
  readonly problem: string | null;
}

export interface DelayedData {
  readonly kind: 'delayed';
  /** Redis' clock. */
  readonly nowMs: number;
  readonly jobs: readonly DelayedInfo[];
  /** `after` of the next page; `null` after the last job. */
  readonly next: string | null;
}

export interface SchedulesData {
  readonly kind: 'schedules';
  /** Redis' clock. */
  readonly nowMs: number;
  readonly total: number;
  /** The next one first. */
  readonly schedules: readonly ScheduleInfo[];
}

/** Most delayed jobs of a reply. */
export const delayedPageLimit = 500;
/** Most schedules of a reply. */
export const schedulesLimit = 500;

/** Identifies a waiting job by value. Equal jobs can't be told apart; the one at the index is meant, if it is still there. */
export interface WaitingJobRef {
  /** Its last known index, a hint for finding it fast. */
  readonly index: number;
  /** Of its bytes. */
  readonly sha1: string;
}

export interface WaitingJob extends WaitingJobRef {
  /** In bytes. */
  readonly size: number;
  /** Its bytes as text, or their beginning. */
  readonly payload: string;
  readonly isWhole: boolean;
  readonly jobClass: string | null;
  /** JSON text of the args, shortened; '' if there are none, or if the payload is not whole. */
  readonly args: string;
}

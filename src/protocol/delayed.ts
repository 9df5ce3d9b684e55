/** What a screen shows of delayed jobs and schedules. JSON-safe. Texts of others are hostile until sanitized. */

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

/** What a screen shows of delayed jobs and schedules. JSON-safe. Texts of others are hostile until sanitized. */

/** Identifies a delayed job by its time and bytes, so that a command never affects the wrong one. */
export interface DelayedRef {
  /** As it is written in Redis. */
  readonly time: string;
  /** Its last known place among the jobs of that time, a hint. */
  readonly index: number;
  /** Of its bytes. */
  readonly sha1: string;
}

export interface DelayedInfo extends DelayedRef {
  /** As `resque-runner delayed` shows it. Equal jobs share it. */
  readonly id: string;
  /** In milliseconds since the epoch; `null` if it is never due. */
  readonly dueAtMs: number | null;
  /** `null` if it names none: then it can't run. */
  readonly queue: string | null;
  readonly jobClass: string | null;
  /** JSON text of its args, cut. */
  readonly args: string;
  /** False if it is not a JSON object; then `args` is the beginning of its bytes. */
  readonly isReadable: boolean;
  /** `null` if it is not a retry of a runner. */
  readonly retry: DelayedRetry | null;
}

export interface DelayedRetry {
  /** Number of the run that comes next. */
  readonly attempt: number;
  /** Runs in all, by the config of the engine that replies; `null` if it doesn't retry this queue. */
  readonly of: number | null;
  readonly firstFailedAt: string | null;
  readonly lastError: string | null;
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

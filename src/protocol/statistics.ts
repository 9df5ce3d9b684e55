/**
 * What an engine knows about the jobs of a queue that it has run itself. Other runners of the queue count their own. Plain
 * data, JSON-safe.
 */
export interface QueueStatistics {
  /** `null` if none of its jobs has started. */
  readonly windows: StatisticsWindows | null;
  /** How long the waiting jobs will take at the rate of the last minute; `null` if none ended, or if the backlog is unknown. */
  readonly drainMs: number | null;
  /** `null` if no job waits, or if nothing is known about it. */
  readonly oldest: OldestJob | null;
}

export interface StatisticsWindows {
  /** The last 50 to 60 seconds. */
  readonly lastMinute: WindowStatistics;
  /** The last 14 to 15 minutes; durations and waits of the last 12 to 15. */
  readonly last15Minutes: WindowStatistics;
  readonly sinceStart: WindowStatistics;
}

export interface WindowStatistics {
  readonly started: number;
  /** Succeeded or failed. */
  readonly finished: number;
  /** Of those that finished; includes retried ones, as in Redis. */
  readonly failed: number;
  /** Of those that failed: they run again. */
  readonly retried: number;
  /** Back on the queue as if they had not run; not among the finished ones. */
  readonly requeued: number;
  /** They asked to run again later; not among the finished ones. */
  readonly snoozed: number;
  /** Finished jobs per minute, rounded to three digits. */
  readonly perMinute: number;
  /** Of jobs that finished; `null` without any. */
  readonly duration: Spread | null;
  /** From enqueuing to the start; `null` unless the payload of a started job says when it was enqueued. */
  readonly wait: Spread | null;
}

/** Milliseconds. The percentiles may be wrong by up to 10 %, because durations are counted in classes; `maxMs` is exact. */
export interface Spread {
  readonly p50Ms: number;
  readonly p95Ms: number;
  readonly maxMs: number;
}

export interface OldestJob {
  /** Milliseconds since the epoch. */
  readonly sinceMs: number;
  /** False if its payload doesn't say: it came after this, when the queue was last seen empty. */
  readonly isKnown: boolean;
}

/** The last hour in steps of `stepMs`. */
export interface StatisticsSteps {
  readonly stepMs: number;
  /** When the last step, which still goes on, began. Milliseconds since the epoch. */
  readonly lastFromMs: number;
  /** Oldest first, at most an hour of them; fewer if the first job started later. */
  readonly steps: readonly StatisticsStep[];
}

export interface StatisticsStep {
  readonly started: number;
  readonly finished: number;
  readonly failed: number;
  readonly duration: Spread | null;
}

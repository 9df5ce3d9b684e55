/**
 * The snapshot: everything that a screen needs to know about an engine at one moment. It is the result of reducing all events
 * so far. With it and the events after `seq`, a client that connects late knows as much as one that was connected from the
 * start. Plain data, JSON-safe, bounded in size.
 */
import type { EngineEvent, FailureSummary, KillReason, PoolView, QueueView, ShutdownMode } from './events.ts';
import type { JobOutcome, JobUsage, JobView, NextRun, OutputStream } from './job.ts';
import type { QueueStatistics } from './statistics.ts';

export interface Snapshot {
  /** Number of the last event in it; 0 before the first. */
  readonly seq: number;
  readonly engine: EngineState | null;
  readonly redis: RedisState;
  /** Runners and queues in order of priority. */
  readonly runners: readonly PoolView[];
  readonly queues: readonly QueueState[];
  /** Running jobs, each id once, in the order of their starts. */
  readonly jobs: readonly RunningJob[];
  /** Jobs that have ended, newest first, at most `endedJobsLimit`. */
  readonly ended: readonly EndedJob[];
  /** Failures that this engine recorded, newest first, at most `recentFailuresLimit`. */
  readonly failures: readonly RecentFailure[];
  /** Since the engine's start; a failed job also counts as processed. */
  readonly totals: { readonly processed: number; readonly failed: number; readonly unwritten: number };
  readonly throughput: Throughput;
  /** Length of the shared `failed` list; `null` before the first count. */
  readonly failedTotal: number | null;
  /** Left out before the first count. See `delayed.counted`. */
  readonly delayed?: { readonly jobs: number; readonly isComplete: boolean; readonly hasSchedules: boolean };
  /** Events that an operator wants to read again, oldest first, at most `historyLimit`; no output, no counters. */
  readonly history: readonly EngineEvent[];
}

export interface EngineState {
  readonly version: string;
  readonly pid: number;
  readonly workerHost: string;
  readonly namespace: string;
  readonly redis: string;
  readonly startedAtMs: number;
  /** How it is stopping; `null` while it takes jobs. */
  readonly stopping: ShutdownMode | null;
  readonly isStopped: boolean;
}

export interface RedisState {
  readonly state: 'connecting' | 'up' | 'down';
  readonly sinceMs: number;
  readonly serverVersion: string | null;
  readonly reason: string | null;
}

export interface QueueState extends QueueView {
  /** Waiting jobs; `null` before the first count, -1 if the key is not a list. */
  readonly backlog: number | null;
  readonly processed: number;
  readonly failed: number;
  readonly lastFailure: RecentFailure | null;
  readonly throughput: Throughput;
  /** As of the last second in which a client watched. Left out before that. */
  readonly statistics?: QueueStatistics;
}

export interface RunningJob extends JobView {
  readonly lastLine: { readonly stream: OutputStream; readonly text: string; readonly atMs: number } | null;
  /** The last signal sent to it. */
  readonly killed: { readonly signal: string; readonly reason: KillReason; readonly atMs: number } | null;
}

export interface EndedJob extends JobView, JobUsage {
  readonly endedAtMs: number;
  readonly durationMs: number;
  readonly outcome: JobOutcome;
  /** Set if the outcome is `retried` or `snoozed`. */
  readonly next?: NextRun;
  readonly exitCode: number | null;
  readonly signal: string | null;
  readonly failure: FailureSummary | null;
}

export interface RecentFailure {
  readonly atMs: number;
  readonly failure: FailureSummary;
}

/** Jobs that ended per `throughputBucketMs`, over the last `throughputBuckets` of them. */
export interface Throughput {
  /** Number of the last bucket, counting from the epoch. */
  readonly last: number;
  /** Oldest first, the last one being `last`; at most `throughputBuckets`. */
  readonly counts: readonly number[];
}

export const throughputBucketMs = 2_000;
export const throughputBuckets = 30;
export const endedJobsLimit = 100;
export const recentFailuresLimit = 50;
export const historyLimit = 500;

/** What the user interface asks a snapshot. Pure, and cheap enough to be asked anew for each frame. */
import type { PoolView } from '../protocol/events.ts';
import {
  type EndedJob,
  type EngineState,
  type QueueState,
  type RunningJob,
  recentFailuresLimit,
  type Snapshot,
  type Throughput,
  throughputBucketMs,
} from '../protocol/snapshot.ts';
import { jobIn } from './running-jobs.ts';
import { bucketOf } from './throughput.ts';

/**
 * `draining`: takes no more jobs, while some still run, or because the engine stops. `unstartable` and
 * `unreadable` go before all others: they want somebody to do something. The reasons are the queue's `pauses`.
 */
export type QueueStatus = 'running' | 'idle' | 'paused' | 'draining' | 'unstartable' | 'unreadable';

/** Rates are over this time: long enough to be steady, short enough to see a change. */
const rateWindowMs = 10_000;
/** What began just now is no rate yet: a job in the first 10 ms isn't 100 a second. */
const shortestWindowMs = 2_000;
/** For failures that are many. */
const shortestBurstMs = 10;
/** Clocks of two processes on one machine agree; events are a moment older than what compares them. */
const skewBuckets = 1;

/** Running jobs of a queue, oldest first. */
export function jobsOf({ jobs }: Snapshot, queue: string): RunningJob[] {
  return jobs.filter((job) => job.queue === queue).sort(byStart);
}

/** Running jobs of every queue that has any; for many queues at once. */
export function runningCounts({ jobs }: Snapshot): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const { queue } of jobs) counts.set(queue, (counts.get(queue) ?? 0) + 1);
  return counts;
}

/** @returns `null` where it is unknown, or ended too long ago */
export function findJob({ jobs, ended }: Snapshot, id: string): RunningJob | EndedJob | null {
  return jobIn(jobs, id) ?? ended.find((job) => job.id === id) ?? null;
}

/** The config's entry that a queue gets its slots from; `null` where that is gone. */
export function runnerOf({ runners }: Snapshot, queue: QueueState): PoolView | null {
  return runners.find(({ key }) => key === queue.runner) ?? null;
}

export function slotsInUse({ jobs }: Snapshot, runner: string): number {
  return jobs.reduce((count, job) => count + (job.runner === runner ? 1 : 0), 0);
}

/** `used` may be more than `total`: jobs go on when slots were taken away, and when their runner was. */
export function totalSlots({ jobs, runners }: Snapshot): { readonly used: number; readonly total: number } {
  const total = runners.reduce((sum, { concurrency }) => sum + concurrency, 0);
  return { used: jobs.length, total };
}

/** Whether somebody changed the slots by hand: the config says something else. */
export function isChanged({ concurrency, configuredConcurrency }: PoolView): boolean {
  return concurrency !== configuredConcurrency;
}

/** @param running jobs of this queue */
export function queueStatus(
  { pauses }: QueueState,
  runner: PoolView | null,
  running: number,
  engine: EngineState | null,
): QueueStatus {
  for (const kind of ['unstartable', 'unreadable'] as const) {
    if (pauses.some((pause) => pause.kind === kind)) return kind;
  }
  if (engine !== null && engine.stopping !== null && !engine.isStopped) return 'draining';
  const takesJobs = pauses.length === 0 && runner !== null && engine?.isStopped !== true;
  if (takesJobs) return running > 0 ? 'running' : 'idle';
  return running > 0 ? 'draining' : 'paused';
}

/** Jobs per second over the last 10 s, or since counting began; 0 when nothing has come for that long. */
export function ratePerSecond(throughput: Throughput, nowMs: number): number {
  const { last, counts } = throughput;
  const now = Math.max(last, bucketOf(nowMs));
  const known = counts.length - 1 + now - last;
  const whole = Math.min(known, rateWindowMs / throughputBucketMs);
  const sum = bucketsAt(throughput, nowMs, whole + 1).reduce((a, b) => a + b, 0);
  // The newest bucket has only begun.
  const windowMs = whole * throughputBucketMs + nowMs - now * throughputBucketMs;
  return sum / (Math.max(shortestWindowMs, windowMs) / 1_000);
}

/** Failures per second over the last 10 s, from the ones that are listed. */
export function failuresPerSecond({ failures, engine }: Snapshot, nowMs: number): number {
  const newest = nowMs + skewBuckets * throughputBucketMs;
  const recent = failures.filter(({ atMs }) => atMs > nowMs - rateWindowMs && atMs <= newest);
  const oldest = recent.at(-1);
  if (oldest === undefined) return 0;
  // Where more may have been than are listed, the list tells how long so many took.
  const isFull = recent.length === recentFailuresLimit;
  const sinceMs = isFull ? oldest.atMs : (engine?.startedAtMs ?? 0);
  const windowMs = Math.max(isFull ? shortestBurstMs : shortestWindowMs, nowMs - sinceMs);
  return recent.length / (Math.min(rateWindowMs, windowMs) / 1_000);
}

/**
 * How many jobs ended in each of the last `count` buckets of `throughputBucketMs`, oldest first; the last one is
 * the bucket of this moment. All zero where the clock was set back since: nobody knows how long ago it was.
 */
export function bucketsAt({ last, counts }: Throughput, nowMs: number, count: number): number[] {
  const shift = bucketOf(nowMs) - last;
  const isKnown = shift >= -skewBuckets;
  const start = counts.length - count + Math.max(0, shift);
  return Array.from({ length: count }, (_, at) => (isKnown ? (counts[start + at] ?? 0) : 0));
}

/** Within the same millisecond by id, since the order of a record's keys is not that in which they came. */
function byStart(a: RunningJob, b: RunningJob): number {
  return a.startedAtMs - b.startedAtMs || a.id.length - b.id.length || (a.id < b.id ? -1 : 1);
}

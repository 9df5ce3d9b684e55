/** What the screen reads from a snapshot. Pure, and cheap enough to call for each frame. */
import type { PoolView } from '../protocol/events.ts';
import type { WorkerInfo } from '../protocol/redis-views.ts';
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
import { jobIn } from './snapshot-lists.ts';
import { bucketOf } from './throughput.ts';

/**
 * `draining`: takes no more jobs while some still run, or because the engine stops. `unstartable` and `unreadable`
 * precede all others, because they need attention. The reasons are the queue's `pauses`.
 */
export type QueueStatus = 'running' | 'idle' | 'paused' | 'draining' | 'unstartable' | 'unreadable';

/** Rates cover this time: long enough to be steady, short enough to show a change. */
const rateWindowMs = 10_000;
/** At the start, rates assume at least this time: a job in the first 10 ms isn't 100 jobs a second. */
const shortestWindowMs = 2_000;
/** The same for a full list of failures, which says how long a burst took. */
const shortestBurstMs = 10;
/** The clocks of two processes on one machine agree, but events arrive a moment later. */
const skewBuckets = 1;

const noJobs: readonly RunningJob[] = [];

/** Running jobs of a queue, oldest first. */
export function jobsOf({ jobs }: Pick<Snapshot, 'jobs'>, queue: string): readonly RunningJob[] {
  return jobsByQueue(jobs).get(queue) ?? noJobs;
}

const jobsByQueue = remembered((jobs: Snapshot['jobs']): ReadonlyMap<string, readonly RunningJob[]> => {
  const byQueue = new Map<string, RunningJob[]>();
  for (const job of jobs.toSorted(byStart)) {
    const own = byQueue.get(job.queue);
    if (own === undefined) byQueue.set(job.queue, [job]);
    else own.push(job);
  }
  return byQueue;
});

/** Number of running jobs by queue, without queues that have none. */
export function runningCounts({ jobs }: Snapshot): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const { queue } of jobs) counts.set(queue, (counts.get(queue) ?? 0) + 1);
  return counts;
}

/** @returns `null` if the job is unknown or ended too long ago */
export function findJob({ jobs, ended }: Snapshot, id: string): RunningJob | EndedJob | null {
  return jobIn(jobs, id) ?? ended.find((job) => job.id === id) ?? null;
}

/** The pool that a queue gets its slots from; `null` if it has been removed. */
export function poolOf({ runners }: Snapshot, queue: QueueState): PoolView | null {
  return poolsByKey(runners).get(queue.runner) ?? null;
}

const poolsByKey = remembered(
  (pools: Snapshot['runners']): ReadonlyMap<string, PoolView> =>
    new Map(pools.map((pool) => [pool.key, pool])),
);

/** Whether an entry of the config is several queues or a pattern. */
export function hasMembers({ queues }: Pick<Snapshot, 'queues'>, { key, patterns = [] }: PoolView): boolean {
  return patterns.length > 0 || sharedEntries(queues).has(key);
}

/** Entries with a queue of another name. */
const sharedEntries = remembered(
  (queues: Snapshot['queues']): ReadonlySet<string> =>
    new Set(queues.filter(({ name, runner }) => name !== runner).map(({ runner }) => runner)),
);

export function slotsInUse({ jobs }: Snapshot, runner: string): number {
  return jobs.reduce((count, job) => count + (job.runner === runner ? 1 : 0), 0);
}

/** `used` may exceed `total`: jobs continue after their slots or their pool have been removed. */
export function totalSlots({ jobs, runners }: Snapshot): { readonly used: number; readonly total: number } {
  const total = runners.reduce((sum, { concurrency }) => sum + concurrency, 0);
  return { used: jobs.length, total };
}

/** Whether an operator changed the slots: the config says another number. */
export function isChanged({ concurrency, configuredConcurrency }: PoolView): boolean {
  return concurrency !== configuredConcurrency;
}

/** @param running jobs of this queue */
export function queueStatus(
  { pauses }: QueueState,
  pool: PoolView | null,
  running: number,
  engine: EngineState | null,
): QueueStatus {
  for (const kind of ['unstartable', 'unreadable'] as const) {
    if (pauses.some((pause) => pause.kind === kind)) return kind;
  }
  if (engine !== null && engine.stopping !== null && !engine.isStopped) return 'draining';
  const takesJobs = pauses.length === 0 && pool !== null && engine?.isStopped !== true;
  if (takesJobs) return running > 0 ? 'running' : 'idle';
  return running > 0 ? 'draining' : 'paused';
}

/** Jobs per second over the last 10 s, or since counting began; 0 if none ended in that time. */
export function ratePerSecond(throughput: Throughput, nowMs: number): number {
  const { last, counts } = throughput;
  const now = Math.max(last, bucketOf(nowMs));
  const known = counts.length - 1 + now - last;
  const whole = Math.min(known, rateWindowMs / throughputBucketMs);
  const sum = bucketsAt(throughput, nowMs, whole + 1).reduce((a, b) => a + b, 0);
  // The newest bucket has just begun.
  const windowMs = whole * throughputBucketMs + nowMs - now * throughputBucketMs;
  return sum / (Math.max(shortestWindowMs, windowMs) / 1_000);
}

/** Failures per second over the last 10 s, from the listed ones. */
export function failuresPerSecond({ failures, engine }: Snapshot, nowMs: number): number {
  const newest = nowMs + skewBuckets * throughputBucketMs;
  const recent = failures.filter(({ atMs }) => atMs > nowMs - rateWindowMs && atMs <= newest);
  const oldest = recent.at(-1);
  if (oldest === undefined) return 0;
  // If there may have been more than are listed, the list says how long so many took.
  const isFull = recent.length === recentFailuresLimit;
  const sinceMs = isFull ? oldest.atMs : (engine?.startedAtMs ?? 0);
  const windowMs = Math.max(isFull ? shortestBurstMs : shortestWindowMs, nowMs - sinceMs);
  return recent.length / (Math.min(rateWindowMs, windowMs) / 1_000);
}

/**
 * How many jobs ended in each of the last `count` buckets of `throughputBucketMs`, oldest first; the last one is the
 * bucket of this moment. All zero if the clock has been set back since: the age of the counts is unknown.
 */
export function bucketsAt({ last, counts }: Throughput, nowMs: number, count: number): number[] {
  const shift = bucketOf(nowMs) - last;
  const isKnown = shift >= -skewBuckets;
  const start = counts.length - count + Math.max(0, shift);
  return Array.from({ length: count }, (_, at) => (isKnown ? (counts[start + at] ?? 0) : 0));
}

export interface StuckJob {
  readonly silentMs: number;
  /** 95 % of the queue's finished jobs took no longer. */
  readonly p95Ms: number;
}

const longSilenceMs = 5 * 60_000;
/** With fewer finished jobs, nothing is known about the queue. */
const leastFinished = 20;

/**
 * Whether a job looks stuck: silent for long, and running longer than nearly all finished jobs of its queue.
 *
 * @returns `null` if it doesn't, or if the engine doesn't know enough about its queue
 */
export function stuckJob({ queues }: Snapshot, job: RunningJob, nowMs: number): StuckJob | null {
  const silentMs = nowMs - Math.max(job.startedAtMs, job.lastLine?.atMs ?? 0);
  if (silentMs < longSilenceMs) return null;
  const known = queues.find(({ name }) => name === job.queue)?.statistics?.windows?.sinceStart;
  if (known === undefined || known.duration === null || known.finished < leastFinished) return null;
  const { p95Ms } = known.duration;
  return nowMs - job.startedAtMs > p95Ms ? { silentMs, p95Ms } : null;
}

/** By start, then by id: jobs that started in the same millisecond need a stable order. */
function byStart(a: RunningJob, b: RunningJob): number {
  return a.startedAtMs - b.startedAtMs || a.id.length - b.id.length || (a.id < b.id ? -1 : 1);
}

/**
 * Remembers the last result of a function: with the same arguments it returns the same object again. Screens and actions
 * ask the same questions many times about one model, and a component that gets the same object doesn't render again.
 */
export function remembered<Arguments extends readonly unknown[], Result>(
  compute: (...given: Arguments) => Result,
): (...given: Arguments) => Result {
  let last: { readonly given: Arguments; readonly result: Result } | null = null;
  return (...given) => {
    if (last === null || !given.every((argument, at) => Object.is(argument, last?.given[at]))) {
      last = { given, result: compute(...given) };
    }
    return last.result;
  };
}

/** Whether it counts as gone, so that it can be removed. */
export function isStale({ state }: WorkerInfo): boolean {
  return state === 'stale' || state === 'dead';
}

/**
 * The lists of a snapshot, changed one item at a time. Items that don't change stay the same objects, and so does a
 * list that doesn't change.
 *
 * A list is copied for every change. For 256 running jobs that takes 0.5 µs in V8 of Node 20; a record by id takes 20 µs
 * and more. Lookups by id are rare, and the last of a thousand queues is found in 4 µs.
 */
import type { QueueView } from '../protocol/events.ts';
import type { QueueState, RecentFailure, RunningJob, Snapshot } from '../protocol/snapshot.ts';
import type { QueueStatistics } from '../protocol/statistics.ts';
import { counted, throughputSince } from './throughput.ts';

type Jobs = Snapshot['jobs'];
type Queues = readonly QueueState[];

/** The end of a job, as its queue counts it. */
export interface ProcessedJob {
  readonly atMs: number;
  readonly isFailed: boolean;
  /** `null` if it didn't fail. */
  readonly failure: RecentFailure | null;
}

export function jobIn(jobs: Jobs, id: string): RunningJob | undefined {
  return jobs.find((job) => job.id === id);
}

export function withJob(jobs: Jobs, job: RunningJob): Jobs {
  const index = jobs.findIndex(({ id }) => id === job.id);
  return index === -1 ? [...jobs, job] : jobs.with(index, job);
}

export function withoutJob(jobs: Jobs, id: string): Jobs {
  const index = jobs.findIndex((job) => job.id === id);
  return index === -1 ? jobs : jobs.toSpliced(index, 1);
}

/** A known queue keeps its place and its counters. */
export function withQueue(queues: Queues, view: QueueView, atMs: number): Queues {
  const index = queueIndex(queues, view.name);
  const known = queues[index];
  if (known !== undefined) return queues.with(index, { ...known, ...view });
  const counters = { backlog: null, processed: 0, failed: 0, lastFailure: null };
  return [...queues, { ...view, ...counters, throughput: throughputSince(atMs) }];
}

export function withoutQueue(queues: Queues, name: string): Queues {
  const index = queueIndex(queues, name);
  return index === -1 ? queues : queues.toSpliced(index, 1);
}

/** @returns the same list if there is no such queue, or if nothing about it changes */
export function withChange(queues: Queues, name: string, change: Partial<QueueState>): Queues {
  const index = queueIndex(queues, name);
  const queue = queues[index];
  if (queue === undefined) return queues;
  const changed = withFields(queue, change);
  return changed === queue ? queues : queues.with(index, changed);
}

export function withProcessed(queues: Queues, name: string, end: ProcessedJob): Queues {
  const index = queueIndex(queues, name);
  const queue = queues[index];
  if (queue === undefined) return queues;
  return queues.with(index, {
    ...queue,
    processed: queue.processed + 1,
    failed: queue.failed + (end.isFailed ? 1 : 0),
    lastFailure: end.failure ?? queue.lastFailure,
    throughput: counted(queue.throughput, end.atMs),
  });
}

/** Many queues at a time. @returns the same list if it has none of them */
export function withStatistics(
  queues: Queues,
  measured: readonly { readonly queue: string; readonly statistics: QueueStatistics }[],
): Queues {
  const byName = new Map(measured.map(({ queue, statistics }) => [queue, statistics]));
  if (!queues.some(({ name }) => byName.has(name))) return queues;
  return queues.map((queue) => {
    const statistics = byName.get(queue.name);
    return statistics === undefined ? queue : { ...queue, statistics };
  });
}

/** @returns the list with the item in front, and at most `limit` items */
export function prepended<T>(list: readonly T[], item: T, limit: number): readonly T[] {
  // `concat` allocates once and as much as it needs; a spread grows step by step.
  return [item].concat(list.length < limit ? list : list.slice(0, limit - 1));
}

/** @returns the object with these fields; the same object if it has them already */
export function withFields<T extends object>(object: T, fields: Readonly<Partial<T>>): T {
  for (const name in fields) {
    if (!Object.is(object[name], fields[name])) return { ...object, ...fields };
  }
  return object;
}

function queueIndex(queues: Queues, name: string): number {
  return queues.findIndex((queue) => queue.name === name);
}

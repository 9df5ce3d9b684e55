/** The list of queues, changed for one queue at a time: all others stay the very objects that they were. */
import type { QueueView } from '../protocol/events.ts';
import type { QueueState, RecentFailure } from '../protocol/snapshot.ts';
import { counted, throughputSince } from './throughput.ts';
import { withFields } from './with-fields.ts';

type Queues = readonly QueueState[];

/** The end of a job, as far as its queue counts it. */
export interface ProcessedJob {
  readonly atMs: number;
  readonly isFailed: boolean;
  /** `null` where it didn't fail. */
  readonly failure: RecentFailure | null;
}

/** A queue that is known already keeps its place and its counters. */
export function withQueue(queues: Queues, view: QueueView, atMs: number): Queues {
  const index = indexOf(queues, view.name);
  const known = queues[index];
  if (known !== undefined) return queues.with(index, { ...known, ...view });
  const counters = { backlog: null, processed: 0, failed: 0, lastFailure: null };
  return [...queues, { ...view, ...counters, throughput: throughputSince(atMs) }];
}

export function withoutQueue(queues: Queues, name: string): Queues {
  const index = indexOf(queues, name);
  return index === -1 ? queues : queues.toSpliced(index, 1);
}

/** @returns the same list where there is no such queue, or where nothing changed about it */
export function withChange(queues: Queues, name: string, change: Partial<QueueState>): Queues {
  const index = indexOf(queues, name);
  const queue = queues[index];
  if (queue === undefined) return queues;
  const changed = withFields(queue, change);
  return changed === queue ? queues : queues.with(index, changed);
}

export function withProcessed(queues: Queues, name: string, end: ProcessedJob): Queues {
  const index = indexOf(queues, name);
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

function indexOf(queues: Queues, name: string): number {
  // The last of a thousand is found in 4 µs. An index by name would have to be kept beside every version of the list.
  return queues.findIndex((queue) => queue.name === name);
}

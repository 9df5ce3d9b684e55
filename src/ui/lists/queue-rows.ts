/**
 * The rows of the queues screen, in the order of the config. An entry of several queues, or of a pattern, has a row of its
 * own before its queues: it has the slots, sums up its queues, and what is done to it is done to all of them.
 */
import { ofEntry } from '../../messages/queues.ts';
import type { PauseReason, PoolView } from '../../protocol/events.ts';
import {
  type QueueState,
  type RunningJob,
  type Snapshot,
  type Throughput,
  throughputBucketMs,
  throughputBuckets,
} from '../../protocol/snapshot.ts';
import { hasMembers, jobsOf, remembered } from '../../store/selectors.ts';

export interface QueueRow extends QueueState {
  /** The queues of an entry; left out for a queue. */
  readonly members?: readonly QueueState[];
}

export function queueRows(model: Snapshot): readonly QueueRow[] {
  return rowsOf(model.queues, model.runners);
}

const rowsOf = remembered((queues: Snapshot['queues'], runners: Snapshot['runners']): readonly QueueRow[] => {
  const byRunner = new Map<string, QueueState[]>();
  for (const queue of queues) {
    const own = byRunner.get(queue.runner);
    if (own === undefined) byRunner.set(queue.runner, [queue]);
    else own.push(queue);
  }
  const rows: QueueRow[] = [];
  for (const runner of runners) {
    const own = byRunner.get(runner.key) ?? [];
    byRunner.delete(runner.key);
    if (!hasMembers({ queues }, runner)) {
      rows.push(...own);
      continue;
    }
    rows.push(entryRow(runner, own), ...own.filter((queue) => !isOnlyPattern(queue, runner)));
  }
  // Queues whose entry has been removed.
  return [...rows, ...[...byRunner.values()].flat()];
});

/** Running jobs of a row, oldest first. */
export function jobsOfRow({ jobs }: Snapshot, row: QueueRow): readonly RunningJob[] {
  return row.members === undefined ? jobsOf({ jobs }, row.name) : (jobsByPool(jobs).get(row.name) ?? noJobs);
}

const noJobs: readonly RunningJob[] = [];

/** Jobs run or wait, or one has ended in the last minute; or a pause has a reason that may be long. */
export function isBusy(model: Snapshot, row: QueueRow, nowMs: number): boolean {
  if (jobsOfRow(model, row).length > 0 || (row.backlog ?? 0) > 0 || row.pauses.length > 0) return true;
  const { last, counts } = row.throughput;
  const isRecent = nowMs - last * throughputBucketMs < throughputBuckets * throughputBucketMs;
  return isRecent && counts.some((count) => count > 0);
}

const jobsByPool = remembered((jobs: Snapshot['jobs']): ReadonlyMap<string, readonly RunningJob[]> => {
  const byPool = new Map<string, RunningJob[]>();
  for (const job of jobs) {
    const own = byPool.get(job.runner);
    if (own === undefined) byPool.set(job.runner, [job]);
    else own.push(job);
  }
  return byPool;
});

/** A pattern is on the list of queues, too, but hardly ever is a queue. The entry's row stands for one with its name. */
function isOnlyPattern({ name, backlog, processed }: QueueState, { key, patterns = [] }: PoolView): boolean {
  return name === key || (patterns.includes(name) && (backlog ?? 0) <= 0 && processed === 0);
}

/** All queues have these pauses. */
function pausesOf({ pauses }: PoolView, [first]: readonly QueueState[]): readonly PauseReason[] {
  const shared = (first?.pauses ?? []).filter(
    ({ kind }) => kind === 'all' || kind === 'cluster' || (kind === 'unstartable' && pauses === undefined),
  );
  return [...shared, ...ofEntry(pauses ?? [])];
}

function entryRow(runner: PoolView, members: readonly QueueState[]): QueueRow {
  const sum = (of: (queue: QueueState) => number) => members.reduce((total, queue) => total + of(queue), 0);
  const isCounted = members.some(({ backlog }) => backlog !== null);
  const limited = members.find(
    ({ limitedBy, backlog }) => (limitedBy ?? null) !== null && (backlog ?? 0) > 0,
  );
  return {
    name: runner.key,
    runner: runner.key,
    pauses: pausesOf(runner, members),
    limitedBy: limited?.limitedBy ?? null,
    backlog: isCounted || members.length === 0 ? sum(({ backlog }) => Math.max(0, backlog ?? 0)) : null,
    processed: sum(({ processed }) => processed),
    failed: sum(({ failed }) => failed),
    lastFailure: members.reduce<QueueState['lastFailure']>(
      (newest, { lastFailure }) =>
        lastFailure !== null && lastFailure.atMs > (newest?.atMs ?? 0) ? lastFailure : newest,
      null,
    ),
    throughput: sumOf(members),
    members,
  };
}

/** Loops, because a pattern may have thousands of queues, and this is done for each frame. */
function sumOf(members: readonly QueueState[]): Throughput {
  let last = 0;
  for (const { throughput } of members) last = Math.max(last, throughput.last);
  let known = 1;
  for (const { throughput } of members) {
    known = Math.max(known, throughput.counts.length + last - throughput.last);
  }
  const counts = Array.from({ length: Math.min(throughputBuckets, known) }, () => 0);
  for (const { throughput } of members) {
    const shift = counts.length - (last - throughput.last) - throughput.counts.length;
    for (let at = Math.max(0, -shift); at < throughput.counts.length; at += 1) {
      counts[at + shift] = (counts[at + shift] ?? 0) + (throughput.counts[at] ?? 0);
    }
  }
  return { last, counts };
}

/** What runners report about their queues: slots, limits and pauses. Pure. */
import { queueList } from '../../resque/format/queue-patterns.ts';
import type { JudgedWorker } from '../../resque/workers/judge-workers.ts';
import type { StatusFacts } from '../../resque/workers/read-status.ts';
import type { PoolLimits, PoolPause, PoolSlots } from '../../resque/workers/runner-entry.ts';
import type { PauseStatus, SlotChange } from './document.ts';

/** @param workers of one process; empty if they are no longer registered */
export function slotsOf(name: string, workers: readonly JudgedWorker[], { runners }: StatusFacts): number {
  const slots = runners.get(name)?.slots;
  return slots === undefined ? workers.length : slots.reduce((sum, { count }) => sum + count, 0);
}

/**
 * Slots that take jobs of a queue.
 *
 * @param workers all workers of the queue
 */
export function slotsOfQueue(workers: readonly JudgedWorker[], { runners }: StatusFacts): number {
  /** Workers of the same pool share its slots. */
  const counted = new Set<string>();
  return workers.reduce((sum, { facts: { about } }) => {
    const { process, queues } = about;
    const entry = runners.get(process)?.slots?.find(({ runner }) => runner === queues);
    if (entry === undefined) return sum + 1;
    const name = `${process}:${queues}`;
    if (counted.has(name)) return sum;
    counted.add(name);
    return sum + entry.count;
  }, 0);
}

/** @param workers all workers of the queue */
export function slotChangesOfQueue(
  workers: readonly JudgedWorker[],
  { runners }: StatusFacts,
): readonly SlotChange[] {
  const entries = new Map(
    workers.map(({ facts: { about } }) => [`${about.process}:${about.queues}`, about] as const),
  );
  return [...entries.values()].flatMap(({ process, queues }) =>
    changesIn(
      process,
      runners.get(process)?.slots?.filter(({ runner }) => runner === queues),
    ),
  );
}

export function slotChangesOfProcess(name: string, { runners }: StatusFacts): readonly SlotChange[] {
  return changesIn(name, runners.get(name)?.slots);
}

function changesIn(process: string, slots: readonly PoolSlots[] = []): SlotChange[] {
  return slots.flatMap(({ runner, count, byHand }) => {
    if (byHand === undefined) return [];
    const { configured, by, sinceMs } = byHand;
    return [{ process, runner, slots: count, configured, by, since: new Date(sinceMs).toISOString() }];
  });
}

/**
 * Limits of a queue over all runners. If runners disagree, the first one counts; `check` reports it.
 *
 * @param workers all workers of the queue
 */
export function limitsOfQueue(
  workers: readonly JudgedWorker[],
  { runners }: StatusFacts,
): Pick<PoolLimits, 'limit' | 'rate'> {
  for (const { facts } of workers) {
    const { process, queues } = facts.about;
    const found = runners.get(process)?.limits?.find(({ runner }) => runner === queues);
    if (found !== undefined) return { limit: found.limit, rate: found.rate };
  }
  return { limit: null, rate: null };
}

/** @param workers all workers of the queue */
export function pausesOfQueue(
  queue: string,
  workers: readonly JudgedWorker[],
  { runners }: StatusFacts,
): { readonly pauses: PauseStatus[]; readonly isPaused: boolean } {
  const lists = new Map(workers.map(({ facts: { about } }) => [`${about.process}:${about.queues}`, about]));
  const found = new Map<string, PauseStatus>();
  let pausedLists = 0;
  for (const { process, queues } of lists.values()) {
    const pauses = (runners.get(process)?.pauses ?? []).filter((pause) => holdsFor(pause, queues, queue));
    if (pauses.length > 0) pausedLists += 1;
    for (const pause of pauses) found.set(JSON.stringify([process, pause]), pauseStatus(process, pause));
  }
  return { pauses: [...found.values()], isPaused: pausedLists > 0 && pausedLists === lists.size };
}

/** @param lists the queue lists in its workers' ids */
export function pausesOfProcess(
  name: string,
  lists: readonly string[],
  { runners }: StatusFacts,
): { readonly pauses: PauseStatus[]; readonly isPaused: boolean } {
  const pauses = runners.get(name)?.pauses ?? [];
  const isListPaused = (list: string) => {
    const { names, isDynamic } = queueList(list);
    const isQueuePaused = (queue: string | null) => pauses.some((pause) => holdsFor(pause, list, queue));
    return isQueuePaused(null) || (!isDynamic && names.length > 0 && names.every(isQueuePaused));
  };
  return {
    pauses: pauses.map((pause) => pauseStatus(name, pause)),
    isPaused: lists.length > 0 && lists.every(isListPaused),
  };
}

/** @param queue `null`: whether it applies to all queues of the list */
function holdsFor(pause: PoolPause, list: string, queue: string | null): boolean {
  if (pause.runner !== undefined) return pause.runner === list;
  return pause.queue === undefined || pause.queue === queue;
}

function pauseStatus(process: string, { kind, detail, sinceMs, runner, queue }: PoolPause): PauseStatus {
  const since = new Date(sinceMs).toISOString();
  return { process, kind, runner: runner ?? null, queue: queue ?? null, detail, since };
}

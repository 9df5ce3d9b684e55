/** Changes to the `failed` list in as many steps as they take; each step is atomic and goes by the entries' bytes. */
import type { FailureFilter } from '../protocol/commands.ts';
import type { FailedList, WalkPage } from '../resque/failed/failed-list.ts';
import type { FailurePage, ListedRecord } from '../resque/failed/failed-page.ts';
import { type FailureView, viewFailure } from '../resque/format/failure-record.ts';
import type { ChangeEnd, ChangeLog } from './change-log.ts';
import { failureMatcher } from './filter.ts';
import { EventLoopPhases, type FailureCount, nextPageSize } from './search.ts';

/** Entries that are changed in one step, which holds up Redis for some milliseconds. */
const stepEntries = 250;
const stepBytes = 1024 * 1024;

/** What is done, and who is told of it after each step. */
export interface Changing {
  readonly failed: FailedList;
  /** Holds what was done, also where a step has thrown. */
  readonly log: ChangeLog;
  /** Whether to leave it at the steps that were taken. */
  readonly isCancelled?: () => boolean;
  /** @param left entries that are still to be looked at */
  readonly onStep?: (left: number) => void;
}

/** Which entries a change of many is about. */
export interface Matching {
  readonly filter: FailureFilter;
  /** Of those that match, only the ones at lower indexes. */
  readonly within: number;
  /**
   * The newest of them, as somebody has seen them before: what failed since then is left alone, also where the list has
   * become so short meanwhile that it lies at lower indexes. `null`: nobody has looked.
   */
  readonly newest: FailurePage | null;
}

/** Changes just these entries. Rejects with RedisError. */
export async function changeEntries(
  entries: readonly ListedRecord[],
  { failed, log, isCancelled, onStep }: Changing,
): Promise<ChangeEnd> {
  let left = entries.length;
  for (const portion of portions(entries)) {
    if (isCancelled?.() === true) return 'cancelled';
    log.add(portion, await failed.change({ kind: log.kind, entries: portion }));
    left -= portion.length;
    onStep?.(left);
  }
  return 'whole';
}

/** Changes whatever matches, from newer to older entries. What was retried once is not retried again. Rejects with RedisError. */
export async function changeMatches(
  { filter, within, newest }: Matching,
  { failed, log, isCancelled, onStep }: Changing,
): Promise<ChangeEnd> {
  const { kind } = log;
  const matches = failureMatcher(filter);
  const isWanted = (view: FailureView) => matches(view) && (kind === 'remove' || view.retriedAt === null);
  const turn = new EventLoopPhases();
  let page: WalkPage | null = newest === null ? null : { ...newest, floor: 0 };
  do {
    const entries: ListedRecord[] = [];
    for (const entry of page?.entries ?? []) {
      await turn.rest();
      const view = viewFailure(entry.record);
      if (!isWanted(view)) continue;
      if (kind === 'remove' || view.isRetryable) entries.push(entry);
      else log.addUnretryable();
    }
    if (isCancelled?.() === true) return 'cancelled';
    const walk = { page, before: within, size: nextPageSize(page) };
    const isLast = page !== null && leftBefore(page) === 0;
    const step = await failed.step({ kind, entries }, walk);
    log.add(entries, step.results);
    log.publish();
    // Others may have taken all of the last ones. Then nobody can say where the next would be, and there is none.
    if (step.page === null) return isLast ? 'whole' : 'lost';
    page = step.page;
    onStep?.(leftOf(page));
  } while (page.entries.length > 0);
  return 'whole';
}

/** Entries that are older than those of the page. */
function leftBefore({ entries: [oldest], floor }: WalkPage): number {
  return oldest === undefined ? 0 : oldest.index - floor;
}

/** Those of the page, and the older ones. */
function leftOf({ entries, floor }: WalkPage): number {
  const newest = entries.at(-1);
  return newest === undefined ? 0 : newest.index + 1 - floor;
}

/** As many of them at a time as one step may take, in the order of the list. */
function* portions(all: readonly ListedRecord[]): Generator<ListedRecord[]> {
  let portion: ListedRecord[] = [];
  let bytes = 0;
  for (const entry of [...all].sort((a, b) => a.index - b.index)) {
    portion.push(entry);
    bytes += entry.record.length;
    if (portion.length < stepEntries && bytes < stepBytes) continue;
    yield portion;
    portion = [];
    bytes = 0;
  }
  if (portion.length > 0) yield portion;
}

/**
 * What was counted lately: a change of all that match begins at the entries at which the count that somebody was asked
 * about has begun. Its number alone says nothing where others shorten the list and it grows again before the answer.
 */
/** Several screens may have asked. */
const mostCounts = 4;
const mostBytes = 1024 * 1024;

export class FailureCounts {
  readonly #newest = new Map<string, FailurePage>();

  note(filter: FailureFilter, { total, newest }: FailureCount): void {
    const key = keyOf(filter, total);
    this.#newest.delete(key);
    this.#newest.set(key, withinBytes(newest));
    const [oldest] = this.#newest.keys();
    if (this.#newest.size > mostCounts && oldest !== undefined) this.#newest.delete(oldest);
  }

  /** @returns the newest entries of the count that came to `within`, once; `null` where there was none lately */
  take(filter: FailureFilter, within: number): FailurePage | null {
    const key = keyOf(filter, within);
    const page = this.#newest.get(key) ?? null;
    this.#newest.delete(key);
    return page;
  }
}

function keyOf({ queue, jobClass, exception, exit, text }: FailureFilter, total: number): string {
  return JSON.stringify([total, queue, jobClass, exception, exit, text]);
}

/** The newest of a page, at least one: what they are enough for is to find the place again. */
function withinBytes({ total, entries }: FailurePage): FailurePage {
  let bytes = 0;
  let first = entries.length;
  for (const [at, { record }] of [...entries.entries()].reverse()) {
    bytes += record.length;
    if (bytes > mostBytes && first < entries.length) break;
    first = at;
  }
  return { total, entries: entries.slice(first) };
}

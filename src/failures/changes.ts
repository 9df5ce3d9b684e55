/** Changes to the `failed` list, in steps. Each step is atomic and finds entries by their bytes. */
import { type FailureFilter, filterCriteria } from '../protocol/commands.ts';
import type { FailedList, WalkPage } from '../resque/failed/failed-list.ts';
import type { FailurePage, ListedRecord } from '../resque/failed/failed-page.ts';
import type { FailureView } from '../resque/format/failure-record.ts';
import type { ChangeEnd, ChangeLog } from './change-log.ts';
import { failureMatcher } from './failure-matcher.ts';
import { type FailureCount, nextPageSize, viewsOf } from './search.ts';

/** Entries per step. A step blocks Redis for a few milliseconds. */
const stepEntries = 250;
const stepBytes = 1024 * 1024;

/** The list to change, and the callbacks around each step. */
export interface Changing {
  readonly failed: FailedList;
  /** Holds all changes so far, even after a step throws. */
  readonly log: ChangeLog;
  /** Asked before each step: whether to stop here. */
  readonly isCancelled?: () => boolean;
  /** @param left entries that were not examined yet */
  readonly onStep?: (left: number) => void;
}

/** The entries that a bulk change covers. */
export interface Matching {
  readonly filter: FailureFilter;
  /** Only matches at lower indexes are changed. */
  readonly within: number;
  /**
   * The newest entries when they were counted. Later failures are left alone, even if the list has since become so
   * short that they have lower indexes. `null`: they were not counted.
   */
  readonly newest: FailurePage | null;
  /** What ages are counted from: the time of the count, so that no more entries match by now. */
  readonly nowMs: number;
}

/** Changes exactly these entries. Rejects with RedisError. */
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

/** Changes all matches, newest first, and doesn't retry an entry that was already retried. Rejects with RedisError. */
export async function changeMatches(
  { filter, within, newest, nowMs }: Matching,
  { failed, log, isCancelled, onStep }: Changing,
): Promise<ChangeEnd> {
  const { kind } = log;
  const matches = failureMatcher(filter, nowMs);
  const isWanted = (view: FailureView) => matches(view) && (kind === 'remove' || view.retriedAt === null);
  let page: WalkPage | null = newest === null ? null : { ...newest, floor: 0 };
  do {
    const entries: ListedRecord[] = [];
    for (const { listed, view } of page === null ? [] : await viewsOf(page)) {
      if (!isWanted(view)) continue;
      if (kind === 'remove' || view.isRetryable) entries.push(listed);
      else log.addUnretryable();
    }
    if (isCancelled?.() === true) return 'cancelled';
    const walk = { page, before: within, size: nextPageSize(page) };
    const isLast = page !== null && leftBefore(page) === 0;
    const step = await failed.step({ kind, entries }, walk);
    log.add(entries, step.results);
    log.publish();
    // Other clients may have removed the whole last page: then the position of the next page is unknown.
    if (step.page === null) return isLast ? 'whole' : 'lost';
    page = step.page;
    onStep?.(leftOf(page));
  } while (page.entries.length > 0);
  return 'whole';
}

/** How many entries are older than the page. */
function leftBefore({ entries: [oldest], floor }: WalkPage): number {
  return oldest === undefined ? 0 : oldest.index - floor;
}

/** How many entries the page has, plus all older ones. */
function leftOf({ entries, floor }: WalkPage): number {
  const newest = entries.at(-1);
  return newest === undefined ? 0 : newest.index + 1 - floor;
}

/** Splits entries into steps, in the order of the list. */
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

/** Several screens may ask at the same time. */
const mostCounts = 4;
const mostBytes = 1024 * 1024;

/**
 * Recent counts. A screen shows a count and asks to confirm; the change then starts at the entries where that count
 * started. The number alone is not enough: the list may shrink and grow again before the answer.
 */
export class FailureCounts {
  readonly #newest = new Map<string, Pick<Matching, 'newest' | 'nowMs'>>();

  note(filter: FailureFilter, { total, newest, nowMs }: FailureCount): void {
    const key = keyOf(filter, total);
    this.#newest.delete(key);
    this.#newest.set(key, { newest: withinBytes(newest), nowMs });
    const [oldest] = this.#newest.keys();
    if (this.#newest.size > mostCounts && oldest !== undefined) this.#newest.delete(oldest);
  }

  /** @returns the newest entries of the count whose total was `within`, once; `null` if there is no such count */
  take(filter: FailureFilter, within: number): Pick<Matching, 'newest' | 'nowMs'> {
    const key = keyOf(filter, within);
    const counted = this.#newest.get(key) ?? { newest: null, nowMs: Date.now() };
    this.#newest.delete(key);
    return counted;
  }
}

function keyOf(filter: FailureFilter, total: number): string {
  return JSON.stringify([total, ...filterCriteria.map((criterion) => filter[criterion] ?? null)]);
}

/** The newest entries of a page, at least one. They are enough to find the place again. */
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

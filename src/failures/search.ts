/**
 * Searches, groups and counts the entries of the `failed` list from newer to older ones, page by page, however long it is and
 * however large its entries are. It doesn't block the engine: it yields between pages, and within pages that take long.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type {
  CommandData,
  FailureEntry,
  FailureFilter,
  FailureGroup,
  FailureGroupNames,
} from '../protocol/commands.ts';
import type { FailedList } from '../resque/failed/failed-list.ts';
import type { FailurePage, ListedRecord } from '../resque/failed/failed-page.ts';
import { type FailureView, viewFailure } from '../resque/format/failure-record.ts';
import { cut } from '../resque/format/payload.ts';
import { failureMatcher, groupName, untimedMatcher } from './failure-matcher.ts';

const firstPageSize = 100;
const largestPageSize = 250;
const pageBytes = 256 * 1024;
const longestTurnMs = 8;
/** Entries that one command examines, so that it can report progress if nothing matches. */
const scanLimit = 5_000;
/** Bytes of the entries in one reply. */
const replyBytes = 8 * 1024 * 1024;

/** How many entries to read next, so that a page has about `pageBytes`. */
export function nextPageSize(page: FailurePage | null): number {
  if (page === null || page.entries.length === 0) return firstPageSize;
  const bytes = page.entries.reduce((sum, { record }) => sum + record.length, 0);
  const mean = Math.max(1, bytes / page.entries.length);
  return Math.max(1, Math.min(largestPageSize, Math.floor(pageBytes / mean)));
}

interface Viewed {
  readonly listed: ListedRecord;
  readonly view: FailureView;
}

/** The entries as people read them. Yields to the event loop when that takes long. */
export async function viewsOf({ entries }: Pick<FailurePage, 'entries'>): Promise<Viewed[]> {
  const timer = new YieldTimer();
  const views: Viewed[] = [];
  for (const listed of entries) {
    await timer.yieldIfDue();
    views.push({ listed, view: viewFailure(listed.record) });
  }
  return views;
}

/** Yields to the event loop when this work has taken long enough. */
export class YieldTimer {
  #startedAt = performance.now();

  async yieldIfDue(): Promise<void> {
    if (performance.now() - this.#startedAt < longestTurnMs) return;
    await nextTurn();
    this.#startedAt = performance.now();
  }
}

type Found = Extract<CommandData, { kind: 'failures' }>;

export interface FailureCount {
  /** Length of the list. */
  readonly total: number;
  readonly matching: number;
  /** Matching entries that can be retried and were not yet. */
  readonly retryable: number;
  /** Entries that match all but the filter's `olderThan`, and have no readable time. */
  readonly untimed: number;
  /** The first page. */
  readonly newest: FailurePage;
  /** When the count began, by this machine's clock. A change of these entries counts their ages from the same time. */
  readonly nowMs: number;
}

/** The newest page of a list of any length. */
export function newestPage(list: FailedList): Promise<FailurePage> {
  return list.page(null, firstPageSize);
}

/** Pages before an index (`null`: all), newer ones first. At least one page, which may be empty. */
export async function* pagesBefore(list: FailedList, before: number | null): AsyncGenerator<FailurePage> {
  let page: FailurePage | null = null;
  let next = before;
  do {
    page = await list.page(next, nextPageSize(page));
    yield page;
    // Without entries, the list has become shorter than that.
    next = page.entries[0]?.index ?? Math.min(next ?? 0, page.total);
  } while (next > 0);
}

/** Up to `count` matches at indexes below `before`, newest first. */
export async function findFailures(
  list: FailedList,
  filter: FailureFilter,
  before: number | null,
  count: number,
): Promise<Found> {
  const matches = failureMatcher(filter, Date.now());
  const found: FailureEntry[] = [];
  let total = 0;
  let bytes = 0;
  let scanned = 0;
  let next: number | null = null;
  for await (const page of pagesBefore(list, before)) {
    total = page.total;
    for (const { listed, view } of (await viewsOf(page)).toReversed()) {
      scanned += 1;
      next = listed.index === 0 ? null : listed.index;
      if (matches(view)) {
        found.push(failureEntry(listed, view));
        bytes += listed.record.length;
      }
      if (found.length >= count || bytes >= replyBytes || scanned >= scanLimit) {
        return { kind: 'failures', total, entries: found, next };
      }
    }
  }
  return { kind: 'failures', total, entries: found, next: null };
}

/**
 * Counts matching entries.
 *
 * @param onPage called after each page with the number of entries looked at, and of all entries
 */
export async function countFailures(
  list: FailedList,
  filter: FailureFilter,
  onPage: (looked: number, total: number) => void = () => {},
): Promise<FailureCount> {
  const nowMs = Date.now();
  const matches = failureMatcher(filter, nowMs);
  const isUntimed = untimedMatcher(filter);
  const count = { total: Number.POSITIVE_INFINITY, matching: 0, retryable: 0, untimed: 0 };
  let newest: FailurePage | null = null;
  let looked = 0;
  for await (const page of pagesBefore(list, null)) {
    newest ??= page;
    // New failures are not counted, and must not be taken for counted ones.
    count.total = Math.min(count.total, page.total);
    for (const { view } of await viewsOf(page)) {
      if (isUntimed(view)) count.untimed += 1;
      if (!matches(view)) continue;
      count.matching += 1;
      if (view.isRetryable && view.retriedAt === null) count.retryable += 1;
    }
    looked += page.entries.length;
    onPage(looked, count.total);
  }
  return { ...count, newest: newest ?? { total: 0, entries: [] }, nowMs };
}

/** Characters of an example's error and args. */
const exampleLimit = 500;

type Groups = Extract<CommandData, { kind: 'failure-groups' }>;

/** Groups the newest matches below an index, of at most `scanLimit` entries. */
export async function groupFailures(
  list: FailedList,
  filter: FailureFilter,
  before: number | null,
  byQueue: boolean,
): Promise<Groups> {
  const matches = failureMatcher(filter, Date.now());
  const groups = new Map<string, FailureGroup>();
  let total = 0;
  let looked = 0;
  for await (const page of pagesBefore(list, before)) {
    total = page.total;
    for (const { view } of (await viewsOf(page)).toReversed()) {
      if (matches(view)) add(groups, view, byQueue);
    }
    looked += page.entries.length;
    const [oldest] = page.entries;
    if (looked < scanLimit || oldest === undefined || oldest.index === 0) continue;
    return { kind: 'failure-groups', total, looked, groups: [...groups.values()], next: oldest.index };
  }
  return { kind: 'failure-groups', total, looked, groups: [...groups.values()], next: null };
}

/** Entries come from newer to older. */
function add(groups: Map<string, FailureGroup>, view: FailureView, byQueue: boolean): void {
  const names = namesOf(view, byQueue);
  const key = JSON.stringify(names);
  const retryable = view.isRetryable && view.retriedAt === null ? 1 : 0;
  const failedAt = view.failedAt === null ? null : cut(view.failedAt, 100);
  const known = groups.get(key);
  groups.set(key, {
    ...names,
    count: (known?.count ?? 0) + 1,
    retryable: (known?.retryable ?? 0) + retryable,
    firstFailedAt: failedAt ?? known?.firstFailedAt ?? null,
    lastFailedAt: known?.lastFailedAt ?? failedAt,
    example: known?.example ?? {
      error: view.error === null ? null : cut(view.error, exampleLimit),
      args: cut(view.args, exampleLimit),
    },
  });
}

function namesOf({ exception, jobClass, queue }: FailureView, byQueue: boolean): FailureGroupNames {
  const names = { exception: groupName(exception), jobClass: groupName(jobClass) };
  return byQueue ? { ...names, queue: groupName(queue) } : names;
}

/** Longest text. Our texts are not longer, but a record of another client may hold megabytes. */
const textLimit = 64 * 1024;

/** An entry for people: texts are cut, the bytes are exact. */
function failureEntry({ index, record }: ListedRecord, view: FailureView): FailureEntry {
  const shortened = Object.entries(view)
    .filter(([name]) => name !== 'isRetryable')
    .map(([name, value]) => [name, typeof value === 'string' ? cut(value, textLimit) : value]);
  return {
    ...(Object.fromEntries(shortened) as typeof view),
    backtrace: shortLines(view.backtrace),
    index,
    recordBase64: record.toString('base64'),
  };
}

/** The first lines, up to the limit in all. */
function shortLines(lines: readonly string[]): string[] {
  const shown: string[] = [];
  let left = textLimit;
  for (const line of lines) {
    if (left <= 0) {
      shown.push('…');
      break;
    }
    shown.push(cut(line, left));
    // Empty lines count, too.
    left -= line.length + 1;
  }
  return shown;
}

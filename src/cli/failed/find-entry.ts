/**
 * IDs of entries of the `failed` list: `12@3fa9c1d2` is the index where `failed list` saw the entry and a check of its
 * bytes; `last` is the newest entry. Other clients can shift indexes at any time, so the check protects other entries.
 */
import { createHash } from 'node:crypto';
import { nextPageSize, pagesBefore } from '../../failures/search.ts';
import { visibleWithin } from '../../messages/visible.ts';
import type { FailedList } from '../../resque/failed/failed-list.ts';
import type { FailurePage, ListedRecord } from '../../resque/failed/failed-page.ts';
import { viewFailure } from '../../resque/format/failure-record.ts';
import { UsageError } from '../command-line/exit-codes.ts';

/** The ID of the first entry that `failed list` shows. */
const newestName = 'last';
/** Hex digits of the SHA-1: enough to distinguish entries of one list, and still short enough to type. */
const checkDigits = 8;
/** Resque only moves entries to lower indexes. Old clients that add at the head move them up, one at a time. */
const searchedAbove = 250;

export function failureId({ index, record }: ListedRecord): string {
  return `${index}@${checkOf(record)}`;
}

/**
 * Finds the entry that an ID names, even if it has moved. `INDEX` alone names the entry at that index; 0 is the oldest.
 *
 * @throws UsageError if the ID is malformed or the list has no such entry, RedisError
 */
export async function findEntry(list: FailedList, id: string): Promise<ListedRecord> {
  if (id === newestName) {
    const [newest] = (await list.page(null, 1)).entries;
    if (newest !== undefined) return newest;
    throw new UsageError(`there is no failure: ${extent(0)}`);
  }
  const { index, check } = parseId(id);
  const { total, entries } = await list.page(index + 1, 1);
  const there = entries[0] ?? null;
  if (check === null) {
    if (there !== null) return there;
    throw new UsageError(`there is no failure ${index}: ${extent(total)}`);
  }
  if (there !== null && checkOf(there.record) === check) return there;
  const moved = (await findBelow(list, index, check)) ?? (await findAbove(list, index, check));
  if (moved !== null) return moved;
  throw new UsageError(
    `there is no failure ${index}@${check} anymore: it was retried or removed; ${
      there === null ? extent(total) : `index ${index} is now ${described(there)}`
    }`,
  );
}

function described(entry: ListedRecord): string {
  const { retriedAt } = viewFailure(entry.record);
  return `${failureId(entry)}${retriedAt === null ? '' : `, retried at ${visibleWithin(retriedAt, 40)}`}`;
}

function parseId(id: string): { readonly index: number; readonly check: string | null } {
  // Nine digits are enough: a longer list would need terabytes of memory in Redis.
  const [, digits, check] = /^(\d{1,9})(?:@([0-9a-f]{8}))?$/i.exec(id) ?? [];
  if (digits === undefined) {
    throw new UsageError(
      `"${visibleWithin(id, 60)}" is not a failure ID; use one that resque-runner failed list shows, such as 12@3fa9c1d2, or last for the newest`,
    );
  }
  return { index: Number(digits), check: check?.toLowerCase() ?? null };
}

async function findBelow(list: FailedList, index: number, check: string): Promise<ListedRecord | null> {
  for await (const { entries } of pagesBefore(list, index)) {
    const found = entries.findLast(({ record }) => checkOf(record) === check);
    if (found !== undefined) return found;
  }
  return null;
}

async function findAbove(list: FailedList, index: number, check: string): Promise<ListedRecord | null> {
  let page: FailurePage | null = null;
  let next = index + 1;
  const end = next + searchedAbove;
  while (next < end) {
    const size = Math.min(nextPageSize(page), end - next);
    page = await list.page(next + size, size);
    const found = page.entries.find(({ record }) => checkOf(record) === check);
    if (found !== undefined) return found;
    if (page.total <= next + size) return null;
    next += size;
  }
  return null;
}

function checkOf(record: Buffer): string {
  return createHash('sha1').update(record).digest('hex').slice(0, checkDigits);
}

function extent(total: number): string {
  if (total === 0) return 'the list is empty';
  return total === 1 ? 'the only index is 0' : `indexes are 0 to ${total - 1}`;
}

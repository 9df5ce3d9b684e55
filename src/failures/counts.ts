/**
 * What was counted lately: a change of all that match begins at the entries at which the count that somebody was asked
 * about has begun. Its number alone says nothing where others shorten the list and it grows again before the answer.
 */
import type { FailureFilter } from '../protocol/commands.ts';
import type { FailurePage } from '../resque/failed/failed-page.ts';
import type { FailureCount } from './search.ts';

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

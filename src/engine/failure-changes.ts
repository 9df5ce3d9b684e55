/** Changes to the `failed` list in as many steps as they take; each step is atomic and goes by the entries' bytes. */
import type { FailureFilter } from '../protocol/commands.ts';
import type { FailedList, ListedRecord, WalkPage } from '../resque/failed-list.ts';
import { type FailureView, viewFailure } from '../resque/failure-record.ts';
import type { ChangeEnd, ChangeLog } from './change-log.ts';
import { failureMatcher } from './failure-filter.ts';
import { nextPageSize, Turn } from './failure-search.ts';

/** Entries that are changed in one step, which holds up Redis for some milliseconds. */
const stepEntries = 250;
const stepBytes = 1024 * 1024;

/** What is done, and who is told of it after each step. */
export interface Changing {
  readonly failed: FailedList;
  /** Holds what was done, also where a step has thrown. */
  readonly log: ChangeLog;
  /** Whether to leave it at the steps that were taken. */
  readonly isCancelled: () => boolean;
}

/** Changes just these entries. Rejects with RedisTrouble. */
export async function changeEntries(
  entries: readonly ListedRecord[],
  { failed, log, isCancelled }: Changing,
): Promise<ChangeEnd> {
  for (const portion of portions(entries)) {
    if (isCancelled()) return 'cancelled';
    log.add(portion, await failed.change({ kind: log.kind, entries: portion }));
  }
  return 'whole';
}

/**
 * Changes whatever matches, from newer to older entries; of those, only the ones below `within`. What was retried
 * once is not retried again. Rejects with RedisTrouble.
 */
export async function changeMatches(
  { filter, within }: { readonly filter: FailureFilter; readonly within: number },
  { failed, log, isCancelled }: Changing,
): Promise<ChangeEnd> {
  const { kind } = log;
  const matches = failureMatcher(filter);
  const isWanted = (view: FailureView) => matches(view) && (kind === 'remove' || view.retriedAt === null);
  const turn = new Turn();
  let page: WalkPage | null = null;
  do {
    const entries: ListedRecord[] = [];
    for (const entry of page?.entries ?? []) {
      await turn.rest();
      const view = viewFailure(entry.record);
      if (!isWanted(view)) continue;
      if (kind === 'remove' || view.isRetryable) entries.push(entry);
      else log.addUnretryable();
    }
    if (isCancelled()) return 'cancelled';
    const walk = { page, before: within, size: nextPageSize(page) };
    const step = await failed.step({ kind, entries }, walk);
    log.add(entries, step.results);
    log.publish();
    page = step.page;
  } while (page !== null && page.entries.length > 0);
  return page === null ? 'lost' : 'whole';
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

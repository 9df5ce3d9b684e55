/** The commands on the `failed` list: looking through it, and putting back or removing what is on it. */
import type { Command, CommandReply, FailureEntryRef, FailureFilter } from '../protocol/commands.ts';
import type { EngineFact } from '../protocol/events.ts';
import type { Change, FailedList, ListedRecord, WalkPage } from '../resque/failed-list.ts';
import { type FailureView, viewFailure } from '../resque/failure-record.ts';
import { ChangeLog } from './change-log.ts';
import { failureMatcher } from './failure-filter.ts';
import { countFailures, findFailures, nextPageSize, Turn } from './failure-search.ts';
import { done, refused } from './replies.ts';

export interface FailureContext {
  readonly failed: FailedList;
  readonly publish: (fact: EngineFact) => void;
  /** Tells how many failures there are now. */
  readonly recount: () => Promise<void>;
}

const findLimit = 1_000;
const entriesLimit = 1_000;
/** Entries that are changed in one step, which holds up Redis for some milliseconds. */
const stepEntries = 250;
const stepBytes = 1024 * 1024;

type Kind = Change['kind'];

export async function findCommand(
  { filter, before, count }: Command & { type: 'find-failures' },
  { failed }: FailureContext,
): Promise<CommandReply> {
  if (before !== null && !isCount(before)) return refused('out-of-range', `before ${before} is no index`);
  if (!isCount(count) || count < 1 || count > findLimit) {
    return refused('out-of-range', `count ${count} is not a whole number from 1 to ${findLimit}`);
  }
  const data = await findFailures(failed, filter, before, count);
  return done(`${data.entries.length} of ${data.total} failures`, data);
}

export async function countCommand(filter: FailureFilter, { failed }: FailureContext): Promise<CommandReply> {
  const data = await countFailures(failed, filter);
  return done(`${data.matching} of ${data.total} failures match`, data);
}

/** Changes the entries that are named one by one. */
export async function changeListed(
  kind: Kind,
  refs: readonly FailureEntryRef[],
  context: FailureContext,
): Promise<CommandReply> {
  if (refs.length < 1 || refs.length > entriesLimit) {
    return refused('out-of-range', `${refs.length} is not a number of entries from 1 to ${entriesLimit}`);
  }
  const wrong = refs.find(({ index }) => !Number.isSafeInteger(index));
  if (wrong !== undefined) return refused('out-of-range', `${wrong.index} is no index`);
  const log = new ChangeLog(kind, context.publish);
  try {
    for (const entries of portions(refs)) {
      log.add(entries, await context.failed.change({ kind, entries }));
    }
  } catch (error) {
    return log.interrupted(error);
  } finally {
    log.publish();
    await context.recount();
  }
  return refs.length === 1 ? log.replyForOne() : log.reply();
}

/** Changes whatever matches, from newer to older entries; of those, only the ones below `within`. */
export async function changeMatching(
  kind: Kind,
  { filter, within }: { filter: FailureFilter; within: number },
  context: FailureContext,
): Promise<CommandReply> {
  if (!isCount(within)) return refused('out-of-range', `${within} is no number of entries`);
  const matches = failureMatcher(filter);
  const isWanted = (view: FailureView) => matches(view) && (kind === 'remove' || view.retriedAt === null);
  const turn = new Turn();
  const log = new ChangeLog(kind, context.publish);
  let page: WalkPage | null = null;
  let isLost = false;
  try {
    do {
      const entries: ListedRecord[] = [];
      for (const entry of page?.entries ?? []) {
        await turn.rest();
        const view = viewFailure(entry.record);
        if (!isWanted(view)) continue;
        if (kind === 'remove' || view.isRetryable) entries.push(entry);
        else log.addUnretryable();
      }
      const walk = { page, before: within, size: nextPageSize(page) };
      const step = await context.failed.step({ kind, entries }, walk);
      log.add(entries, step.results);
      log.publish();
      isLost = step.page === null;
      page = step.page;
    } while (page !== null && page.entries.length > 0);
  } catch (error) {
    return log.interrupted(error);
  } finally {
    await context.recount();
  }
  return log.reply(isLost);
}

/** As many of them at a time as one step may take, in the order of the list. */
function* portions(refs: readonly FailureEntryRef[]): Generator<ListedRecord[]> {
  const entries = new Map<string, ListedRecord>();
  for (const { index, recordBase64 } of refs) {
    // Named twice, it is still one.
    entries.set(`${index} ${recordBase64}`, { index, record: Buffer.from(recordBase64, 'base64') });
  }
  let portion: ListedRecord[] = [];
  let bytes = 0;
  for (const entry of [...entries.values()].sort((a, b) => a.index - b.index)) {
    portion.push(entry);
    bytes += entry.record.length;
    if (portion.length < stepEntries && bytes < stepBytes) continue;
    yield portion;
    portion = [];
    bytes = 0;
  }
  if (portion.length > 0) yield portion;
}

function isCount(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0;
}

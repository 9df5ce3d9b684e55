/** The commands on the `failed` list: looking through it, and putting back or removing what is on it. */
import { ChangeLog } from '../failures/change-log.ts';
import type { FailureCounts } from '../failures/changes.ts';
import { changeEntries, changeMatches } from '../failures/changes.ts';
import { countFailures, findFailures } from '../failures/search.ts';
import type { Command, CommandReply, FailureEntryRef, FailureFilter } from '../protocol/commands.ts';
import { done, refused } from '../protocol/commands.ts';
import type { EngineFact } from '../protocol/events.ts';
import type { Change, FailedList } from '../resque/failed/failed-list.ts';
import type { ListedRecord } from '../resque/failed/failed-page.ts';

export interface FailureContext {
  readonly failed: FailedList;
  readonly counts: FailureCounts;
  readonly publish: (fact: EngineFact) => void;
  /** Tells how many failures there are now. */
  readonly recount: () => Promise<void>;
}

const findLimit = 1_000;
const entriesLimit = 1_000;

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

export async function countCommand(
  filter: FailureFilter,
  { failed, counts }: FailureContext,
): Promise<CommandReply> {
  const count = await countFailures(failed, filter);
  counts.note(filter, count);
  const { total, matching, retryable } = count;
  const data = { kind: 'failure-count', total, matching, retryable } as const;
  return done(`${matching} of ${total} failures match`, data);
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
    await changeEntries(listedOnce(refs), { failed: context.failed, log });
  } catch (error) {
    return log.interrupted(error);
  } finally {
    log.publish();
    await context.recount();
  }
  return refs.length === 1 ? log.replyForOne() : log.reply();
}

/**
 * Changes whatever matches, from newer to older entries; of those, only the ones below `within`: what came after the
 * count that said so is left alone.
 */
export async function changeMatching(
  kind: Kind,
  { filter, within }: { filter: FailureFilter; within: number },
  context: FailureContext,
): Promise<CommandReply> {
  if (!isCount(within)) return refused('out-of-range', `${within} is no number of entries`);
  const log = new ChangeLog(kind, context.publish);
  const newest = context.counts.take(filter, within);
  try {
    const changing = { failed: context.failed, log };
    return log.reply(await changeMatches({ filter, within, newest }, changing));
  } catch (error) {
    return log.interrupted(error);
  } finally {
    await context.recount();
  }
}

/** Named twice, it is still one. */
function listedOnce(refs: readonly FailureEntryRef[]): ListedRecord[] {
  const entries = new Map<string, ListedRecord>();
  for (const { index, recordBase64 } of refs) {
    entries.set(`${index} ${recordBase64}`, { index, record: Buffer.from(recordBase64, 'base64') });
  }
  return [...entries.values()];
}

function isCount(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0;
}

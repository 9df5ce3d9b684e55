/** `resque-runner failed retry|remove|clear`: selects the failures, and asks before a bulk change or a deletion. */
import { changeEntries, changeMatches } from '../../failures/changes.ts';
import { type FailureCount, newestPage } from '../../failures/search.ts';
import { everyFailure, type FailureFilter } from '../../protocol/commands.ts';
import { FailedList } from '../../resque/failed/failed-list.ts';
import type { ListedRecord } from '../../resque/failed/failed-page.ts';
import { isEmptyFilter } from '../../store/filter-language.ts';
import type { CommandContext, RunCommand } from '../command-line/command-spec.ts';
import { UsageError, untouched } from '../command-line/exit-codes.ts';
import type { Flags } from '../command-line/flags.ts';
import type { Io } from '../command-line/io.ts';
import { withTarget } from '../redis/target.ts';
import { agree, refuseUnclear } from '../terminal/bulk-change.ts';
import { Progress } from '../terminal/progress.ts';
import { carryOut, declined, type Kind, nothingToDo } from './carry-out.ts';
import { type Counted, matchingQuestion, removalQuestion, whyNothing } from './change-words.ts';
import { failureId, findEntry } from './find-entry.ts';
import { countWithBar, filterOf, filterWords } from './matching.ts';

export const retry: RunCommand = (context) => change('retry', context);
export const remove: RunCommand = (context) => change('remove', context);
export const clear: RunCommand = ({ invocation, io }) =>
  changeMatching(io, 'remove', everyFailure, invocation.flags);

function change(kind: Kind, { invocation, io }: CommandContext): Promise<number> {
  refuseUnclear(invocation, filterWords(invocation.flags));
  const { input, flags } = invocation;
  return input.length > 0
    ? changeNamed(io, kind, input, flags)
    : changeMatching(io, kind, filterOf(flags), flags);
}

async function changeNamed(io: Io, kind: Kind, ids: readonly string[], flags: Flags): Promise<number> {
  const entries = await withTarget(io, flags, (sender, { keys }) =>
    findEntries(io, new FailedList(sender, keys), ids),
  );
  const { length } = entries;
  const extent = { matching: length, expected: length, within: length, untimed: 0 };
  if (kind === 'remove')
    await agree(io, removalQuestion(entries), flags.yes, () => declined(io, kind, extent, flags));
  const intent = { kind, ...extent, named: entries.map(failureId) };
  return await carryOut(io, intent, flags, (changing) => changeEntries(entries, changing));
}

/** Finds all entries before anything is changed. An entry that is named twice counts once. */
async function findEntries(io: Io, list: FailedList, ids: readonly string[]): Promise<ListedRecord[]> {
  const entries = new Map<string, ListedRecord>();
  const progress = new Progress(io, 'looking for them', ids.length);
  try {
    for (const [at, id] of ids.entries()) {
      const entry = await findEntry(list, id);
      entries.set(failureId(entry), entry);
      progress.update(at + 1);
    }
  } catch (error) {
    throw error instanceof UsageError ? new UsageError(`${error.message}; ${untouched}`) : error;
  } finally {
    progress.end();
  }
  return [...entries.values()];
}

async function changeMatching(io: Io, kind: Kind, filter: FailureFilter, flags: Flags): Promise<number> {
  const { newest, nowMs, ...counted } = await count(io, kind, filter, flags);
  const { total, matching, changeable, untimed } = counted;
  if (changeable === 0) return nothingToDo(io, kind, whyNothing(counted), counted, flags);
  await agree(io, matchingQuestion(kind, counted), flags.yes, () => declined(io, kind, counted, flags));
  const intent = { kind, matching, expected: changeable, within: total, untimed, named: null };
  return await carryOut(io, intent, flags, (changing) =>
    changeMatches({ filter, within: total, newest, nowMs }, changing),
  );
}

function count(
  io: Io,
  kind: Kind,
  filter: FailureFilter,
  flags: Flags,
): Promise<Counted & Pick<FailureCount, 'newest' | 'nowMs'>> {
  return withTarget(io, flags, async (sender, { keys, shown }) => {
    const list = new FailedList(sender, keys);
    const place = `${keys.failed} at ${shown}`;
    const isAll = isEmptyFilter(filter);
    if (kind === 'remove' && isAll) {
      const newest = await newestPage(list);
      const { total } = newest;
      const all = { total, matching: total, changeable: total, untimed: 0 };
      return { ...all, isAll, place, newest, nowMs: Date.now() };
    }
    const { retryable, ...counted } = await countWithBar(io, list, filter);
    const changeable = kind === 'retry' ? retryable : counted.matching;
    return { ...counted, changeable, isAll, place };
  });
}

/** `resque-runner failed retry|remove|clear`: what they are about, a question where it is many, and what became of it. */

import { changeEntries, changeMatches } from '../../engine/failure-changes.ts';
import { countFailures } from '../../engine/failure-search.ts';
import type { FailureFilter } from '../../protocol/commands.ts';
import { FailedList, type ListedRecord } from '../../resque/failed-list.ts';
import { viewFailure } from '../../resque/failure-record.ts';
import { isEmptyFilter } from '../../store/failure-filter.ts';
import { grouped, plural } from '../../ui/panels/words.ts';
import { visibleWithin } from '../../wording/visible.ts';
import { confirm } from '../ask.ts';
import type { CommandContext, Invocation, RunCommand } from '../command-line/command-spec.ts';
import type { Flags } from '../command-line/flags.ts';
import { UsageError } from '../exit-codes.ts';
import { Progress } from '../progress.ts';
import { withTarget } from '../redis-target.ts';
import { carryOut, declined, type Kind, nothingToDo, report } from './carry-out.ts';
import { everything, filterOf, filterWords } from './filter.ts';
import { failureId, findEntry } from './find-entry.ts';

export const retry: RunCommand = (context) => change('retry', context);
export const remove: RunCommand = (context) => change('remove', context);
export const clear: RunCommand = ({ invocation }) => changeMatching('remove', everything, invocation.flags);

function change(kind: Kind, { invocation }: CommandContext): Promise<number> {
  refuseUnclear(invocation);
  const { input, flags } = invocation;
  return input.length > 0 ? changeNamed(kind, input, flags) : changeMatching(kind, filterOf(flags), flags);
}

function refuseUnclear({ command, input, flags }: Invocation): void {
  const [filter] = filterWords(flags);
  const meant = [...(filter === undefined ? [] : [filter]), ...(flags.all ? ['--all'] : [])];
  if (input.length > 0 && meant.length > 0) {
    throw new UsageError(`${command} takes either IDs or ${meant[0]}, not both`);
  }
  if (meant.length > 1) throw new UsageError(`${command} takes either ${filter} or --all, not both`);
  if (input.length === 0 && meant.length === 0) {
    throw new UsageError(
      `${command} needs an ID, a filter such as --queue mail, or --all; see resque-runner ${command} --help`,
    );
  }
}

async function changeNamed(kind: Kind, ids: readonly string[], flags: Flags): Promise<number> {
  const entries = await withTarget(flags, (sender, { keys }) =>
    findEntries(new FailedList(sender, keys), ids),
  );
  const question = `Take ${namesOf(entries)} off the list?`;
  if (kind === 'remove' && !(await confirm(question, flags.yes))) {
    return declined(kind, entries.length, flags);
  }
  const named = entries.map(failureId);
  const intent = { kind, matching: named.length, expected: named.length, named };
  const outcome = await carryOut(intent, flags, (changing) => changeEntries(entries, changing));
  return report(outcome, flags);
}

/** All of them, before anything is changed; one that is named twice is one. */
async function findEntries(list: FailedList, ids: readonly string[]): Promise<ListedRecord[]> {
  const entries = new Map<string, ListedRecord>();
  const progress = new Progress('looking for them', ids.length);
  try {
    for (const [at, id] of ids.entries()) {
      const entry = await findEntry(list, id);
      entries.set(failureId(entry), entry);
      progress.update(at + 1);
    }
  } catch (error) {
    throw error instanceof UsageError ? new UsageError(`${error.message}. Nothing was changed.`) : error;
  } finally {
    progress.end();
  }
  return [...entries.values()];
}

function namesOf(entries: readonly ListedRecord[]): string {
  const [first] = entries;
  if (first === undefined || entries.length > 1) return plural(entries.length, 'failure');
  const { jobClass, queue, exception, error } = viewFailure(first.record);
  const words = [`${jobClass ?? '(no class)'} of ${queue ?? '(no queue)'}`, exception, error];
  const text = words.filter((part) => part !== null && part !== '').join(': ');
  return `${failureId(first)} (${visibleWithin(text, 200)})`;
}

async function changeMatching(kind: Kind, filter: FailureFilter, flags: Flags): Promise<number> {
  const counted = await count(kind, filter, flags);
  const { total, matching, changeable } = counted;
  if (changeable === 0) return nothingToDo(kind, whyNothing(counted, filter), matching, flags);
  if (!(await confirm(question(kind, counted, filter), flags.yes))) return declined(kind, matching, flags);
  const intent = { kind, matching, expected: changeable, named: null };
  const outcome = await carryOut(intent, flags, (changing) =>
    changeMatches({ filter, within: total }, changing),
  );
  return report(outcome, flags);
}

interface Counted {
  readonly total: number;
  readonly matching: number;
  /** Of those, the ones that there is something to do about. */
  readonly changeable: number;
  /** Where the list is, for people. */
  readonly place: string;
}

function count(kind: Kind, filter: FailureFilter, flags: Flags): Promise<Counted> {
  return withTarget(flags, async (sender, { keys, shown }) => {
    const list = new FailedList(sender, keys);
    const place = `${keys.failed} at ${shown}`;
    if (kind === 'remove' && isEmptyFilter(filter)) {
      const { total } = await list.page(0, 1);
      return { total, matching: total, changeable: total, place };
    }
    const progress = new Progress('counting', null);
    try {
      const found = await countFailures(list, filter, (looked, all) => progress.update(looked, all));
      const { total, matching, retryable } = found;
      return { total, matching, changeable: kind === 'retry' ? retryable : matching, place };
    } finally {
      progress.end();
    }
  });
}

function whyNothing({ total, matching, place }: Counted, filter: FailureFilter): string {
  if (total === 0) return `no failures: ${place} is empty`;
  if (matching === 0) return `none of ${plural(total, 'failure')} matches`;
  const which = isEmptyFilter(filter) ? plural(total, 'failure') : matches(matching, total);
  return `${which}: retried already, or without a word of which job to put back onto which queue`;
}

function question(
  kind: Kind,
  { total, matching, changeable, place }: Counted,
  filter: FailureFilter,
): string {
  const isAll = isEmptyFilter(filter);
  const what = isAll ? `There are ${plural(total, 'failure')}` : matches(matching, total);
  const where = `${what} (${place})`;
  if (kind === 'remove')
    return `${where}. Take ${total > 1 && isAll ? 'all of ' : ''}${them(matching)} off the list?`;
  const jobs = changeable === 1 ? 'its job' : `${grouped(changeable)} jobs`;
  return changeable === matching
    ? `${where}. Put ${changeable === 1 ? 'its job' : 'their jobs'} back onto the queues?`
    : `${where}; ${grouped(changeable)} of them can be retried and weren't yet. Put ${jobs} back onto the queues?`;
}

/** `1,234 of 5,000 failures match` */
function matches(matching: number, total: number): string {
  return `${grouped(matching)} of ${plural(total, 'failure')} ${matching === 1 ? 'matches' : 'match'}`;
}

function them(count: number): string {
  return count === 1 ? 'it' : 'them';
}

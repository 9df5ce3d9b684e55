/** Retries and deletes all failures that match: those of the filter, or of a group. */
import { grouped, plural } from '../../messages/quantities.ts';
import type { CommandReply, FailureFilter } from '../../protocol/commands.ts';
import { type AppState, changeView } from '../../store/app-store.ts';
import { failureFilterOf, isEmptyFilter } from '../../store/filter-language.ts';
import type { Choice } from '../../store/view.ts';
import { contextOf } from '../lists/selection.ts';
import { groupWords } from '../panels/words.ts';
import type { ActionContext } from './action-context.ts';

export type MatchingCommand = 'retry-matching' | 'remove-matching';

/** Everything that matches on the failures screen. Counts first, because the question says how many. */
export async function askMatching(context: ActionContext, command: MatchingCommand): Promise<void> {
  const { failures } = context.store.getState().view;
  await askFilter(context, command, failureFilterOf(failures), failures.filter);
}

/** @param typed the filter as the user typed it; '' without one */
export async function askFilter(
  context: ActionContext,
  command: MatchingCommand,
  filter: FailureFilter,
  typed = '',
): Promise<void> {
  const { store } = context;
  const place = placeOf(store.getState());
  context.toast('counting…');
  const reply = await context.ask({ type: 'count-failures', filter });
  if (!reply.ok) {
    context.toast(reply.message, true);
    return;
  }
  if (reply.data?.kind !== 'failure-count') return;
  // Counting a long list takes seconds. If the user has moved on, the next keys don't answer this question.
  if (store.getState().view.dialog !== null || placeOf(store.getState()) !== place) return;
  const { total, matching, retryable, untimed = 0 } = reply.data;
  const count = command === 'retry-matching' ? retryable : matching;
  if (count === 0) {
    context.toast(nothingToDo(matching, filter, typed), true);
    return;
  }
  const verb = verbOf(command);
  const skipped = matching - retryable;
  changeView(store, {
    toast: null,
    dialog: {
      kind: 'question',
      question: { kind: 'matching', command, filter, within: total },
      title: `${verb} ${plural(count, 'failure')}?`,
      lines: [
        whichOnes(count, total, filter, typed),
        ...(command === 'retry-matching' && skipped > 0
          ? [
              skipped === 1
                ? "Skips 1 failure that was already retried or can't be retried."
                : `Skips ${grouped(skipped)} failures that were already retried or can't be retried.`,
            ]
          : []),
        ...(untimed > 0 ? [`${plural(untimed, 'failure')} without a readable time left alone.`] : []),
      ],
      choices: yesOrNo(verb),
      focus: 0,
    },
  });
}

/** What the user looks at. */
function placeOf({ view }: AppState): string {
  const { filter, group, grouping } = view.failures;
  const opened = view.opened?.kind === 'queue' ? view.opened.queue : null;
  return JSON.stringify([view.tab, contextOf(view), opened, filter, group, grouping]);
}

function whichOnes(count: number, total: number, filter: FailureFilter, typed: string): string {
  if (isEmptyFilter(filter)) {
    return count === total
      ? 'All failures on the list.'
      : `${grouped(count)} of the ${plural(total, 'failure')} on the list.`;
  }
  const { group = null } = filter;
  const ofGroup = group === null ? '' : `, of the group ${groupWords(group)}`;
  const withFilter = typed === '' ? '' : `, with the filter "${typed}"`;
  return `${grouped(count)} of ${plural(total, 'failure')}${ofGroup}${withFilter}.`;
}

function nothingToDo(matching: number, filter: FailureFilter, typed: string): string {
  const matches = typed === '' ? '' : ` that matches "${typed}"`;
  const ofGroup = (filter.group ?? null) === null ? '' : ' of this group';
  if (matching > 0) return `every failure${ofGroup}${matches} was already retried or can't be retried`;
  if (ofGroup !== '') return `no failure${ofGroup} is left`;
  return typed === '' ? 'there are no failures' : `no failure matches "${typed}"`;
}

export function yesOrNo(verb: string): readonly Choice[] {
  return [
    { label: 'Cancel', key: 'n', detail: '' },
    { label: verb, key: 'y', detail: '' },
  ];
}

export function verbOf(command: string): string {
  return command.startsWith('retry') ? 'Retry' : 'Delete';
}

/** The answer was yes. */
export async function carryOutMatching(
  context: ActionContext,
  command: MatchingCommand,
  filter: FailureFilter,
  within: number,
): Promise<void> {
  context.toast(command === 'retry-matching' ? 'retrying…' : 'deleting…');
  const reply = await context.run({ type: command, filter, within });
  afterwards(context, command, reply);
}

/** After a change of the list. */
export function afterwards(context: ActionContext, command: string, reply: CommandReply): void {
  const { store, failures, groups } = context;
  const { view } = store.getState();
  const isGone = !reply.ok && reply.code === 'failure-gone';
  // A mark on an entry that is gone can't be seen or removed.
  if (reply.ok || isGone)
    changeView(store, { failures: { ...view.failures, marked: new Map(), isAllMarked: false } });
  const isRemoved = reply.ok || (isGone && command.startsWith('remove'));
  if (view.opened?.kind === 'failure' && isRemoved) context.leave();
  failures.reread();
  groups.reread();
}

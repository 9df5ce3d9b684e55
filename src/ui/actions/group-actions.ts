/** Failures in groups: showing them, opening one, and retrying or deleting all failures of one. */
import { everyFailure, type FailureFilter, type FailureGroupNames } from '../../protocol/commands.ts';
import { changeView } from '../../store/app-store.ts';
import { failureFilterOf } from '../../store/filter-language.ts';
import type { FailuresView, Grouping } from '../../store/view.ts';
import { pageOfQueue, selectedGroup } from '../lists/selection.ts';
import { type ActionContext, hasRoomFor } from './action-context.ts';
import { askFilter, type MatchingCommand } from './matching-actions.ts';

const nextGrouping: Readonly<Record<Grouping, Grouping>> = { none: 'class', class: 'queue', queue: 'none' };

/** The list, its groups, its groups by queue, and the list again; from an open group back to the groups. */
export function toggleGroups(context: ActionContext): void {
  const { failures } = context.store.getState().view;
  if (failures.group !== null) closeGroup(context);
  else changeFailures(context, { grouping: nextGrouping[failures.grouping], groupCursor: null });
}

export function closeGroup(context: ActionContext): void {
  changeFailures(context, { group: null, cursor: null });
  context.failures.restart();
}

/** Shows the failures of the group under the cursor, on the failures tab. @returns false if there is none */
export function openGroup(context: ActionContext): boolean {
  const state = context.store.getState();
  const group = selectedGroup(state);
  if (group === null) return false;
  if (!hasRoomFor(context, 'failures')) return true;
  const isFromPage = pageOfQueue(state.view) !== null;
  changeView(context.store, { tab: 'failures', opened: null });
  changeFailures(context, {
    ...{ group: namesOf(group), cursor: null },
    ...(isFromPage ? { filter: '', grouping: 'queue', groupCursor: null } : {}),
  });
  context.failures.restart();
  return true;
}

export function changeGroup(context: ActionContext, command: MatchingCommand): void {
  const state = context.store.getState();
  const group = selectedGroup(state);
  if (group === null) {
    const isOnPage = pageOfQueue(state.view) !== null;
    context.toast(isOnPage ? 'press Tab to select a group of failures' : 'no group of failures', true);
    return;
  }
  const { failures } = state.view;
  const isOnPage = pageOfQueue(state.view) !== null;
  const shown: FailureFilter = isOnPage ? everyFailure : failureFilterOf(failures);
  const typed = isOnPage ? '' : failures.filter;
  void askFilter(context, command, { ...shown, group: namesOf(group) }, typed);
}

function namesOf({ exception, jobClass, queue }: FailureGroupNames): FailureGroupNames {
  return queue === undefined ? { exception, jobClass } : { exception, jobClass, queue };
}

function changeFailures({ store }: ActionContext, change: Partial<FailuresView>): void {
  const { failures } = store.getState().view;
  changeView(store, { failures: { ...failures, marked: new Map(), isAllMarked: false, ...change } });
}

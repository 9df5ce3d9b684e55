/** Moves between rows, panels and tabs; opens queues, jobs and failures, and goes back. */
import { type AppState, changeView } from '../../store/app-store.ts';
import { type QueuesPane, queuePanes, type Tab } from '../../store/view.ts';
import { queuesLayout } from '../layout/layout.ts';
import { wayBack } from '../lists/focus.ts';
import {
  contextOf,
  delayedKeys,
  failureKeys,
  groupKeys,
  indexOfKey,
  listedDelayed,
  listedEvents,
  listedJobs,
  listedQueues,
  listedWorkers,
  pageOfQueue,
  runningPaneJobs,
  type Step,
  selectedFailure,
  selectedJobId,
  selectedQueue,
  selectedQueueJobs,
  shownTabs,
  stepTo,
} from '../lists/selection.ts';
import { type ActionContext, hasRoomFor } from './action-context.ts';
import { closeGroup, openGroup } from './group-actions.ts';
import { openDetail, scrollDetail } from './opened-details.ts';
import { pageOf } from './page-rows.ts';
import { movePage, openFromPage, pageFor } from './queue-page.ts';

/** Reads the next page when the cursor is this close to the end of what is loaded. */
const nearEnd = 30;

export function move(context: ActionContext, step: Step): void {
  const { view } = context.store.getState();
  if (view.opened?.kind === 'job') context.log?.scroll(step);
  else if (view.opened?.kind === 'queue') movePage(context, view.opened, step);
  else if (view.opened !== null) scrollDetail(context, step);
  else if (contextOf(view) === 'groups') moveInGroups(context, step);
  else if (view.tab === 'queues') moveInQueues(context, step);
  else if (view.tab === 'failures') moveInFailures(context, step);
  else if (view.tab === 'delayed') moveInDelayed(context, step);
  else moveInList(context, view.tab, step);
}

function moveInQueues(context: ActionContext, step: Step): void {
  const { store, size } = context;
  const state = store.getState();
  const { queues } = state.view;
  const isPanels = queuesLayout(size, listedQueues(state).length).kind === 'panels';
  if (queues.pane === 'failures') {
    const failure = stepTo(failureKeys(state.recentFailures.entries), queues.failure, step);
    changeView(store, { queues: { ...queues, failure } });
  } else if (queues.pane === 'queues' && !isPanels) {
    const names = listedQueues(state).map(({ name }) => name);
    changeView(store, { queues: { ...queues, queue: stepTo(names, queues.queue, step), jobId: null } });
  } else {
    const jobs = queues.pane === 'running' ? runningPaneJobs(state) : selectedQueueJobs(state);
    const ids = jobs.map(({ id }) => id);
    changeView(store, { queues: { ...queues, jobId: stepTo(ids, queues.jobId, step) } });
  }
}

function moveInFailures({ store, failures }: ActionContext, step: Step): void {
  const { view, failurePages } = store.getState();
  const keys = failureKeys(failurePages.entries);
  const cursor = stepTo(keys, view.failures.cursor, step);
  changeView(store, { failures: { ...view.failures, cursor } });
  if (step === 'bottom') void toOldest({ store, failures }, cursor);
  else if (cursor !== null && keys.indexOf(cursor) >= keys.length - nearEnd) failures.more();
}

/** Reads the rest of the list, then goes to its end unless the cursor was moved. */
async function toOldest(
  { store, failures }: Pick<ActionContext, 'store' | 'failures'>,
  from: string | null,
): Promise<void> {
  await failures.readOn();
  const { view, failurePages } = store.getState();
  if (view.failures.cursor !== from) return;
  const cursor = stepTo(failureKeys(failurePages.entries), from, 'bottom');
  changeView(store, { failures: { ...view.failures, cursor } });
}

function moveInGroups({ store }: ActionContext, step: Step): void {
  const { view, groupPages } = store.getState();
  const groupCursor = stepTo(groupKeys(groupPages.groups), view.failures.groupCursor, step);
  changeView(store, { failures: { ...view.failures, groupCursor } });
}

/** The next or previous failure of the list that the open one is from. */
export function openNextFailure(context: ActionContext, step: 1 | -1): void {
  const { store } = context;
  const { view, recentFailures, failurePages } = store.getState();
  const { opened } = view;
  if (opened?.kind !== 'failure') return;
  if (opened.over !== undefined) {
    context.toast('this failure was opened from its job; Esc returns to it', true);
    return;
  }
  const isRecent = view.tab === 'queues';
  const { entries } = isRecent ? recentFailures : failurePages;
  const keys = failureKeys(entries);
  const at = indexOfKey(keys, isRecent ? view.queues.failure : view.failures.cursor) + step;
  const [entry, key] = [entries[at], keys[at]];
  if (entry === undefined || key === undefined) {
    context.toast(step < 0 ? 'this is the newest failure' : 'this is the last failure of the list', true);
    return;
  }
  changeView(store, {
    opened: { kind: 'failure', entry, top: 0 },
    ...(isRecent
      ? { queues: { ...view.queues, failure: key } }
      : { failures: { ...view.failures, cursor: key } }),
  });
  if (!isRecent && at >= keys.length - nearEnd) context.failures.more();
}

function moveInDelayed({ store, delayed }: ActionContext, step: Step): void {
  const state = store.getState();
  const keys = delayedKeys(listedDelayed(state));
  const cursor = stepTo(keys, state.view.delayed.cursor, step);
  changeView(store, { delayed: { ...state.view.delayed, cursor } });
  if (cursor !== null && keys.indexOf(cursor) >= keys.length - nearEnd) delayed.more();
}

function keysOfList(state: AppState, tab: 'jobs' | 'events' | 'workers'): readonly string[] {
  if (tab === 'jobs') return listedJobs(state).map(({ job }) => job.id);
  if (tab === 'events') return listedEvents(state).map(({ seq }) => String(seq));
  return listedWorkers(state).map(({ id }) => id);
}

function moveInList({ store }: ActionContext, tab: 'jobs' | 'events' | 'workers', step: Step): void {
  const state = store.getState();
  const keys = keysOfList(state, tab);
  changeView(store, { [tab]: { ...state.view[tab], cursor: stepTo(keys, state.view[tab].cursor, step) } });
}

/** Moves to the panel on that side. The last panel of a row leads to the next row. */
export function movePanel({ store, size }: ActionContext, step: number): void {
  const state = store.getState();
  const names = listedQueues(state).map(({ name }) => name);
  const page = pageOfQueue(state.view);
  const queue = stepTo(names, page?.queue ?? selectedQueue(state)?.name ?? null, step);
  const { queues } = state.view;
  if (page !== null && queue !== null) {
    changeView(store, { opened: pageFor(state, queue), queues: { ...queues, queue, jobId: null } });
    return;
  }
  const isPanels = queuesLayout(size, names.length).kind === 'panels';
  const pane = isPanels ? 'queues' : queues.pane;
  changeView(store, { queues: { ...queues, pane, queue, jobId: null } });
}

/** The next panel on the queues screen and on a queue's page, the next tab elsewhere. */
export function movePane(context: ActionContext, step: 1 | -1): void {
  const { store, size } = context;
  const state = store.getState();
  const { view } = state;
  const page = pageOfQueue(view);
  if (page !== null) {
    const at = queuePanes.indexOf(page.pane) + step + queuePanes.length;
    changeView(store, { opened: { ...page, pane: queuePanes[at % queuePanes.length] ?? 'running' } });
    return;
  }
  if (view.tab !== 'queues' || view.opened !== null) {
    const shown = shownTabs(state);
    const at = shown.indexOf(view.tab) + step + shown.length;
    goToTab(context, shown[at % shown.length] ?? 'queues');
    return;
  }
  const names = listedQueues(state).map(({ name }) => name);
  const layout = queuesLayout(size, names.length);
  const stops: { pane: QueuesPane; queue: string | null }[] =
    layout.kind === 'panels'
      ? names.map((queue) => ({ pane: 'queues', queue }))
      : [
          { pane: 'queues', queue: view.queues.queue },
          ...(layout.kind === 'table' ? [{ pane: 'running' as const, queue: view.queues.queue }] : []),
        ];
  if (layout.failureRows > 0) stops.push({ pane: 'failures', queue: view.queues.queue });
  const current = stops.findIndex(
    ({ pane, queue }) =>
      pane === view.queues.pane &&
      (layout.kind !== 'panels' || pane === 'failures' || queue === selectedQueue(state)?.name),
  );
  const next = stops[(Math.max(0, current) + step + stops.length) % stops.length];
  if (next === undefined) return;
  const jobId = next.queue === view.queues.queue ? view.queues.jobId : null;
  changeView(store, { queues: { ...view.queues, ...next, jobId } });
}

export function goToTab(context: ActionContext, tab: Tab): void {
  const { store, failures } = context;
  if (!hasRoomFor(context, tab)) return;
  context.closeLog();
  changeView(store, { tab, opened: null });
  if (tab === 'failures' && store.getState().failurePages.total === null) failures.restart();
}

/** A tab that isn't there has nothing to show. */
export function goToDelayed(context: ActionContext): void {
  if (shownTabs(context.store.getState()).includes('delayed')) goToTab(context, 'delayed');
  else context.toast('there are no delayed jobs and no schedules', true);
}

export function goToQueue(context: ActionContext, queue: string): void {
  const { store } = context;
  context.closeLog();
  const { queues } = store.getState().view;
  changeView(store, {
    tab: 'queues',
    opened: null,
    queues: { ...queues, filter: '', pane: 'queues', queue, jobId: null },
  });
}

export function open(context: ActionContext): void {
  const { store } = context;
  const state = store.getState();
  const { view } = state;
  const failure = selectedFailure(state);
  if (failure !== null) {
    changeView(store, { opened: { kind: 'failure', entry: failure, top: 0 } });
    return;
  }
  const page = pageOfQueue(view);
  if (page !== null) {
    openFromPage(context, page);
    return;
  }
  if (contextOf(view) === 'groups') {
    if (!openGroup(context)) context.toast('no group to open', true);
    return;
  }
  if (openDetail(context)) return;
  if (view.tab === 'events') {
    openEvent(context);
    return;
  }
  const queue = view.tab === 'queues' && view.queues.pane === 'queues' ? selectedQueue(state) : null;
  if (queue?.members !== undefined) {
    // An entry opens to its queues; Esc goes back to all.
    changeView(store, { queues: { ...view.queues, filter: queue.name, queue: queue.name, jobId: null } });
    return;
  }
  if (queue !== null) {
    changeView(store, { opened: pageFor(state, queue.name) });
    return;
  }
  const jobId = selectedJobId(state);
  if (jobId === null) context.toast(nothingToOpen(state), true);
  else context.openLog(jobId);
}

function nothingToOpen(state: AppState): string {
  const { tab, queues } = state.view;
  if (tab === 'failures' || (tab === 'queues' && queues.pane === 'failures')) return 'no failure to open';
  const queue = tab === 'queues' ? selectedQueue(state) : null;
  return queue === null ? 'nothing to open' : `${queue.name} has no running jobs`;
}

/** The job that an event is about. */
function openEvent(context: ActionContext): void {
  const state = context.store.getState();
  const events = listedEvents(state);
  const event = events.find(({ seq }) => String(seq) === state.view.events.cursor) ?? events[0];
  if (event !== undefined && event.seq < 0) context.toast('this event is from an earlier runner', true);
  else if (event !== undefined && 'jobId' in event) context.openLog(event.jobId);
  else context.toast('this event is not about a job', true);
}

/** @returns false if there was nothing to go back from */
export function back(context: ActionContext): boolean {
  const { store, failures, delayed } = context;
  const { view } = store.getState();
  const page = pageOfQueue(view);
  switch (wayBack(view)) {
    case 'filter of the page':
      if (page !== null) changeView(store, { opened: { ...page, filter: '', waiting: null } });
      return true;
    case 'opened':
      context.leave();
      return true;
    case 'marks':
      changeView(store, { failures: { ...view.failures, marked: new Map(), isAllMarked: false } });
      return true;
    case 'group':
      closeGroup(context);
      return true;
    case 'filter':
      changeView(store, { [view.tab]: { ...view[view.tab], filter: '' } });
      if (view.tab === 'failures') failures.restart();
      if (view.tab === 'delayed') delayed.restart();
      return true;
    case 'groups':
      changeView(store, { failures: { ...view.failures, grouping: 'none' } });
      return true;
    case 'pane':
      changeView(store, { queues: { ...view.queues, pane: 'queues' } });
      return true;
    case null:
      return false;
  }
}

/** Moves by pages. A page is never more than the screen shows, so no row is skipped unread. */
export function movePages(context: ActionContext, pages: number): void {
  const rows = Math.ceil(pageOf(context.store.getState(), context.size) * Math.abs(pages));
  move(context, pages < 0 ? -rows : rows);
}

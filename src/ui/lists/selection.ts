/**
 * What each list shows, and which item is under its cursor. Screens and actions both use it, so an action always affects the
 * item that the user sees.
 */
import { wordingOf } from '../../messages/events.ts';
import type { FailureEntry, FailureGroup } from '../../protocol/commands.ts';
import type { EngineEvent } from '../../protocol/events.ts';
import { globMatcher } from '../../protocol/matching.ts';
import type { WaitingJob, WorkerInfo } from '../../protocol/redis-views.ts';
import type { EndedJob, RunningJob } from '../../protocol/snapshot.ts';
import type { AppState } from '../../store/app-store.ts';
import { type DelayedItem, delayedItems } from '../../store/delayed-items.ts';
import { groupKey, showsGroups } from '../../store/failure-groups.ts';
import { jobFields, parseFilter, textMatcher } from '../../store/filter-language.ts';
import { jobsOf, remembered } from '../../store/selectors.ts';
import { type QueuePage, type Tab, tabs, type View } from '../../store/view.ts';
import type { Context } from '../keys/keymap.ts';
import { jobsOfRow, type QueueRow, queueRows } from './queue-rows.ts';

export function contextOf({ opened, tab, failures }: View): Context {
  if (opened !== null) return opened.kind;
  return tab === 'failures' && showsGroups(failures) ? 'groups' : tab;
}

type Shown = Pick<AppState, 'model' | 'view'>;

/** Index of a key in a list; 0 if it is gone. */
export function indexOfKey(keys: readonly string[], key: string | null): number {
  return key === null ? 0 : Math.max(0, keys.indexOf(key));
}

/** A number of rows, or an end. */
export type Step = number | 'top' | 'bottom';

/** @returns the key under the cursor after the step; `null` in an empty list */
export function stepTo(keys: readonly string[], cursor: string | null, step: Step): string | null {
  if (keys.length === 0) return null;
  const last = keys.length - 1;
  const at = step === 'top' ? 0 : step === 'bottom' ? last : indexOfKey(keys, cursor) + step;
  return keys[Math.min(last, Math.max(0, at))] ?? null;
}

/** Queues and entries, in the order that they were sorted in last. */
export function listedQueues({ model, view }: Shown): readonly QueueRow[] {
  return filteredQueues(
    orderedQueues(queueRows(model), view.queues.order?.names ?? null),
    view.queues.filter,
  );
}

const orderedQueues = remembered((rows: readonly QueueRow[], names: readonly string[] | null) => {
  if (names === null) return rows;
  const byName = new Map(rows.map((row) => [row.name, row]));
  const ordered = names.flatMap((name) => {
    const row = byName.get(name);
    byName.delete(name);
    return row ?? [];
  });
  // Not sorted yet.
  return [...ordered, ...byName.values()];
});

/** The name of an entry also finds its queues. */
const filteredQueues = remembered((queues: readonly QueueRow[], filter: string) => {
  if (filter === '') return queues;
  const matches = matcherOf(filter);
  return queues.filter(({ name, runner }) => matches(name) || runner === filter);
});

export function selectedQueue(state: Shown): QueueRow | null {
  const queues = listedQueues(state);
  return queues.find(({ name }) => name === state.view.queues.queue) ?? queues[0] ?? null;
}

/** The queue whose page is open. */
export function pageOfQueue({ opened }: View): QueuePage | null {
  return opened?.kind === 'queue' ? opened : null;
}

/** Changes the page of the queue that is open. */
export function pageChange(change: Partial<QueuePage>): (view: View) => Partial<View> {
  return (view) => {
    const page = pageOfQueue(view);
    return page === null ? {} : { opened: { ...page, ...change } };
  };
}

/** The queue that keys act on: the open one, or the selected one. */
export function chosenQueue(state: AppState): QueueRow | null {
  const page = pageOfQueue(state.view);
  if (page === null) return selectedQueue(state);
  return state.model.queues.find(({ name }) => name === page.queue) ?? null;
}

const noJobs: readonly RunningJob[] = [];

/** Running jobs of the selected queue. */
export function selectedQueueJobs(state: AppState): readonly RunningJob[] {
  const queue = selectedQueue(state);
  return queue === null ? noJobs : jobsOfRow(state.model, queue);
}

/** What the panel below the table of queues shows: the jobs of the selected queue, then all others. */
export function runningPaneJobs(state: AppState): readonly RunningJob[] {
  return ownFirst(selectedQueueJobs(state), state.model.jobs);
}

const ownFirst = remembered((own: readonly RunningJob[], all: readonly RunningJob[]) => {
  const ids = new Set(own.map(({ id }) => id));
  return [...own, ...all.filter(({ id }) => !ids.has(id)).sort((a, b) => a.startedAtMs - b.startedAtMs)];
});

export type ListedJob =
  | { readonly isRunning: true; readonly job: RunningJob }
  | { readonly isRunning: false; readonly job: EndedJob };

/** Running jobs first, oldest first; then ended jobs, newest first. */
export function listedJobs({ model, view, outputSearch }: AppState): readonly ListedJob[] {
  return filteredJobs(model.jobs, model.ended, view.jobs.filter, outputSearch.jobs);
}

const filteredJobs = remembered(
  (
    jobs: readonly RunningJob[],
    ended: readonly EndedJob[],
    filter: string,
    found: ReadonlySet<string> | null,
  ): readonly ListedJob[] => {
    const running = jobs.toSorted((a, b) => a.startedAtMs - b.startedAtMs);
    const all: ListedJob[] = [
      ...running.map((job) => ({ isRunning: true as const, job })),
      ...ended.map((job) => ({ isRunning: false as const, job })),
    ];
    if (filter === '') return all;
    const matches = jobMatcher(filter, found);
    return all.filter(matches);
  },
);

/** Newest first; those of earlier runners last. */
export function listedEvents({ model, view, former }: AppState): readonly EngineEvent[] {
  return filteredEvents(former, model.history, view.events.filter);
}

const filteredEvents = remembered(
  (
    former: readonly EngineEvent[],
    history: readonly EngineEvent[],
    filter: string,
  ): readonly EngineEvent[] => {
    const matches = matcherOf(filter);
    const shown = [...former, ...history].filter((event) => {
      const wording = wordingOf(event, null);
      if (wording === null) return false;
      return filter === '' || matches(`${wording.subject} ${wording.text}`);
    });
    return shown.reverse();
  },
);

/** The job that keys act on: the open one, or the one under the cursor. */
export function selectedJobId(state: AppState): string | null {
  const { view } = state;
  if (view.opened?.kind === 'job') return view.opened.jobId;
  if (view.opened?.kind === 'queue') {
    if (view.opened.pane !== 'running') return null;
    const ids = jobsOf(state.model, view.opened.queue).map(({ id }) => id);
    return ids[indexOfKey(ids, view.opened.jobId)] ?? null;
  }
  if (view.tab === 'jobs') {
    const jobs = listedJobs(state);
    const keys = jobs.map(({ job }) => job.id);
    return keys[indexOfKey(keys, view.jobs.cursor)] ?? null;
  }
  if (view.tab !== 'queues' || view.queues.pane === 'failures') return null;
  const jobs = view.queues.pane === 'running' ? runningPaneJobs(state) : selectedQueueJobs(state);
  const keys = jobs.map(({ id }) => id);
  return keys[indexOfKey(keys, view.queues.jobId)] ?? null;
}

/** The failure that keys act on: the open one, or the one under the cursor. */
export function selectedFailure(state: AppState): FailureEntry | null {
  const { view } = state;
  if (view.opened !== null) return view.opened.kind === 'failure' ? view.opened.entry : null;
  if (view.tab === 'queues' && view.queues.pane === 'failures') {
    const { entries } = state.recentFailures;
    return entries[indexOfKey(failureKeys(entries), view.queues.failure)] ?? null;
  }
  if (view.tab !== 'failures' || showsGroups(view.failures)) return null;
  const { entries } = state.failurePages;
  return entries[indexOfKey(failureKeys(entries), view.failures.cursor)] ?? null;
}

/** The group that keys act on. */
export function selectedGroup(state: AppState): FailureGroup | null {
  const { view, groupPages } = state;
  const page = pageOfQueue(view);
  if (page === null && contextOf(view) !== 'groups') return null;
  if (page !== null && page.pane !== 'groups') return null;
  const cursor = page === null ? view.failures.groupCursor : page.group;
  return groupPages.groups[indexOfKey(groupKeys(groupPages.groups), cursor)] ?? null;
}

/** The waiting job that keys act on. */
export function selectedWaiting({ view, waitingPages }: AppState): WaitingJob | null {
  if (view.opened?.kind === 'waiting-job') return view.opened.job;
  const page = pageOfQueue(view);
  if (page?.pane !== 'waiting') return null;
  return waitingPages.jobs[indexOfKey(waitingKeys(waitingPages.jobs), page.waiting)] ?? null;
}

const keysOfItems = new WeakMap<readonly unknown[], readonly string[]>();

/** A key for each item that stays the same when the list moves: what the item is, with a number for equal items. */
function keysOf<T>(items: readonly T[], identityOf: (item: T) => string): readonly string[] {
  const known = keysOfItems.get(items);
  if (known !== undefined) return known;
  const seen = new Map<string, number>();
  const keys = items.map((item) => {
    const value = identityOf(item);
    const count = seen.get(value) ?? 0;
    seen.set(value, count + 1);
    return `${count} ${value}`;
  });
  keysOfItems.set(items, keys);
  return keys;
}

export function failureKeys(entries: readonly FailureEntry[]): readonly string[] {
  return keysOf(entries, ({ recordBase64 }) => recordBase64);
}

export function waitingKeys(jobs: readonly WaitingJob[]): readonly string[] {
  return keysOf(jobs, ({ sha1 }) => sha1);
}

export function groupKeys(groups: readonly FailureGroup[]): readonly string[] {
  return keysOf(groups, groupKey);
}

/** For lists without fields. */
function matcherOf(filter: string): (text: string) => boolean {
  return textMatcher(parseFilter(filter, []));
}

/** @param found IDs of the jobs that have printed the text in the filter; `null` if that isn't known */
function jobMatcher(filter: string, found: ReadonlySet<string> | null): (listed: ListedJob) => boolean {
  const parsed = parseFilter(filter, jobFields);
  const { queue = '*', class: jobClass = '', outcome = '', output } = parsed.values;
  const isOfQueue = globMatcher(queue.toLowerCase());
  const hasText = textMatcher(parsed);
  return ({ isRunning, job }) =>
    isOfQueue(job.queue.toLowerCase()) &&
    (job.jobClass ?? '').toLowerCase().includes(jobClass.toLowerCase()) &&
    (isRunning ? 'running' : job.outcome).startsWith(outcome.toLowerCase()) &&
    (output === undefined || found?.has(job.id) === true) &&
    hasText(`${job.id} ${job.queue} ${job.jobClass ?? ''} ${job.args}`);
}

export function listedWorkers({ workerRows, view }: AppState): readonly WorkerInfo[] {
  return filteredWorkers(workerRows.workers, view.workers.filter);
}

const filteredWorkers = remembered((workers: readonly WorkerInfo[], filter: string) => {
  if (filter === '') return workers;
  const matches = matcherOf(filter);
  return workers.filter(({ id, kind, state, job }) =>
    matches(`${id} ${kind} ${state} ${job?.queue ?? ''} ${job?.jobClass ?? ''} ${job?.args ?? ''}`),
  );
});

/** The worker that keys act on: the open one, or the one under the cursor. */
export function selectedWorker(state: AppState): WorkerInfo | null {
  const { opened, tab, workers: view } = state.view;
  if (opened?.kind === 'worker') return opened.worker;
  if (tab !== 'workers' || opened !== null) return null;
  const workers = listedWorkers(state);
  const keys = workers.map(({ id }) => id);
  return workers[indexOfKey(keys, view.cursor)] ?? null;
}

export function listedDelayed({ delayedRows, view }: AppState): readonly DelayedItem[] {
  return itemsOf(delayedRows.jobs, delayedRows.schedules, view.delayed.filter);
}

const itemsOf = remembered(delayedItems);

export function delayedKeys(items: readonly DelayedItem[]): readonly string[] {
  return items.map(({ key }) => key);
}

/** The delayed job or schedule that keys act on. */
export function selectedDelayed(state: AppState): DelayedItem | null {
  const { opened, tab, delayed: view } = state.view;
  if (opened?.kind === 'delayed-job') return opened.item;
  if (tab !== 'delayed' || opened !== null) return null;
  const items = listedDelayed(state);
  return items[indexOfKey(delayedKeys(items), view.cursor)] ?? null;
}

/** The tabs that the header shows. The last one only if there is something in it. */
export function shownTabs({ model, view }: Pick<AppState, 'model' | 'view'>): readonly Tab[] {
  const { jobs = 0, hasSchedules = false } = model.delayed ?? {};
  return jobs > 0 || hasSchedules || view.tab === 'delayed' ? tabs : tabs.filter((tab) => tab !== 'delayed');
}

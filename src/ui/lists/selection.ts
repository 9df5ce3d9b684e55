/**
 * What each list shows, and which item is under its cursor. Screens and actions both use it, so an action always affects the
 * item that the user sees.
 */
import { wordingOf } from '../../messages/events.ts';
import type { FailureEntry } from '../../protocol/commands.ts';
import type { EngineEvent } from '../../protocol/events.ts';
import type { EndedJob, QueueState, RunningJob } from '../../protocol/snapshot.ts';
import type { AppState } from '../../store/app-store.ts';
import { remembered } from '../../store/remembered.ts';
import { jobsOf } from '../../store/selectors.ts';
import type { View } from '../../store/view.ts';
import type { Context } from '../keys/keymap.ts';

export function contextOf({ opened, tab }: View): Context {
  return opened?.kind ?? tab;
}

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

export function listedQueues({ model, view }: AppState): readonly QueueState[] {
  return filteredQueues(model.queues, view.queues.filter);
}

const filteredQueues = remembered((queues: readonly QueueState[], filter: string) =>
  filter === '' ? queues : queues.filter(({ name }) => matches(filter, name)),
);

export function selectedQueue(state: AppState): QueueState | null {
  const queues = listedQueues(state);
  return queues.find(({ name }) => name === state.view.queues.queue) ?? queues[0] ?? null;
}

const noJobs: readonly RunningJob[] = [];

/** Running jobs of the selected queue. */
export function selectedQueueJobs(state: AppState): readonly RunningJob[] {
  const queue = selectedQueue(state);
  return queue === null ? noJobs : jobsOf(state.model, queue.name);
}

export type ListedJob =
  | { readonly isRunning: true; readonly job: RunningJob }
  | { readonly isRunning: false; readonly job: EndedJob };

/** Running jobs first, oldest first; then ended jobs, newest first. */
export function listedJobs({ model, view }: AppState): readonly ListedJob[] {
  return filteredJobs(model.jobs, model.ended, view.jobs.filter);
}

const filteredJobs = remembered(
  (jobs: readonly RunningJob[], ended: readonly EndedJob[], filter: string): readonly ListedJob[] => {
    const running = jobs.toSorted((a, b) => a.startedAtMs - b.startedAtMs);
    const all: ListedJob[] = [
      ...running.map((job) => ({ isRunning: true as const, job })),
      ...ended.map((job) => ({ isRunning: false as const, job })),
    ];
    if (filter === '') return all;
    return all.filter(({ job }) =>
      matches(filter, `${job.id} ${job.queue} ${job.jobClass ?? ''} ${job.args}`),
    );
  },
);

/** Newest first. */
export function listedEvents({ model, view }: AppState): readonly EngineEvent[] {
  return filteredEvents(model.history, view.events.filter);
}

const filteredEvents = remembered(
  (history: readonly EngineEvent[], filter: string): readonly EngineEvent[] => {
    const shown = history.filter((event) => {
      const wording = wordingOf(event, null);
      if (wording === null) return false;
      return filter === '' || matches(filter, `${wording.subject} ${wording.text}`);
    });
    return shown.reverse();
  },
);

/** The job that keys act on: the open one, or the one under the cursor. */
export function selectedJobId(state: AppState): string | null {
  const { view } = state;
  if (view.opened?.kind === 'job') return view.opened.jobId;
  if (view.tab === 'jobs') {
    const jobs = listedJobs(state);
    const keys = jobs.map(({ job }) => job.id);
    return keys[indexOfKey(keys, view.jobs.cursor)] ?? null;
  }
  if (view.tab !== 'queues' || view.queues.pane === 'failures') return null;
  const keys = selectedQueueJobs(state).map(({ id }) => id);
  return keys[indexOfKey(keys, view.queues.jobId)] ?? null;
}

/** The failure that keys act on: the open one, or the one under the cursor. */
export function selectedFailure(state: AppState): FailureEntry | null {
  const { view } = state;
  if (view.opened?.kind === 'failure') return view.opened.entry;
  if (view.tab === 'queues' && view.queues.pane === 'failures') {
    const { entries } = state.recentFailures;
    return entries[indexOfKey(failureKeys(entries), view.queues.failure)] ?? null;
  }
  if (view.tab !== 'failures') return null;
  const { entries } = state.failurePages;
  return entries[indexOfKey(failureKeys(entries), view.failures.cursor)] ?? null;
}

const keysOfEntries = new WeakMap<readonly FailureEntry[], readonly string[]>();

/**
 * A key for each entry that stays the same when the list moves: the entry's bytes, with a number for equal entries.
 */
export function failureKeys(entries: readonly FailureEntry[]): readonly string[] {
  const known = keysOfEntries.get(entries);
  if (known !== undefined) return known;
  const seen = new Map<string, number>();
  const keys = entries.map(({ recordBase64 }) => {
    const count = seen.get(recordBase64) ?? 0;
    seen.set(recordBase64, count + 1);
    return `${count} ${recordBase64}`;
  });
  keysOfEntries.set(entries, keys);
  return keys;
}

function matches(filter: string, text: string): boolean {
  return text.toLowerCase().includes(filter.toLowerCase());
}

/**
 * The screen's store: `model`, what the engine reports, and `view`, the state of the user's own screen. Only a snapshot
 * replaces the model, and only events change it, so the screen doesn't depend on where the engine runs.
 */
import { createStore, type StoreApi } from 'zustand/vanilla';
import type { FailureEntry, FailureGroup } from '../protocol/commands.ts';
import type { EngineEvent } from '../protocol/events.ts';
import type { DelayedInfo, ScheduleInfo, WaitingJob, WorkerInfo } from '../protocol/redis-views.ts';
import type { Snapshot } from '../protocol/snapshot.ts';
import type { StatisticsSteps } from '../protocol/statistics.ts';
import { emptySnapshot, reduce } from './reduce.ts';
import { initialView, type View } from './view.ts';

/** The pages of the shared `failed` list that have been read. */
export interface FailurePages {
  readonly entries: readonly FailureEntry[];
  /** Length of the whole list at the last read; `null` before the first. */
  readonly total: number | null;
  /** `before` of the next page; `null` if all pages have been read. */
  readonly next: number | null;
  readonly isLoading: boolean;
  /** Why the last page couldn't be read. */
  readonly trouble: string | null;
}

/** The groups of failures that a screen shows. */
export interface GroupPages {
  /** Which groups they are, see `groupRequest`; '' if none are shown. */
  readonly request: string;
  /** Largest first. */
  readonly groups: readonly FailureGroup[];
  /** Failures of groups that there was no room for. */
  readonly others: number;
  /** Entries that have been counted so far. */
  readonly looked: number;
  /** Length of the whole list at the last read; `null` before the first. */
  readonly total: number | null;
  readonly isLoading: boolean;
  readonly trouble: string | null;
}

/** The waiting jobs of the open queue, from the one that runs next. */
export interface WaitingPages {
  /** Queue and filter, see `waitingRequest`; '' if none are shown. */
  readonly request: string;
  readonly jobs: readonly WaitingJob[];
  /** Length of the queue at the last read; `null` before the first. */
  readonly total: number | null;
  /** Index of the first job that was not looked at; `null` if all were. */
  readonly next: number | null;
  readonly isLoading: boolean;
  readonly trouble: string | null;
}

/** What the engine has counted of the open queue. */
export interface QueueHour {
  readonly queue: string;
  /** `null` before the first reply. */
  readonly hour: StatisticsSteps | null;
}

/** The open log; its lines are in a `LogBuffer` beside the store. */
export interface OpenLog {
  readonly jobId: string;
  /** Rises with every change of the buffer. */
  readonly version: number;
  readonly state: 'waiting' | 'live' | 'ended' | 'gone';
}

/** Which jobs have printed a text. */
export interface OutputSearch {
  /** '' if none is searched for. */
  readonly text: string;
  /** IDs of jobs; `null` before the first reply. */
  readonly jobs: ReadonlySet<string> | null;
  /** Why the last search failed. */
  readonly trouble: string | null;
}

/** What has been read of the workers that Redis knows. */
export interface WorkerRows {
  /** Stale ones first. */
  readonly workers: readonly WorkerInfo[];
  /** Number of all workers; `null` before the first read. */
  readonly total: number | null;
  /** Why the last read failed. */
  readonly trouble: string | null;
}

/** What has been read of the delayed jobs and schedules. */
export interface DelayedRows {
  /** Those that match the filter, the next one first. */
  readonly jobs: readonly DelayedInfo[];
  /** `after` of the next page; `null` if all have been read. */
  readonly next: string | null;
  /** False before the first reply. */
  readonly isRead: boolean;
  readonly schedules: readonly ScheduleInfo[];
  /** Redis' clock minus ours. */
  readonly aheadMs: number;
  /** Why the last read failed. */
  readonly trouble: string | null;
}

export interface AppState {
  readonly model: Snapshot;
  readonly view: View;
  /** The newest failures, unfiltered, for the queues screen. */
  readonly recentFailures: FailurePages;
  /** What the failures screen shows. */
  readonly failurePages: FailurePages;
  readonly groupPages: GroupPages;
  readonly waitingPages: WaitingPages;
  readonly workerRows: WorkerRows;
  readonly delayedRows: DelayedRows;
  readonly queueHour: QueueHour;
  /** For the filter of the Jobs tab. */
  readonly outputSearch: OutputSearch;
  readonly openLog: OpenLog | null;
  /** What to say while no runner answers and the screen waits for one; otherwise `null`. */
  readonly away: string | null;
  /** The history of runners that were attached before, oldest first, with numbers below 0. */
  readonly former: readonly EngineEvent[];
}

export type AppStore = StoreApi<AppState>;

export const noFailurePages: FailurePages = {
  entries: [],
  total: null,
  next: null,
  isLoading: false,
  trouble: null,
};

export const noGroupPages: GroupPages = {
  request: '',
  groups: [],
  others: 0,
  looked: 0,
  total: null,
  isLoading: false,
  trouble: null,
};

export const noWaitingPages: WaitingPages = {
  request: '',
  jobs: [],
  total: null,
  next: null,
  isLoading: false,
  trouble: null,
};

const noWorkerRows: WorkerRows = { workers: [], total: null, trouble: null };

export const noDelayedRows: DelayedRows = {
  jobs: [],
  next: null,
  isRead: false,
  schedules: [],
  aheadMs: 0,
  trouble: null,
};
export const noQueueHour: QueueHour = { queue: '', hour: null };
export const noOutputSearch: OutputSearch = { text: '', jobs: null, trouble: null };

export function createAppStore(): AppStore {
  return createStore<AppState>(() => ({
    model: emptySnapshot,
    view: initialView,
    recentFailures: noFailurePages,
    failurePages: noFailurePages,
    groupPages: noGroupPages,
    waitingPages: noWaitingPages,
    workerRows: noWorkerRows,
    delayedRows: noDelayedRows,
    queueHour: noQueueHour,
    outputSearch: noOutputSearch,
    openLog: null,
    away: null,
    former: [],
  }));
}

/** For a client that has just connected, or that has missed events. */
export function replaceModel(store: AppStore, snapshot: Snapshot): void {
  store.setState({ model: snapshot });
}

/** Ignores events that the model has seen. */
export function applyEvents(store: AppStore, events: readonly EngineEvent[]): void {
  const { model } = store.getState();
  const next = events.reduce(reduce, model);
  if (next !== model) store.setState({ model: next });
}

export function changeView(store: AppStore, change: Partial<View>): void {
  store.setState(({ view }) => ({ view: { ...view, ...change } }));
}

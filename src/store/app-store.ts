/**
 * The store of the user interface: `model`, what the engine says, and `view`, what the person did to their
 * screen. The model is only ever replaced by a snapshot or moved on by events; the UI can't tell how far away
 * the engine is.
 */
import { createStore, type StoreApi } from 'zustand/vanilla';
import type { FailureEntry } from '../protocol/commands.ts';
import type { EngineEvent } from '../protocol/events.ts';
import type { Snapshot } from '../protocol/snapshot.ts';
import { emptySnapshot, reduce } from './reduce.ts';
import { initialView, type View } from './view.ts';

/** Pages of the shared `failed` list, as far as they were read. */
export interface FailurePages {
  readonly entries: readonly FailureEntry[];
  /** Length of the whole list when it was read last; `null` before. */
  readonly total: number | null;
  /** `before` of the next page; `null`: all is read. */
  readonly next: number | null;
  readonly isLoading: boolean;
  /** Why the last page could not be read. */
  readonly trouble: string | null;
}

/** What is known of the log that is open; its lines are in a `LogBuffer` beside the store. */
export interface OpenLog {
  readonly jobId: string;
  /** Rises with every change of the buffer. */
  readonly version: number;
  readonly state: 'waiting' | 'live' | 'ended' | 'gone';
}

export interface AppState {
  readonly model: Snapshot;
  readonly view: View;
  /** The newest failures, unfiltered, for the queues screen. */
  readonly recentFailures: FailurePages;
  /** What the failures screen shows. */
  readonly failurePages: FailurePages;
  readonly openLog: OpenLog | null;
}

export type AppStore = StoreApi<AppState>;

export const noFailurePages: FailurePages = {
  entries: [],
  total: null,
  next: null,
  isLoading: false,
  trouble: null,
};

export function createAppStore(): AppStore {
  return createStore<AppState>(() => ({
    model: emptySnapshot,
    view: initialView,
    recentFailures: noFailurePages,
    failurePages: noFailurePages,
    openLog: null,
  }));
}

/** A client that was too slow, or has just come, gets all of it at once. */
export function replaceModel(store: AppStore, snapshot: Snapshot): void {
  store.setState({ model: snapshot });
}

/** Events that the model has seen are ignored. */
export function applyEvents(store: AppStore, events: readonly EngineEvent[]): void {
  const { model } = store.getState();
  const next = events.reduce(reduce, model);
  if (next !== model) store.setState({ model: next });
}

export function changeView(store: AppStore, change: Partial<View>): void {
  store.setState(({ view }) => ({ view: { ...view, ...change } }));
}

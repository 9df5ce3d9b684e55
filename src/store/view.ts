/**
 * The view: the state of one user's own screen. It never crosses the link and holds nothing about the engine. Plain data;
 * `ui/actions` has what keys do to it.
 */
import type { CommandType, FailureEntry, FailureFilter, FailureGroupNames } from '../protocol/commands.ts';
import type { DelayedRef, WaitingJob, WorkerInfo } from '../protocol/redis-views.ts';
import type { DelayedItem } from './delayed-items.ts';

export const tabs = ['queues', 'failures', 'jobs', 'events', 'workers', 'delayed'] as const;
export type Tab = (typeof tabs)[number];

/** The panes of the queues screen that take keys. */
export type QueuesPane = 'queues' | 'running' | 'failures';

export interface View {
  readonly tab: Tab;
  /** The job or failure that is open on top of the tab. */
  readonly opened: Opened | null;
  /** Takes keys before everything else. */
  readonly dialog: Dialog | null;
  readonly toast: Toast | null;
  /** Lines that were typed before, the newest last: filters of each tab, and commands. */
  readonly typed: Readonly<Partial<Record<TypedKind, readonly string[]>>>;
  readonly queues: QueuesView;
  readonly failures: FailuresView;
  readonly jobs: ListView;
  readonly events: ListView;
  readonly workers: ListView;
  readonly delayed: ListView;
  readonly log: LogView;
  /** Whether trouble rings the bell and changes the terminal's title. */
  readonly isBellOn: boolean;
}

/** Lists with a filter. */
export type FilteredList = Tab | 'waiting';
export type TypedKind = FilteredList | 'command' | 'search';

/** `over`: what was open before, which comes back; left out if that was a tab. */
export type Opened =
  | { readonly kind: 'job'; readonly jobId: string; readonly over?: Opened }
  | {
      readonly kind: 'failure';
      readonly entry: FailureEntry;
      readonly top: number;
      readonly over?: Opened;
    }
  | { readonly kind: 'worker'; readonly worker: WorkerInfo; readonly top: number; readonly over?: Opened }
  | { readonly kind: 'delayed-job'; readonly item: DelayedItem; readonly top: number; readonly over?: Opened }
  | {
      readonly kind: 'waiting-job';
      readonly queue: string;
      readonly job: WaitingJob;
      readonly top: number;
      readonly over?: Opened;
    }
  | QueuePage;

/** The panes of a queue's page. */
export const queuePanes = ['about', 'running', 'waiting', 'groups'] as const;
export type QueuePane = (typeof queuePanes)[number];

/** A queue's page: everything about one queue. */
export interface QueuePage {
  readonly kind: 'queue';
  readonly queue: string;
  readonly pane: QueuePane;
  /** The running job under the cursor; `null`: the first. */
  readonly jobId: string | null;
  /** Only waiting jobs with this text. */
  readonly filter: string;
  /** The waiting job under the cursor, by value; `null`: the first. */
  readonly waiting: string | null;
  /** The group of failures under the cursor; `null`: the first. */
  readonly group: string | null;
  readonly over?: Opened;
}

/** The page of a queue that is open, or comes back from what is open on top of it. */
export function queuePageOf(opened: Opened | null): QueuePage | null {
  for (let at: Opened | undefined = opened ?? undefined; at !== undefined; at = at.over) {
    if (at.kind === 'queue') return at;
  }
  return null;
}

/** A list with a cursor that stays on its item, not on its row. */
export interface ListView {
  readonly filter: string;
  /** Key of the item under the cursor; `null`: the first. */
  readonly cursor: string | null;
}

/** By the column that they sort by; `attention`: trouble first; `config`: in the order of the file. */
export const queueSorts = ['attention', 'name', 'slots', 'waiting', 'rate', 'failed', 'config'] as const;
export type QueueSort = (typeof queueSorts)[number];

/** The order of the rows, as it was sorted last. */
export interface QueueOrder {
  readonly names: readonly string[];
  readonly troubled: ReadonlySet<string>;
  /** Since when the first one is first, if another one was before. */
  readonly firstSinceMs: number;
}

export interface QueuesView {
  readonly filter: string;
  readonly sort: QueueSort;
  /** `null`: not sorted yet. */
  readonly order: QueueOrder | null;
  readonly pane: QueuesPane;
  /** `null`: the first. */
  readonly queue: string | null;
  readonly jobId: string | null;
  /** The selected entry of the failures pane, by value. */
  readonly failure: string | null;
}

export interface FailuresView {
  /** As typed. */
  readonly filter: string;
  /** Entry under the cursor, by value; `null`: the newest. */
  readonly cursor: string | null;
  /** Marked entries, by value. */
  readonly marked: ReadonlyMap<string, FailureEntry>;
  /** All matches are marked, loaded or not. */
  readonly isAllMarked: boolean;
  /** Whether groups are shown, and of what: exception and class, or also the queue. */
  readonly grouping: Grouping;
  /** Key of the group under the cursor; `null`: the first. */
  readonly groupCursor: string | null;
  /** The open group: the list shows its failures only. */
  readonly group: FailureGroupNames | null;
}

export type Grouping = 'none' | 'class' | 'queue';

export interface LogView {
  readonly isFollowing: boolean;
  readonly isWrapped: boolean;
  readonly hasTimes: boolean;
  readonly isZoomed: boolean;
  /** Rows for the arguments; 0 if they have one line. */
  readonly argsRows: number;
  /** Number of the line at the top, if the view doesn't follow. */
  readonly top: number;
  /** How many rows of that line are above the top, if lines are wrapped. */
  readonly topRow: number;
  readonly search: string;
  /** Number of the line of the current match. */
  readonly match: number | null;
  /** Which streams are shown. */
  readonly streams: 'both' | 'stdout' | 'stderr';
}

export interface Toast {
  readonly text: string;
  readonly isError: boolean;
  readonly untilMs: number;
}

/** A choice in a dialog. */
export interface Choice {
  readonly label: string;
  /** Chooses it at once. */
  readonly key: string;
  /** What it does; '' if the label is enough. */
  readonly detail: string;
}

/** A line that the user types. */
export interface TypedLine {
  readonly text: string;
  /** Set if it is an earlier line: how many lines back, and what was typed before that. */
  readonly recalled?: { readonly at: number; readonly draft: string };
}

export type Dialog =
  | { readonly kind: 'help'; readonly top: number }
  | (TypedLine & { readonly kind: 'palette'; readonly cursor: number })
  /** One line at the bottom of the screen: a filter, a search, a number. */
  | (TypedLine & {
      readonly kind: 'prompt';
      readonly purpose: PromptPurpose;
      readonly label: string;
      /** What the last word could be, after Tab. */
      readonly choices?: readonly string[];
    })
  | {
      readonly kind: 'question';
      readonly question: Question;
      readonly title: string;
      readonly lines: readonly string[];
      readonly choices: readonly Choice[];
      readonly focus: number;
    };

export type PromptPurpose =
  /** `before` has the parts of the view that the filter changes, as they were. */
  | { readonly kind: 'filter'; readonly list: FilteredList; readonly before: Partial<View> }
  | { readonly kind: 'search' }
  | { readonly kind: 'save-log' }
  | { readonly kind: 'slots'; readonly runner: string };

/** What a dialog asks about: everything needed to act on the answer. */
export type Question =
  | { readonly kind: 'quit' }
  | { readonly kind: 'stop-runner' }
  /** Sockets of the runners that can be chosen; the keys of the choices count from 1. */
  | { readonly kind: 'switch-runner'; readonly sockets: readonly string[] }
  | { readonly kind: 'kill-job'; readonly jobId: string; readonly signal: 'SIGTERM' | 'SIGKILL' }
  | { readonly kind: 'remove-worker'; readonly worker: string }
  | {
      readonly kind: 'delayed';
      readonly command: Extract<CommandType, 'run-delayed' | 'remove-delayed'>;
      readonly job: DelayedRef;
    }
  /** The open log is saved to this file, which exists. */
  | { readonly kind: 'replace-file'; readonly file: string }
  | {
      readonly kind: 'failures';
      readonly command: Extract<CommandType, 'retry-failures' | 'remove-failures'>;
      readonly entries: readonly FailureEntry[];
    }
  | {
      readonly kind: 'matching';
      readonly command: Extract<CommandType, 'retry-matching' | 'remove-matching'>;
      readonly filter: FailureFilter;
      readonly within: number;
    }
  | { readonly kind: 'remove-waiting'; readonly queue: string; readonly job: WaitingJob };

export const initialView: View = {
  tab: 'queues',
  opened: null,
  dialog: null,
  toast: null,
  typed: {},
  queues: {
    filter: '',
    sort: 'attention',
    order: null,
    pane: 'queues',
    queue: null,
    jobId: null,
    failure: null,
  },
  failures: {
    filter: '',
    cursor: null,
    marked: new Map(),
    isAllMarked: false,
    grouping: 'none',
    groupCursor: null,
    group: null,
  },
  jobs: { filter: '', cursor: null },
  events: { filter: '', cursor: null },
  workers: { filter: '', cursor: null },
  delayed: { filter: '', cursor: null },
  isBellOn: true,
  log: {
    isFollowing: true,
    isWrapped: false,
    hasTimes: true,
    isZoomed: false,
    argsRows: 0,
    top: 0,
    topRow: 0,
    search: '',
    match: null,
    streams: 'both',
  },
};

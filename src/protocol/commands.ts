import type { DelayedData, DelayedRef, SchedulesData } from './delayed.ts';
import type { JobUsage } from './job.ts';
import type { StatisticsSteps } from './statistics.ts';
import type { WaitingJob, WaitingJobRef } from './waiting.ts';
import type { WorkersData } from './workers.ts';

/** Commands to the engine. Each gets exactly one reply. JSON-safe. */
export type Command =
  | { readonly type: 'pause-queue'; readonly queue: string }
  | { readonly type: 'resume-queue'; readonly queue: string }
  | { readonly type: 'pause-all' }
  | { readonly type: 'resume-all' }
  /** Back to the config: ends the queue's pause, and resets the slots of its entry. Also takes the key of an entry. */
  | { readonly type: 'reset-queue'; readonly queue: string }
  /** The same for everything that was set by hand. */
  | { readonly type: 'reset-all' }
  | { readonly type: 'set-concurrency'; readonly runner: string; readonly concurrency: number }
  | { readonly type: 'kill-job'; readonly jobId: string; readonly signal: 'SIGTERM' | 'SIGKILL' }
  | { readonly type: 'read-backlog' }
  /** The last hour of a queue. */
  | { readonly type: 'read-statistics'; readonly queue: string }
  /** Which jobs have printed this text, in any case, as far as their output is kept. */
  | { readonly type: 'find-output'; readonly text: string }
  /**
   * A page of the jobs that wait on a queue: at most `count`, fewer if they are large or the search takes long. `next` of the
   * reply says whether there are more.
   */
  | {
      readonly type: 'read-waiting';
      readonly queue: string;
      /** Index of the first one; 0 is the head, which runs next. */
      readonly from: number;
      readonly count: number;
      /** Part of the payload, or of its class and args; `null`: all jobs. Ignores case. */
      readonly text: string | null;
      /** Not those with one of these texts. Left out if there are none. */
      readonly without?: readonly string[];
    }
  | { readonly type: 'remove-waiting'; readonly queue: string; readonly jobs: readonly WaitingJobRef[] }
  | {
      readonly type: 'move-waiting';
      readonly queue: string;
      readonly job: WaitingJobRef;
      readonly to: 'head' | 'tail';
    }
  /**
   * A page of failures, newest first: at most `count`, fewer if the search takes long. `next` of the reply says whether
   * there are more.
   */
  | {
      readonly type: 'find-failures';
      readonly filter: FailureFilter;
      /** Only entries with a lower index; `null`: start at the newest. */
      readonly before: number | null;
      readonly count: number;
    }
  | { readonly type: 'count-failures'; readonly filter: FailureFilter }
  /**
   * Groups of failures: of some thousand entries, the newest first. `next` of the reply says whether there are more. A client
   * adds up the groups of all replies.
   */
  | {
      readonly type: 'group-failures';
      readonly filter: FailureFilter;
      /** Whether failures of different queues are different groups. */
      readonly byQueue: boolean;
      /** Only entries with a lower index; `null`: start at the newest. */
      readonly before: number | null;
    }
  | { readonly type: 'retry-failures'; readonly entries: readonly FailureEntryRef[] }
  | { readonly type: 'remove-failures'; readonly entries: readonly FailureEntryRef[] }
  /** Every match that has not been retried, among the first `within` entries. Leaves later ones alone. */
  | { readonly type: 'retry-matching'; readonly filter: FailureFilter; readonly within: number }
  | { readonly type: 'remove-matching'; readonly filter: FailureFilter; readonly within: number }
  /** At most `count` of the workers that Redis knows: those that may be stale come first. */
  | { readonly type: 'read-workers'; readonly count: number }
  /** Removes a worker that is stale now. A job that it left fails, or goes back to its queue. */
  | { readonly type: 'remove-worker'; readonly worker: string }
  /**
   * A page of delayed jobs, the next one first: at most `count`, fewer if the search takes long. `next` of the reply says
   * whether there are more.
   */
  | {
      readonly type: 'read-delayed';
      /** Part of the queue, class, args or last error; ignores case. */
      readonly text: string;
      /** As in `read-waiting`. */
      readonly without?: readonly string[];
      /** `next` of the page before; `null`: start at the next job. */
      readonly after: string | null;
      readonly count: number;
    }
  /** Puts a delayed job on its queue now. */
  | { readonly type: 'run-delayed'; readonly job: DelayedRef }
  | { readonly type: 'remove-delayed'; readonly job: DelayedRef }
  /** The schedules of the config and of Redis. */
  | { readonly type: 'read-schedules' }
  /** Reads the config again, as HUP does. */
  | { readonly type: 'reload-config' }
  | { readonly type: 'stop'; readonly mode: 'quit' | 'terminate' | 'kill' };

export type CommandType = Command['type'];

/** Commands that change nothing. A read-only client may send no others. */
export const readingCommands: readonly CommandType[] = [
  'read-backlog',
  'read-statistics',
  'find-output',
  'read-waiting',
  'find-failures',
  'count-failures',
  'group-failures',
  'read-workers',
  'read-delayed',
  'read-schedules',
];

/** All fields must match; `null` always matches, and '' is an ordinary text. Ignores case. */
export interface FailureFilter {
  /** The queue's whole name; `*` matches anything. */
  readonly queue: string | null;
  /** Part of the job's class. */
  readonly jobClass: string | null;
  /** Part of the exception's name. */
  readonly exception: string | null;
  /** The whole exit code, or the signal, with or without SIG. */
  readonly exit: string | null;
  /** Part of the class, args, exception, error, queue or worker; not of the output. */
  readonly text: string | null;
  /**
   * A duration, see durations.ts: only failures that are surely older, by their own time. A text that is not a duration matches
   * nothing.
   */
  readonly olderThan?: string | null;
  /** Not those with one of these texts, which are looked for as `text` is. */
  readonly without?: readonly string[] | null;
  /** Only failures of this group. */
  readonly group?: FailureGroupNames | null;
}

/** What the failures of a group have in common, exactly. `null`: they have none. Long names are cut, see failure-groups.ts. */
export interface FailureGroupNames {
  readonly exception: string | null;
  readonly jobClass: string | null;
  /** Left out for a group of all queues. */
  readonly queue?: string | null;
}

export interface FailureGroup extends FailureGroupNames {
  readonly count: number;
  /** Those that can be retried and have not been. */
  readonly retryable: number;
  /** `failed_at` of the oldest and of the newest entry. */
  readonly firstFailedAt: string | null;
  readonly lastFailedAt: string | null;
  /** Of the newest entry, shortened. */
  readonly example: { readonly error: string | null; readonly args: string };
}

/** Every criterion of a filter, for code that copies, compares or reads filters. */
export const filterCriteria = [
  'queue',
  'jobClass',
  'exception',
  'exit',
  'text',
  'olderThan',
  'without',
  'group',
] as const satisfies readonly (keyof FailureFilter)[];

/** Matches every failure. */
export const everyFailure: FailureFilter = {
  queue: null,
  jobClass: null,
  exception: null,
  exit: null,
  text: null,
};

/** Identifies an entry of the `failed` list by value, so that a command never affects the wrong one after a change. */
export interface FailureEntryRef {
  /** Its last known index, a hint for finding it fast. */
  readonly index: number;
  /** The entry's exact bytes, base64. */
  readonly recordBase64: string;
}

export interface FailureEntry extends FailureEntryRef, JobUsage {
  readonly failedAt: string | null;
  readonly retriedAt: string | null;
  readonly queue: string | null;
  readonly worker: string | null;
  readonly jobClass: string | null;
  /** JSON text of the args. */
  readonly args: string;
  readonly exception: string | null;
  readonly error: string | null;
  readonly backtrace: readonly string[];
  readonly stderr: string | null;
  readonly stdout: string | null;
  readonly exitCode: number | null;
  readonly signal: string | null;
  /** False if the entry is not a JSON object: it can be removed, but not retried. */
  readonly isReadable: boolean;
}

/** Why a command was refused, for programs; `message` is for people. */
export type RefusalCode =
  | 'unknown-queue'
  | 'unreadable-queue'
  | 'unknown-runner'
  | 'unknown-job'
  | 'out-of-range'
  | 'invalid-config'
  | 'failure-gone'
  | 'failure-unretryable'
  | 'job-gone'
  | 'worker-alive'
  | 'worker-gone'
  | 'worker-held'
  | 'delayed-gone'
  | 'delayed-undeliverable'
  | 'redis-down'
  | 'read-only'
  | 'link-down'
  | 'stopping';

export type CommandReply =
  | { readonly ok: true; readonly message: string; readonly data?: CommandData }
  | { readonly ok: false; readonly code: RefusalCode; readonly message: string };

export type CommandData =
  | {
      readonly kind: 'failures';
      /** Length of the list. */
      readonly total: number;
      readonly entries: readonly FailureEntry[];
      /** `before` of the next page; `null` after the oldest entry. */
      readonly next: number | null;
    }
  | {
      readonly kind: 'failure-count';
      readonly total: number;
      readonly matching: number;
      /** Matches that can be retried and have not been. */
      readonly retryable: number;
      /** Failures that the filter's `olderThan` can't judge. Left out without it. */
      readonly untimed?: number;
    }
  | {
      readonly kind: 'failure-groups';
      /** Length of the list. */
      readonly total: number;
      /** Entries that this reply is about. */
      readonly looked: number;
      /** In the order of their newest entries, newest first. */
      readonly groups: readonly FailureGroup[];
      /** `before` of the next call; `null` after the oldest entry. */
      readonly next: number | null;
    }
  | {
      readonly kind: 'waiting';
      /** Length of the queue. */
      readonly total: number;
      readonly jobs: readonly WaitingJob[];
      /** `from` of the next page; `null` after the last job. */
      readonly next: number | null;
    }
  | {
      readonly kind: 'bulk';
      readonly done: number;
      /** No longer on the list in this form: another client was faster. */
      readonly gone: number;
      /** Entries without the information for a retry. */
      readonly unretryable: number;
    }
  /** IDs of jobs. */
  | { readonly kind: 'output-found'; readonly jobs: readonly string[] }
  | { readonly kind: 'backlog'; readonly queues: Readonly<Record<string, number>> }
  | WorkersData
  | DelayedData
  | SchedulesData
  | ({ readonly kind: 'statistics' } & StatisticsSteps);

export function done(message: string, data?: CommandData): CommandReply {
  return data === undefined ? { ok: true, message } : { ok: true, message, data };
}

export function refused(code: RefusalCode, message: string): CommandReply {
  return { ok: false, code, message };
}

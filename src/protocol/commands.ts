/** Commands to the engine. Each gets exactly one reply. JSON-safe. */
export type Command =
  | { readonly type: 'pause-queue'; readonly queue: string }
  | { readonly type: 'resume-queue'; readonly queue: string }
  | { readonly type: 'pause-all' }
  | { readonly type: 'resume-all' }
  | { readonly type: 'set-concurrency'; readonly runner: string; readonly concurrency: number }
  | { readonly type: 'kill-job'; readonly jobId: string; readonly signal: 'SIGTERM' | 'SIGKILL' }
  | { readonly type: 'read-backlog' }
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
  | { readonly type: 'retry-failures'; readonly entries: readonly FailureEntryRef[] }
  | { readonly type: 'remove-failures'; readonly entries: readonly FailureEntryRef[] }
  /** Every match that has not been retried, among the first `within` entries. Leaves later ones alone. */
  | { readonly type: 'retry-matching'; readonly filter: FailureFilter; readonly within: number }
  | { readonly type: 'remove-matching'; readonly filter: FailureFilter; readonly within: number }
  | { readonly type: 'stop'; readonly mode: 'quit' | 'terminate' | 'kill' };

export type CommandType = Command['type'];

/** Commands that change nothing. A read-only client may send no others. */
export const readingCommands: readonly CommandType[] = ['read-backlog', 'find-failures', 'count-failures'];

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
   * nothing. Left out if it is not asked for, because older engines don't know it.
   */
  readonly olderThan?: string | null;
}

/** Every criterion of a filter, for code that copies, compares or reads filters. */
export const filterCriteria = [
  'queue',
  'jobClass',
  'exception',
  'exit',
  'text',
  'olderThan',
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

export interface FailureEntry extends FailureEntryRef {
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
  | 'unknown-runner'
  | 'unknown-job'
  | 'out-of-range'
  | 'failure-gone'
  | 'failure-unretryable'
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
      readonly kind: 'bulk';
      readonly done: number;
      /** No longer on the list in this form: another client was faster. */
      readonly gone: number;
      /** Entries without the information for a retry. */
      readonly unretryable: number;
    }
  | { readonly kind: 'backlog'; readonly queues: Readonly<Record<string, number>> };

export function done(message: string, data?: CommandData): CommandReply {
  return data === undefined ? { ok: true, message } : { ok: true, message, data };
}

export function refused(code: RefusalCode, message: string): CommandReply {
  return { ok: false, code, message };
}

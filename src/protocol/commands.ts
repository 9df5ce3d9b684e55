/** Commands to the engine: one table says which fields each one has, and within which limits. */
import * as v from 'valibot';
import type { JobUsage } from './job.ts';
import {
  type DelayedData,
  delayedPageLimit,
  type SchedulesData,
  type WaitingJob,
  type WorkersData,
  workersLimit,
} from './redis-views.ts';
import type { StatisticsSteps } from './statistics.ts';

/** Replies and events repeat names; real ones are shorter. */
const longestText = 4_096;
const mostWithout = 20;
const mostEntries = 1_000;
const mostJobs = 100;

// The message of a check completes `FIELD of COMMAND must be …`.
const textShape = `a text of at most ${longestText} characters`;
const text = v.pipe(v.string(textShape), v.maxLength(longestText, textShape));
const yesOrNo = v.boolean('true or false');

function whole(least = Number.MIN_SAFE_INTEGER, most = Number.MAX_SAFE_INTEGER) {
  const from = least === Number.MIN_SAFE_INTEGER ? '' : ` from ${least}`;
  const to = most === Number.MAX_SAFE_INTEGER ? '' : ` to ${most}`;
  const shape = ({ received }: { readonly received: string | null }) =>
    `a whole number${from}${to}, got ${received}`;
  return v.pipe(v.number(shape), v.safeInteger(shape), v.minValue(least, shape), v.maxValue(most, shape));
}

function oneOf<const T extends readonly string[]>(...words: T) {
  return v.picklist(words, words.join(' or '));
}

function list<T extends v.GenericSchema>(item: T, what: string, least: number, most: number) {
  const shape = `a list of ${least} to ${most} ${what}`;
  return v.pipe(v.array(item, shape), v.minLength(least, shape), v.maxLength(most, shape), v.readonly());
}

const index = whole(0);
const before = v.nullable(index);
const texts = list(text, 'texts', 0, mostWithout);
const group = v.strictObject(
  {
    exception: v.nullable(text),
    jobClass: v.nullable(text),
    /** Left out for a group of all queues. */
    queue: v.exactOptional(v.nullable(text)),
  },
  'a group with exception and jobClass, and perhaps queue',
);
const filter = v.strictObject(
  {
    /** The queue's whole name; `*` matches anything. */
    queue: v.nullable(text),
    /** Part of the job's class. */
    jobClass: v.nullable(text),
    /** Part of the exception's name. */
    exception: v.nullable(text),
    /** The whole exit code, or the signal, with or without SIG. */
    exit: v.nullable(text),
    /** Part of the class, args, exception, error, queue or worker; not of the output. */
    text: v.nullable(text),
    /**
     * A duration, see durations.ts: only failures that are surely older, by their own time. A text that is not a duration
     * matches nothing.
     */
    olderThan: v.exactOptional(v.nullable(text)),
    /** Not those with one of these texts, which are looked for as `text` is. */
    without: v.exactOptional(v.nullable(texts)),
    /** Only failures of this group. */
    group: v.exactOptional(v.nullable(group)),
  },
  // An unknown criterion would be ignored, and the command would affect more failures.
  'a filter: queue, jobClass, exception, exit and text, each a text or null, and perhaps olderThan, without and group',
);

// References may be whole entries: fields that identify nothing are dropped.
const failure = v.object({ index: whole(), recordBase64: v.string('base64') }, 'an entry');
const entries = list(failure, 'entries with index and recordBase64', 1, mostEntries);
const job = v.object({ index, sha1: text }, 'a job with index and sha1');
const jobs = list(job, 'jobs with index and sha1', 1, mostJobs);
const delayedJob = v.object({ time: text, index, sha1: text }, 'a delayed job with time, index and sha1');

/** Changes nothing, so a read-only client may send it. */
function reads<T extends v.ObjectEntries>(fields: T) {
  return { isReading: true, shape: v.strictObject(fields) };
}

function changes<T extends v.ObjectEntries>(fields: T) {
  return { isReading: false, shape: v.strictObject(fields) };
}

/** Each command gets exactly one reply. JSON-safe. */
export const commandTable = {
  'pause-queue': changes({ queue: text }),
  'resume-queue': changes({ queue: text }),
  'pause-all': changes({}),
  'resume-all': changes({}),
  /** Back to the config: ends the queue's pause, and resets the slots of its entry. Also takes the key of an entry. */
  'reset-queue': changes({ queue: text }),
  /** The same for everything that was set by hand. */
  'reset-all': changes({}),
  'set-concurrency': changes({ runner: text, concurrency: whole() }),
  'kill-job': changes({ jobId: text, signal: oneOf('SIGTERM', 'SIGKILL') }),
  'read-backlog': reads({}),
  /** The last hour of a queue. */
  'read-statistics': reads({ queue: text }),
  /** Which jobs have printed this text, in any case, as far as their output is kept. */
  'find-output': reads({ text }),
  /**
   * A page of the jobs that wait on a queue, from the head on: at most `count`, fewer if they are large or the search takes
   * long. `next` of the reply says whether there are more. `text`: part of the payload, or of its class and args, in any case;
   * `null`: all jobs. `without`: not those with one of these texts.
   */
  'read-waiting': reads({
    ...{ queue: text, from: index, count: whole(1, 1_000) },
    ...{ text: v.nullable(text), without: v.exactOptional(texts) },
  }),
  'remove-waiting': changes({ queue: text, jobs }),
  'move-waiting': changes({ queue: text, job, to: oneOf('head', 'tail') }),
  /**
   * A page of failures with a lower index than `before`, newest first: at most `count`, fewer if the search takes long. `next`
   * of the reply says whether there are more.
   */
  'find-failures': reads({ filter, before, count: whole(1, 1_000) }),
  'count-failures': reads({ filter }),
  /**
   * Groups of failures: of some thousand entries with a lower index than `before`, the newest first. `next` of the reply says
   * whether there are more. A client adds up the groups of all replies. `byQueue`: failures of different queues are different
   * groups.
   */
  'group-failures': reads({ filter, byQueue: yesOrNo, before }),
  'retry-failures': changes({ entries }),
  'remove-failures': changes({ entries }),
  /** Every match that has not been retried, among the first `within` entries. Leaves later ones alone. */
  'retry-matching': changes({ filter, within: index }),
  'remove-matching': changes({ filter, within: index }),
  /** At most `count` of the workers that Redis knows: those that may be stale come first. */
  'read-workers': reads({ count: whole(1, workersLimit) }),
  /** Removes a worker that is stale now. A job that it left fails, or goes back to its queue. */
  'remove-worker': changes({ worker: text }),
  /**
   * A page of delayed jobs, the next one first: at most `count`, fewer if the search takes long. `text`: part of the queue,
   * class, args or last error, in any case. `after`: `next` of the page before; `null`: start at the next job.
   */
  'read-delayed': reads({
    ...{ text, without: v.exactOptional(texts) },
    ...{ after: v.nullable(text), count: whole(1, delayedPageLimit) },
  }),
  /** Puts a delayed job on its queue now. */
  'run-delayed': changes({ job: delayedJob }),
  'remove-delayed': changes({ job: delayedJob }),
  /** The schedules of the config and of Redis. */
  'read-schedules': reads({}),
  /** Reads the config again, as HUP does. */
  'reload-config': changes({}),
  stop: changes({ mode: oneOf('quit', 'terminate', 'kill') }),
};

export type CommandType = keyof typeof commandTable;
export type CommandOf<T extends CommandType> = { readonly type: T } & Readonly<
  v.InferOutput<(typeof commandTable)[T]['shape']>
>;
export type Command = { [T in CommandType]: CommandOf<T> }[CommandType];

/** What carries out each of some commands. */
export type CommandHandlers<T extends CommandType, Context> = {
  readonly [K in T]: (command: CommandOf<K>, context: Context) => CommandReply | Promise<CommandReply>;
};

/** All fields must match; `null` always matches, and '' is an ordinary text. Ignores case. */
export type FailureFilter = Readonly<v.InferOutput<typeof filter>>;

/** Every criterion of a filter, for code that copies, compares or reads filters. */
export const filterCriteria = Object.keys(filter.entries) as readonly (keyof FailureFilter)[];

/** Matches every failure. */
export const everyFailure: FailureFilter = {
  queue: null,
  jobClass: null,
  exception: null,
  exit: null,
  text: null,
};

/** What the failures of a group have in common, exactly. `null`: they have none. Long names are cut, see failure-matcher.ts. */
export type FailureGroupNames = Readonly<v.InferOutput<typeof group>>;

/** Identifies an entry of the `failed` list by its exact bytes; the index is a hint for finding it fast. */
export type FailureEntryRef = Readonly<v.InferOutput<typeof failure>>;

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

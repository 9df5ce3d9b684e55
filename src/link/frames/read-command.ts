/**
 * The shapes of commands. A command that reaches the engine has exactly the fields of its type, each of the right type. The
 * engine itself checks whether a queue exists or a number is in range.
 */
import {
  type Command,
  type CommandType,
  type FailureEntryRef,
  type FailureFilter,
  type FailureGroupNames,
  filterCriteria,
} from '../../protocol/commands.ts';
import type { DelayedRef } from '../../protocol/delayed.ts';
import type { WaitingJobRef } from '../../protocol/waiting.ts';
import { linkMessages } from '../link-errors.ts';

interface Shape<T> {
  /** For people: `a text`. */
  readonly says: string;
  /** @returns `undefined` if the value has another shape */
  readonly read: (value: unknown) => T | undefined;
  readonly isOptional?: true;
}

/** Replies and events repeat names; real ones are shorter. */
const longestText = 4_096;

const text: Shape<string> = {
  says: `a text of at most ${longestText} characters`,
  read: (value) => (typeof value === 'string' && value.length <= longestText ? value : undefined),
};
const whole: Shape<number> = {
  says: 'a whole number',
  read: (value) => (Number.isSafeInteger(value) ? (value as number) : undefined),
};
const wholeOrNull: Shape<number | null> = {
  says: 'a whole number or null',
  read: (value) => (value === null ? null : whole.read(value)),
};

const yesOrNo: Shape<boolean> = {
  says: 'true or false',
  read: (value) => (typeof value === 'boolean' ? value : undefined),
};
const textOrNull: Shape<string | null> = {
  says: `${text.says}, or null`,
  read: (value) => (value === null ? null : text.read(value)),
};

function oneOf<T extends string>(...words: readonly T[]): Shape<T> {
  return { says: words.join(' or '), read: (value) => words.find((word) => word === value) };
}

function readGroup(value: unknown): FailureGroupNames | undefined {
  if (!isObject(value)) return undefined;
  if (Object.keys(value).some((key) => !['exception', 'jobClass', 'queue'].includes(key))) return undefined;
  const [exception, jobClass] = [textOrNull.read(value.exception), textOrNull.read(value.jobClass)];
  if (exception === undefined || jobClass === undefined) return undefined;
  if (value.queue === undefined) return { exception, jobClass };
  const queue = textOrNull.read(value.queue);
  return queue === undefined ? undefined : { exception, jobClass, queue };
}

const laterCriteria: ReadonlySet<keyof FailureFilter> = new Set(['olderThan', 'without', 'group']);
const mostWithout = 20;

function readTexts(value: unknown): readonly string[] | undefined {
  if (!Array.isArray(value) || value.length > mostWithout) return undefined;
  const texts = (value as unknown[]).map(text.read);
  return texts.every((each) => each !== undefined) ? texts : undefined;
}

function readCriterion(key: keyof FailureFilter, value: unknown): unknown {
  if (value === null) return null;
  if (key === 'group') return readGroup(value);
  return key === 'without' ? readTexts(value) : text.read(value);
}

const filter: Shape<FailureFilter> = {
  says: 'a filter: queue, jobClass, exception, exit and text, each a text or null, and perhaps olderThan, without and group',
  read: (value) => {
    if (!isObject(value)) return undefined;
    // An unknown criterion, from a later version, would be ignored, and the command would affect more failures.
    if (Object.keys(value).some((key) => !(filterCriteria as readonly string[]).includes(key)))
      return undefined;
    const criteria: Partial<Record<keyof FailureFilter, unknown>> = {};
    for (const key of filterCriteria) {
      // Older screens don't know them, and later ones leave them out.
      if (laterCriteria.has(key) && value[key] === undefined) continue;
      const criterion = readCriterion(key, value[key]);
      if (criterion === undefined) return undefined;
      criteria[key] = criterion;
    }
    return criteria as FailureFilter;
  },
};

const delayedJob: Shape<DelayedRef> = {
  says: 'a delayed job with time, index and sha1',
  read: (value) => {
    if (!isObject(value)) return undefined;
    const [time, sha1] = [text.read(value.time), text.read(value.sha1)];
    const index = whole.read(value.index);
    // A whole `DelayedInfo` is also a reference; its other fields are dropped.
    return time === undefined || sha1 === undefined || index === undefined
      ? undefined
      : { time, index, sha1 };
  },
};

const entries: Shape<readonly FailureEntryRef[]> = {
  says: 'a list of entries with index and recordBase64',
  read: (value) => {
    if (!Array.isArray(value)) return undefined;
    const refs: FailureEntryRef[] = [];
    for (const item of value as unknown[]) {
      if (!isObject(item)) return undefined;
      const { recordBase64 } = item;
      const index = whole.read(item.index);
      if (index === undefined || typeof recordBase64 !== 'string') return undefined;
      // A whole `FailureEntry` is also a reference; its other fields are dropped.
      refs.push({ index, recordBase64 });
    }
    return refs;
  },
};

const job: Shape<WaitingJobRef> = {
  says: 'a job with index and sha1',
  read: (value) => {
    if (!isObject(value)) return undefined;
    const [index, sha1] = [whole.read(value.index), text.read(value.sha1)];
    // A whole `WaitingJob` is also a reference; its other fields are dropped.
    return index === undefined || sha1 === undefined ? undefined : { index, sha1 };
  },
};
const jobs: Shape<readonly WaitingJobRef[]> = {
  says: 'a list of jobs with index and sha1',
  read: (value) => {
    if (!Array.isArray(value)) return undefined;
    const refs = (value as unknown[]).map(job.read);
    return refs.every((ref) => ref !== undefined) ? refs : undefined;
  },
};

const someTexts: Shape<readonly string[]> = {
  says: `a list of at most ${mostWithout} texts`,
  read: readTexts,
  isOptional: true,
};

type FieldsOf<C> = { readonly [F in Exclude<keyof C, 'type'>]-?: Shape<Exclude<C[F], undefined>> };

const shapes: { readonly [T in CommandType]: FieldsOf<Extract<Command, { type: T }>> } = {
  'pause-queue': { queue: text },
  'resume-queue': { queue: text },
  'pause-all': {},
  'resume-all': {},
  'reset-queue': { queue: text },
  'reset-all': {},
  'set-concurrency': { runner: text, concurrency: whole },
  'kill-job': { jobId: text, signal: oneOf('SIGTERM', 'SIGKILL') },
  'read-backlog': {},
  'read-waiting': { queue: text, from: whole, count: whole, text: textOrNull, without: someTexts },
  'remove-waiting': { queue: text, jobs },
  'move-waiting': { queue: text, job, to: oneOf('head', 'tail') },
  'read-statistics': { queue: text },
  'find-output': { text },
  'find-failures': { filter, before: wholeOrNull, count: whole },
  'count-failures': { filter },
  'group-failures': { filter, byQueue: yesOrNo, before: wholeOrNull },
  'retry-failures': { entries },
  'remove-failures': { entries },
  'retry-matching': { filter, within: whole },
  'remove-matching': { filter, within: whole },
  'read-workers': { count: whole },
  'remove-worker': { worker: text },
  'read-delayed': { text, without: someTexts, after: textOrNull, count: whole },
  'run-delayed': { job: delayedJob },
  'remove-delayed': { job: delayedJob },
  'read-schedules': {},
  'reload-config': {},
  stop: { mode: oneOf('quit', 'terminate', 'kill') },
};

/** @returns the command, or its problem, for people */
export function readCommand(value: unknown): Command | string {
  if (!isObject(value) || typeof value.type !== 'string') return linkMessages.noCommand();
  const { type } = value;
  if (!isCommandType(type)) return linkMessages.unknownCommand(type);
  const fields = shapes[type] as Readonly<Record<string, Shape<unknown>>>;
  const unknown = Object.keys(value).find((key) => key !== 'type' && !Object.hasOwn(fields, key));
  if (unknown !== undefined) return linkMessages.unknownField(type, unknown);
  const command: Record<string, unknown> = { type };
  for (const [field, shape] of Object.entries(fields)) {
    if (shape.isOptional === true && !Object.hasOwn(value, field)) continue;
    if (!Object.hasOwn(value, field)) return linkMessages.missingField(type, field, shape.says);
    const read = shape.read(value[field]);
    if (read === undefined) return linkMessages.wrongCommandField(type, field, shape.says);
    command[field] = read;
  }
  // The table above has read its fields, and the table's type follows from the commands.
  return command as unknown as Command;
}

function isCommandType(type: string): type is CommandType {
  return Object.hasOwn(shapes, type);
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

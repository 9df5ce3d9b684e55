/**
 * Failures of jobs whose worker is gone, and entries of the `failed` list that replace others. Pure.
 *
 * Problems of entries of the `failed` list that break their page of resque-web or stop other clients, and the entries that
 * replace them. No information is lost: a JSON object keeps its members, and replaced values go to `before_repair`; anything
 * else is kept as a whole, as text, in `raw_record`.
 */
import { isUtf8 } from 'node:buffer';
import { exceptions, payloadMembers } from '../format/failure-record.ts';
import { unknownPayload } from '../format/invalid-payload.ts';
import {
  asObject,
  depthOf,
  type Members,
  memberSpans,
  parsedJson,
  withoutLoneSurrogates,
} from '../format/json.ts';
import { activeJobWrapper, hasJobData, readPayload } from '../format/payload.ts';
import { failedAtText } from '../format/timestamps.ts';
import { withoutMarkup } from '../format/worker-record.ts';
import { deadFailure } from '../workers/dead-runners.ts';
import { jobOfRecord } from '../workers/worker-problems.ts';

export type FailureProblem =
  | 'empty'
  | 'not-utf8'
  | 'not-json'
  | 'not-object'
  | 'too-deep'
  | 'lone-surrogate'
  | 'worker'
  | 'failed_at'
  | 'retried_at'
  | 'backtrace'
  | 'payload';

export interface Diagnosis {
  /** In the order of the type above. */
  readonly problems: readonly FailureProblem[];
  /** The entry that replaces it; `null` if it should be removed, because it is empty. */
  readonly repaired: Buffer | null;
}

/** Ruby's JSON refuses more levels. */
const deepest = 100;
/** For an unknown time, because the record must have one. */
const unknownTime = failedAtText(new Date(0));
const unknownName = 'unknown';

/** @returns `null` if the entry has no problem */
export function diagnoseFailure(record: Buffer): Diagnosis | null {
  if (record.length === 0) return { problems: ['empty'], repaired: null };
  const text = record.toString('utf8');
  const whole = wholeProblem(record, text);
  const value = parsedJson(text);
  if (whole !== null) {
    return { problems: [whole], repaired: Buffer.from(rawFailure(record, aboutOf(value), wordsFor(whole))) };
  }
  const members = value as Members;
  const problems = memberProblems(members, text);
  return problems.length === 0
    ? null
    : { problems, repaired: Buffer.from(repair(record, members, problems)) };
}

function textOf(members: ReadonlyMap<string, string>): string {
  return `{${[...members].map(([name, json]) => `${JSON.stringify(name.toWellFormed())}:${json}`).join(',')}}`;
}

/** What is known about an unreadable record. */
interface RawFailureAbout {
  readonly failedAt: string;
  readonly worker: string;
  readonly queue: string;
  readonly exception: string;
}

/** A record that keeps unreadable bytes as they are. */
function rawFailure(bytes: Buffer, about: RawFailureAbout, error: string): string {
  return JSON.stringify({
    failed_at: about.failedAt,
    payload: unknownPayload,
    exception: withoutMarkup(about.exception),
    error,
    backtrace: [],
    worker: about.worker.toWellFormed(),
    queue: withoutMarkup(about.queue),
    ...(isUtf8(bytes)
      ? { raw_record: bytes.toString('utf8') }
      : { raw_record_base64: bytes.toString('base64') }),
  });
}

export interface LostJob {
  /** Its failure record; '' if the worker had no job. */
  readonly failure: string;
  /** See job-status.ts; '' if it can't have a status. */
  readonly statusName: string;
}

/** The job of a worker that is gone, as a failure. Accepts any client's record. @param record `null` if the worker had none */
export function lostJob(id: string, record: Buffer | null): LostJob {
  if (record === null || record.toString() === '{}') return { failure: '', statusName: '' };
  const job = jobOfRecord(record);
  if (job === null) return { failure: unreadableJob(id, 'unknown', record), statusName: '' };
  const { queue, payload } = job;
  return { failure: deadFailure(id, queue, payload, new Date()), statusName: payload.statusName };
}

export function unreadableJob(id: string, queue: string, record: Buffer): string {
  const about = {
    failedAt: failedAtText(new Date()),
    worker: id,
    queue: queue === '' ? 'unknown' : queue,
    exception: exceptions.deadRunner,
  };
  return rawFailure(
    record,
    about,
    `Worker ${id} did not gracefully exit; its record was none, see raw_record`,
  );
}

function wholeProblem(record: Buffer, text: string): FailureProblem | null {
  if (!isUtf8(record)) return 'not-utf8';
  const value = parsedJson(text);
  if (value === undefined) return 'not-json';
  if (asObject(value) === null) return 'not-object';
  // `before_repair` adds one level.
  return depthOf(text) > deepest - 1 ? 'too-deep' : null;
}

function wordsFor(problem: FailureProblem): string {
  const what: Partial<Record<FailureProblem, string>> = {
    'not-utf8': 'not valid UTF-8',
    'not-json': 'not JSON',
    'not-object': 'no JSON object',
    'too-deep': 'nested too deeply',
  };
  return `This entry of the list of failures was ${what[problem] ?? problem}; it is kept in raw_record`;
}

function aboutOf(value: unknown): RawFailureAbout {
  const members = asObject(value) ?? {};
  const text = (name: string, otherwise: string) => {
    const member = members[name];
    return typeof member === 'string' && member !== '' ? member : otherwise;
  };
  return {
    failedAt: timeText(members.failed_at),
    worker: text('worker', unknownName),
    queue: text('queue', unknownName),
    exception: text('exception', 'UnreadableFailure'),
  };
}

/** Members that break other clients: whether a value is fine, and the JSON that replaces it; `null` removes it. */
const memberChecks = {
  worker: {
    isFine: (value: unknown) => typeof value === 'string',
    replaced: () => JSON.stringify(unknownName),
  },
  failed_at: { isFine: isTime, replaced: (value: unknown) => JSON.stringify(timeText(value)) },
  retried_at: {
    isFine: (value: unknown) => value === undefined || isTime(value),
    replaced: (value: unknown) => (value === null ? null : JSON.stringify(timeText(value))),
  },
  backtrace: {
    isFine: (value: unknown) => value === undefined || value === null || Array.isArray(value),
    replaced: backtraceJson,
  },
} as const;
const checkedMembers = ['worker', 'failed_at', 'retried_at', 'backtrace'] as const;

function memberProblems(members: Members, text: string): FailureProblem[] {
  return [
    ...(withoutLoneSurrogates(text) === text ? [] : ['lone-surrogate' as const]),
    ...checkedMembers.filter((name) => !memberChecks[name].isFine(members[name])),
    ...(isShownPayload(members.payload) ? [] : ['payload' as const]),
  ];
}

/** An ActiveJob wrapper without its job breaks the page, as does a payload that is not an object. */
function isShownPayload(value: unknown): boolean {
  if (value === undefined || value === null || typeof value === 'string') return true;
  const payload = asObject(value);
  return payload !== null && (payload.class !== activeJobWrapper || hasJobData(payload.args));
}

/** Its members, byte for byte except for those that are replaced. */
function repair(record: Buffer, members: Members, problems: readonly FailureProblem[]): string {
  const written = new Map<string, string>();
  for (const [name, { start, end }] of memberSpans(record)) {
    written.set(name, record.toString('utf8', start, end));
  }
  const before: string[] = [];
  for (const name of checkedMembers.filter((each) => problems.includes(each))) {
    before.push(`${JSON.stringify(name)}:${written.get(name) ?? 'null'}`);
    const json = memberChecks[name].replaced(members[name]);
    if (json === null) written.delete(name);
    else written.set(name, json);
  }
  if (problems.includes('payload') || problems.includes('lone-surrogate')) keepRawPayload(written, members);
  if (problems.includes('lone-surrogate')) before.push(`"text":${JSON.stringify(record.toString('utf8'))}`);
  // Stops node-resque's scheduler.
  if (members.backtrace === null) written.set('backtrace', '[]');
  if (before.length > 0) written.set('before_repair', `{${before.join(',')}}`);
  return withoutLoneSurrogates(textOf(written));
}

/** The payload's bytes next to its stand-in, for a retry; see failure-record.ts. */
function keepRawPayload(written: Map<string, string>, members: Members): void {
  const text = written.get('payload');
  if (text === undefined || text === 'null') return;
  // The record's own raw payload is closer to what was on the queue.
  const hasOwn = 'raw_payload' in members || 'raw_payload_base64' in members;
  for (const [name, json] of payloadMembers(readPayload(Buffer.from(text)))) {
    if (name === 'payload' || !hasOwn) written.set(name, json);
  }
}

function backtraceJson(value: unknown): string {
  if (value === false) return '[]';
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return JSON.stringify(text.split('\n').map((line) => line.toWellFormed()));
}

const date = String.raw`\d{4}[-/](?:0?[1-9]|1[0-2])[-/](?:0?[1-9]|[12]\d|3[01])`;
const clock = String.raw`(?:[01]?\d|2[0-3]):[0-5]\d(?::(?:[0-5]\d|60)(?:[.,]\d+)?)?`;
const zone = String.raw`(?:Z|[A-Za-z]{1,5}|[-+]\d\d:?\d\d)`;
/** The formats of Ruby's `Time.parse` that clients are known to write. */
const rubyTime = new RegExp(`^\\s*${date}(?:(?:T|\\s+)${clock}\\s*${zone}?)?\\s*$`);

/** Accepts only what Ruby certainly parses: a page that works matters more than an entry left alone. */
function isTime(value: unknown): boolean {
  return typeof value === 'string' && rubyTime.test(value);
}

/** Below are seconds of this century, above are milliseconds. */
const secondsLimit = 1e11;

/** The time that a value most likely means. */
function timeText(value: unknown): string {
  if (typeof value === 'string' && isTime(value)) return value;
  const ms =
    typeof value === 'number'
      ? value < secondsLimit
        ? value * 1000
        : value
      : typeof value === 'string' && /\d:\d\d/.test(value)
        ? Date.parse(value)
        : Number.NaN;
  const time = new Date(ms);
  const isKnown =
    !Number.isNaN(time.getTime()) && time.getUTCFullYear() >= 1970 && time.getUTCFullYear() < 10_000;
  return isKnown ? failedAtText(time) : unknownTime;
}

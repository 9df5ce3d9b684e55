/**
 * Payloads: entries of a queue, which should be JSON objects `{"class": …, "args": […]}`. Any client may have put anything
 * there, so nothing is assumed. A job receives the bytes themselves.
 */
import { isUtf8 } from 'node:buffer';
import { enqueuedAtOf } from './enqueued-at.ts';
import { bytesFrom, invalidPayloadClass } from './invalid-payload.ts';
import { statusNameOf } from './job-status.ts';
import {
  asObject,
  asText,
  isDeeperThan,
  jsonText,
  type Members,
  memberSpans,
  parsedJson,
  tooDeep,
  withoutLoneSurrogates,
} from './json.ts';
import { traceparentOf } from './traceparent.ts';

export interface JobPayload {
  readonly isObject: true;
  readonly bytes: Buffer;
  /** `class`, if it is a string. */
  readonly jobClass: string | null;
  /** See job-status.ts. */
  readonly statusName: string;
  /** See enqueued-at.ts. */
  readonly enqueuedAtMs: number | null;
  /** See traceparent.ts. */
  readonly traceparent: string | null;
  /** JSON text of `args`, cut at `argsTextLimit`; '' if there are none. */
  readonly argsText: string;
  /**
   * JSON text of an object for use inside other JSON, which Ruby's parser and resque-web's pages can handle. The payload's
   * own text if that is safe.
   */
  readonly embedded: string;
  /** Whether `embedded` is the payload's own text. */
  readonly isVerbatim: boolean;
  /** False if a client that enqueues `class` and `args` of `embedded` would run another job, or none. */
  readonly isRetryable: boolean;
}

export interface InvalidPayload {
  readonly isObject: false;
  readonly bytes: Buffer;
  /** The bytes to record. If another client's retry brought a stand-in, those behind it; otherwise `bytes`. */
  readonly original: Buffer;
  /** See job-status.ts. */
  readonly statusName: string;
  /** It belongs to no trace. */
  readonly traceparent?: never;
  /** `not JSON`, `an array`, … */
  readonly reason: string;
}

export type Payload = JobPayload | InvalidPayload;

const neverRuns = `a job of class ${invalidPayloadClass}, which never runs`;

/** Why it doesn't run, as a sentence without a period. */
export function refusalText({ reason }: InvalidPayload): string {
  return reason === neverRuns ? `the payload is ${reason}` : `the payload is not a JSON object (${reason})`;
}

/** Characters of args shown to people; the payload itself is never cut. */
export const argsTextLimit = 2_000;

/** Up to this many characters, the whole payload is searched for long numbers; of longer ones, only the shown part. */
const searchedLength = 64 * 1024;

/** Ruby's JSON refuses more than 100 levels. The records around a payload take two of them. */
const maxDepth = 90;

/** ActiveJob wraps its jobs in this class; resque-web looks inside the first of its args. */
export const activeJobWrapper = 'ActiveJob::QueueAdapters::ResqueAdapter::JobWrapper';

/** Looks at the bytes of one list entry. Never throws. */
export function readPayload(bytes: Buffer): Payload {
  const text = bytes.toString('utf8');
  const parsed = parsedJson(text);
  const value = asObject(parsed);
  if (value === null) {
    const reason = bytes.length === 0 ? 'empty' : nameOfType(parsed);
    return { isObject: false, bytes, original: bytes, statusName: '', reason };
  }
  const { class: jobClass, args } = value;
  if (jobClass === invalidPayloadClass) {
    const original = bytesFrom(args) ?? bytes;
    return { isObject: false, bytes, original, statusName: statusNameOf(value), reason: neverRuns };
  }
  return new ObjectPayload(bytes, text, value);
}

/** Computes how to embed the payload only when needed: for most jobs, the step script has done it. */
class ObjectPayload implements JobPayload {
  readonly isObject = true;
  readonly bytes: Buffer;
  readonly jobClass: string | null;
  readonly statusName: string;
  readonly enqueuedAtMs: number | null;
  readonly traceparent: string | null;
  readonly argsText: string;
  /** An ActiveJob wrapper without the job that resque-web looks for. */
  readonly #isBareWrapper: boolean;
  /** Ruby enqueues no job without one. */
  readonly #hasClass: boolean;

  constructor(bytes: Buffer, text: string, members: Members) {
    const { class: jobClass, args } = members;
    this.bytes = bytes;
    this.jobClass = asText(jobClass)?.toWellFormed() ?? null;
    this.statusName = statusNameOf(members);
    this.enqueuedAtMs = enqueuedAtOf(members);
    this.traceparent = traceparentOf(members);
    this.argsText = argsTextOf(bytes, text, args);
    this.#isBareWrapper = jobClass === activeJobWrapper && !hasJobData(args);
    this.#hasClass = jobClass !== undefined && jobClass !== null && jobClass !== '';
  }

  get embedded(): string {
    return this.#embed(this.bytes.toString('utf8'));
  }

  get isVerbatim(): boolean {
    const text = this.bytes.toString('utf8');
    return this.#embed(text) === text && isUtf8(this.bytes);
  }

  get isRetryable(): boolean {
    return this.#hasClass && !this.#isBareWrapper && !isDeeperThan(this.bytes.toString('utf8'), maxDepth);
  }

  #embed(text: string): string {
    if (this.#isBareWrapper) {
      return JSON.stringify({ class: 'JobWrapper (of ActiveJob, without job data)', args: ['(not shown)'] });
    }
    if (isDeeperThan(text, maxDepth)) {
      return JSON.stringify({ class: this.jobClass, args: [tooDeep] });
    }
    // White space around an object is not part of its value.
    return withoutLoneSurrogates(text.trim());
  }
}

function argsTextOf(bytes: Buffer, text: string, args: unknown): string {
  if (args === undefined) return '';
  const beginning = text.length > searchedLength ? beginningOf(args) : null;
  // People must see the number that was sent, not the nearest one that JavaScript can hold.
  const span = /\d{16}/.test(beginning ?? text) ? memberSpans(bytes).get('args') : undefined;
  const json =
    span === undefined ? (beginning ?? beginningOf(args)) : bytes.toString('utf8', span.start, span.end);
  return cut(json.slice(0, 2 * argsTextLimit).toWellFormed(), argsTextLimit);
}

/** JSON text of the part of a value that is shown: a list may hold megabytes. */
function beginningOf(args: unknown): string {
  if (!Array.isArray(args)) return jsonText(args);
  let text = '[';
  for (const [at, item] of args.entries()) {
    const isLong = typeof item === 'string' && item.length > 2 * argsTextLimit;
    text += `${at === 0 ? '' : ','}${jsonText(isLong ? item.slice(0, 2 * argsTextLimit) : item)}`;
    if (text.length > 2 * argsTextLimit) return text;
  }
  return `${text}]`;
}

export function hasJobData(args: unknown): boolean {
  return Array.isArray(args) && asObject(args[0]) !== null;
}

function nameOfType(value: unknown): string {
  if (value === undefined) return 'not JSON';
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'an array';
  return `a ${typeof value}`;
}

export function cut(text: string, limit: number): string {
  return text.length <= limit ? text : `${text.slice(0, limit - 1).toWellFormed()}…`;
}

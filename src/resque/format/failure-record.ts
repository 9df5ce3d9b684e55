/**
 * Failure records: entries of the `failed` list, as `Resque::Failure::Redis` writes them, followed by members of ours.
 *
 * Whatever a job printed or a queue held, the record is JSON that Ruby's parser accepts and that breaks no page of
 * resque-web: `worker` is a string, `failed_at` a time, `backtrace` an array and `payload` an object. There are no lone
 * surrogates, and no markup in `exception` and `queue`. It is canonical JSON, because node-resque can't remove any other.
 */
import { isUtf8 } from 'node:buffer';
import type { FailureEntry, FailureEntryRef } from '../../protocol/commands.ts';
import { bytesFrom, invalidPayloadClass, payloadFor } from './invalid-payload.ts';
import { asObject, asText, canonicalJson, jsonText, type Members, memberSpans, parsedJson } from './json.ts';
import type { Payload } from './payload.ts';
import { failedAtText } from './timestamps.ts';
import { withoutMarkup } from './worker-record.ts';

/** Exceptions that Resque or people recognize. */
export const exceptions = {
  /** A job whose output has no known form of an error. */
  unclassified: 'UnclassifiedRunnerError',
  invalidPayload: 'InvalidPayloadError',
  /** A persistent child that broke its protocol. */
  invalidResult: 'InvalidResultError',
  timeout: 'TimeoutError',
  /** Resque's, for a child that died of a signal. */
  dirtyExit: 'Resque::DirtyExit',
  /** Resque's, for a job that a shutdown killed. */
  terminated: 'Resque::TermException',
  /** Resque's, for the job of a worker that died with its process. */
  deadRunner: 'Resque::PruneDeadWorkerDirtyExit',
} as const;

export interface Failure {
  readonly failedAt: Date;
  readonly worker: string;
  readonly queue: string;
  readonly payload: Payload;
  readonly exception: string;
  readonly error: string;
  readonly backtrace: readonly string[];
  /** How many times the job has run, and when it failed first; `null` if its entry doesn't retry jobs. */
  readonly attempts?: number | null;
  readonly firstFailedAt?: string | null;
  readonly exitCode: number | null;
  readonly signal: string | null;
  /** What its program has used; left out if unknown. */
  readonly cpuMs?: number;
  readonly peakMemoryBytes?: number;
  /** What the job printed, unless `error` already has it. '' is left out. */
  readonly stderr: string;
  readonly stdout: string;
}

/** The record's JSON text. */
export function failureRecord(failure: Failure): string {
  const [payload, ...raw] = payloadMembers(failure.payload).map(([name, text]) => `"${name}":${text}`);
  const members = [
    `"failed_at":"${failedAtText(failure.failedAt)}"`,
    payload,
    `"exception":${json(withoutMarkup(failure.exception).trim() || exceptions.unclassified)}`,
    `"error":${json(failure.error)}`,
    `"backtrace":[${failure.backtrace.map(json).join(',')}]`,
    `"worker":${json(failure.worker)}`,
    `"queue":${json(withoutMarkup(failure.queue))}`,
  ];
  if (withoutMarkup(failure.queue) !== failure.queue) members.push(`"queue_name":${json(failure.queue)}`);
  const { attempts = null, firstFailedAt = null } = failure;
  if (attempts !== null) members.push(`"attempts":${attempts}`);
  if (firstFailedAt !== null) members.push(`"first_failed_at":${json(firstFailedAt)}`);
  if (failure.signal === null) members.push(`"exit_code":${failure.exitCode ?? 'null'}`);
  else members.push(`"signal":${json(failure.signal)}`);
  if (failure.cpuMs !== undefined) members.push(`"cpu_ms":${failure.cpuMs}`);
  if (failure.peakMemoryBytes !== undefined) members.push(`"peak_memory_bytes":${failure.peakMemoryBytes}`);
  if (failure.stderr !== '') members.push(`"stderr":${json(failure.stderr)}`);
  if (failure.stdout !== '') members.push(`"stdout":${json(failure.stdout)}`);
  return `{${[...members, ...raw].join(',')}}`;
}

function json(text: string): string {
  return JSON.stringify(text.toWellFormed());
}

/** Members as JSON: `payload`, which other clients read and retry, then the exact bytes if they differ from it. */
export function payloadMembers(payload: Payload): [name: string, json: string][] {
  if (!payload.isObject || !payload.isRetryable) {
    const original = payload.isObject ? payload.bytes : payload.original;
    return [['payload', payloadFor(original)], rawPayload(original)];
  }
  const text = canonicalJson(payload.embedded);
  const isExact = Buffer.from(text).equals(payload.bytes);
  return isExact ? [['payload', text]] : [['payload', text], rawPayload(payload.bytes)];
}

/** For people and for retries: text if the bytes are UTF-8, else base64. */
function rawPayload(bytes: Buffer): [name: string, json: string] {
  return isUtf8(bytes)
    ? ['raw_payload', json(bytes.toString('utf8'))]
    : ['raw_payload_base64', `"${bytes.toString('base64')}"`];
}

/** An entry of the `failed` list, whoever wrote it. A member of an unexpected type is `null`. */
export interface FailureView extends Omit<FailureEntry, keyof FailureEntryRef> {
  /** Whether it names a queue and a job to put back. */
  readonly isRetryable: boolean;
}

/** Reads an entry for people. Never throws. */
export function viewFailure(record: Buffer): FailureView {
  const object = parseObject(record);
  const members = object ?? {};
  const payload = shownPayload(members);
  const cpuMs = asAmount(members.cpu_ms);
  const peakMemoryBytes = asAmount(members.peak_memory_bytes);
  return {
    isReadable: object !== null,
    failedAt: asText(members.failed_at),
    retriedAt: asText(members.retried_at),
    queue: queueOf(members),
    worker: asText(members.worker),
    jobClass: asText(payload.class),
    args: payload.args === undefined ? '' : jsonText(payload.args),
    exception: asText(members.exception),
    error: asText(members.error),
    backtrace: Array.isArray(members.backtrace)
      ? members.backtrace.map((line) => asText(line) ?? jsonText(line))
      : [],
    stderr: asText(members.stderr),
    stdout: asText(members.stdout),
    exitCode: typeof members.exit_code === 'number' ? members.exit_code : null,
    signal: asText(members.signal),
    ...(cpuMs === null ? {} : { cpuMs }),
    ...(peakMemoryBytes === null ? {} : { peakMemoryBytes }),
    isRetryable: isRetryable(members),
  };
}

function asAmount(value: unknown): number | null {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0 ? value : null;
}

/** Members that `viewFailure` leaves out, because they are unknown or of an unexpected type. Never throws. */
export function otherMembers(record: Buffer): [name: string, text: string][] {
  const members = parseObject(record) ?? {};
  const ofPayload = Object.entries(shownPayload(members))
    .filter(([name, value]) => name !== 'args' && (name !== 'class' || asText(value) === null))
    .map(([name, value]) => [`payload.${name}`, value] as const);
  const own = Object.entries(members).filter(([name, value]) => !isViewed(name, value));
  return [...ofPayload, ...own].map(([name, value]) => [name, asText(value) ?? jsonText(value)]);
}

/** The job itself rather than its stand-in. */
function shownPayload({ payload, raw_payload: raw }: Members): Members {
  const object = asObject(payload) ?? {};
  const isStandIn = object.class === invalidPayloadClass && typeof raw === 'string';
  return (isStandIn ? parseObject(raw) : null) ?? object;
}

const viewedTexts = [
  ...['failed_at', 'retried_at', 'queue', 'queue_name', 'worker', 'exception', 'error'],
  ...['stderr', 'stdout', 'signal'],
];

function isViewed(name: string, value: unknown): boolean {
  if (value === null) return true;
  switch (name) {
    case 'payload':
      return asObject(value) !== null;
    case 'backtrace':
      return Array.isArray(value);
    case 'exit_code':
      return typeof value === 'number';
    case 'cpu_ms':
    case 'peak_memory_bytes':
      return asAmount(value) !== null;
    default:
      return viewedTexts.includes(name) && typeof value === 'string';
  }
}

/** What a retry writes: the new bytes of the entry, and the payload for the queue. */
export interface Retry {
  readonly record: Buffer;
  readonly queue: string;
  readonly payload: Buffer;
}

/**
 * @returns `null` if the entry can't be retried: it is not an object, names no queue, or has neither a payload object
 * nor the original bytes
 */
export function retryOf(record: Buffer, now: Date): Retry | null {
  const members = parseObject(record) ?? {};
  const queue = queueOf(members);
  if (queue === null || !isRetryable(members)) return null;
  const payload = originalPayload(record, members);
  return payload === null ? null : { record: withRetriedAt(record, now), queue, payload };
}

/**
 * The payload of an entry, byte for byte as it was on its queue.
 *
 * @returns `null` if the entry doesn't have it
 */
export function failedPayload(record: Buffer): Buffer | null {
  const members = parseObject(record);
  return members === null ? null : originalPayload(record, members);
}

function isRetryable(members: Members): boolean {
  const queue = queueOf(members);
  if (queue === null || queue === '') return false;
  if (typeof members.raw_payload === 'string' || typeof members.raw_payload_base64 === 'string') return true;
  const payload = asObject(members.payload);
  return payload !== null && (payload.class !== invalidPayloadClass || bytesFrom(payload.args) !== null);
}

function originalPayload(record: Buffer, members: Members): Buffer | null {
  if (typeof members.raw_payload_base64 === 'string')
    return Buffer.from(members.raw_payload_base64, 'base64');
  if (typeof members.raw_payload === 'string') return Buffer.from(members.raw_payload, 'utf8');
  const payload = asObject(members.payload);
  if (payload?.class === invalidPayloadClass) return bytesFrom(payload.args);
  const span = memberSpans(record).get('payload');
  if (span === undefined || payload === null) return null;
  return record.subarray(span.start, span.end);
}

function withRetriedAt(record: Buffer, now: Date): Buffer {
  const value = Buffer.from(`"${failedAtText(now)}"`);
  const span = memberSpans(record).get('retried_at');
  if (span !== undefined) {
    return Buffer.concat([record.subarray(0, span.start), value, record.subarray(span.end)]);
  }
  const end = record.lastIndexOf('}');
  return Buffer.concat([record.subarray(0, end), Buffer.from(',"retried_at":'), value, record.subarray(end)]);
}

function parseObject(record: Buffer | string): Members | null {
  return asObject(parsedJson(record.toString()));
}

/** `queue_name` is ours: the exact name if `queue` can't hold it. */
function queueOf(members: Members): string | null {
  return asText(members.queue_name) ?? asText(members.queue);
}

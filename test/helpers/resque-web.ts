/**
 * Checks that resque-web and Ruby workers can handle our data. Each check is for a value that made Resque 3.0.0 answer 500
 * for a whole page of failures, or crash.
 */
import { expect } from 'vitest';

/** A parsed failure record. */
export interface FailureRecord {
  readonly failed_at: string;
  readonly payload: Readonly<Record<string, unknown>>;
  readonly exception: string;
  readonly error: string;
  readonly backtrace: readonly string[];
  readonly worker: string;
  readonly queue: string;
  readonly exit_code?: number;
  readonly signal?: string;
  readonly stderr?: string | null;
  readonly stdout?: string | null;
  readonly raw_payload?: string | null;
  readonly raw_payload_base64?: string | null;
}

const resqueTime = /^\d{4}\/\d\d\/\d\d \d\d:\d\d:\d\d UTC$/;
const isoTime = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|\+00:00)$/;
/** Ruby's `JSON.parse` rejects deeper nesting. */
const rubyNestingLimit = 100;
const activeJobWrapper = 'ActiveJob::QueueAdapters::ResqueAdapter::JobWrapper';

/**
 * @param isOlder whether an older version may have written it
 * @returns the parsed record
 */
export function assertSafeForResqueWeb(raw: Buffer, isOlder = false): FailureRecord {
  const record = assertSafeJson(raw, 'failed');
  expect(record.worker, 'failed: worker').toBeTypeOf('string');
  expect(record.failed_at, 'failed: failed_at').toMatch(resqueTime);
  if ('retried_at' in record) expect(record.retried_at, 'failed: retried_at').toMatch(resqueTime);
  assertStringsOrNull(record.backtrace, 'failed: backtrace');
  expect(record.error, 'failed: error').toBeTypeOf('string');
  for (const field of ['exception', 'queue']) {
    expect(record[field], `failed: ${field}`).toBeTypeOf('string');
    expect(record[field], `failed: ${field} is printed unescaped`).not.toMatch(/[<>]/);
  }
  expect(record.exception, 'failed: exception').not.toBe('');
  if (!isOlder && ownMembers.some((name) => name in record)) assertSafeForClients(raw, record);
  else if (record.payload !== undefined && record.payload !== null) {
    assertSafePayload(record.payload, 'failed: payload');
  }
  return record as unknown as FailureRecord;
}

/** Members that only our records have. */
const ownMembers = [
  'exit_code',
  'signal',
  'cpu_ms',
  'peak_memory_bytes',
  'raw_payload',
  'raw_payload_base64',
  'raw_record',
];

/**
 * A `null` payload breaks "Retry all" in resque-web, and a `null` backtrace breaks node-resque's scheduler, which finds
 * an entry to remove by `JSON.stringify(JSON.parse(entry))`.
 */
function assertSafeForClients(raw: Buffer, record: Record<string, unknown>): void {
  expect(Array.isArray(record.backtrace), 'failed: backtrace is an array').toBe(true);
  assertSafePayload(record.payload, 'failed: payload');
  const text = raw.toString('utf8');
  // Numbers that JavaScript can't hold keep their digits, so that Ruby's retry runs the right job.
  if (/\d{16}|1e400/.test(text)) return;
  const canonical = JSON.stringify(JSON.parse(text));
  expect(canonical === text, `failed: canonical JSON: ${text.slice(0, 500)}`).toBe(true);
}

/** Checks the value of `worker:ID` while a job runs. @returns the parsed value */
export function assertSafeWorkerRecord(raw: Buffer): Record<string, unknown> {
  const record = assertSafeJson(raw, 'worker job');
  assertSafePayload(record.payload, 'worker job: payload');
  expect(record.queue, 'worker job: queue').toBeTypeOf('string');
  expect(record.run_at, 'worker job: run_at').toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
  return record;
}

/** Checks a value of `workers:heartbeat`. Invalid ones crash Ruby workers that prune at their start. */
export function assertSafeHeartbeat(value: string | null): void {
  expect(value, 'heartbeat').toMatch(isoTime);
  expect(Date.parse(value ?? ''), 'heartbeat').not.toBeNaN();
}

function assertSafeJson(raw: Buffer, what: string): Record<string, unknown> {
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(raw);
  } catch {
    throw new Error(`${what}: not valid UTF-8: ${raw.toString('latin1').slice(0, 500)}`);
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new Error(`${what}: not JSON (${String(error)}): ${text.slice(0, 500)}`);
  }
  expect(isObject(value), `${what}: a JSON object, not ${text.slice(0, 100)}`).toBe(true);
  // Checks the text: parsing would hide the first value of a duplicate member.
  const { deepest, loneSurrogate } = inspectJson(text);
  expect(loneSurrogate, `${what}: lone surrogate`).toBeNull();
  expect(deepest, `${what}: nesting`).toBeLessThanOrEqual(rubyNestingLimit);
  return value as Record<string, unknown>;
}

function assertSafePayload(payload: unknown, what: string): void {
  // resque-web could show a string, but its retry would enqueue an invalid job.
  expect(isObject(payload), `${what}: an object, not ${JSON.stringify(payload)?.slice(0, 200)}`).toBe(true);
  const { class: name, args } = payload as Record<string, unknown>;
  if (name === activeJobWrapper) {
    const first: unknown = Array.isArray(args) ? args[0] : undefined;
    expect(isObject(first), `${what}: an ActiveJob wrapper whose args start with its job`).toBe(true);
  }
}

function assertStringsOrNull(value: unknown, what: string): void {
  const isFine =
    value === null || (Array.isArray(value) && value.every((element) => typeof element === 'string'));
  expect(isFine, `${what}: an array of strings or null, not ${JSON.stringify(value)?.slice(0, 200)}`).toBe(
    true,
  );
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Checks a JSON text without parsing it. Written by hand because its strings can be megabytes long. */
function inspectJson(json: string): { deepest: number; loneSurrogate: string | null } {
  let depth = 0;
  let deepest = 0;
  let loneSurrogate: string | null = null;
  let isInString = false;
  for (let at = 0; at < json.length; at++) {
    const character = json[at];
    if (character === '"') isInString = !isInString;
    else if (isInString && character === '\\') {
      const escaped = json.slice(at + 1, at + 11);
      at += 1;
      if (/^u[dD][89abAB]..\\u[dD][c-fC-F]/.test(escaped)) at += 10;
      else if (/^u[dD][89a-fA-F]/.test(escaped)) loneSurrogate ??= escaped.slice(0, 5);
    } else if (isInString) continue;
    else if (character === '{' || character === '[') deepest = Math.max(deepest, ++depth);
    else if (character === '}' || character === ']') depth--;
  }
  return { deepest, loneSurrogate };
}

/** Problems in workers' records, of any client, that break resque-web. Pure. */
import { isUtf8 } from 'node:buffer';
import { asObject, depthOf, memberSpans, parsedJson } from '../format/json.ts';
import { activeJobWrapper, hasJobData, type Payload, readPayload } from '../format/payload.ts';
import { timeOfText } from '../format/timestamps.ts';

/** In words for people, as everything that names one says it. */
export type Unreadable = 'not UTF-8' | 'not JSON' | 'not a JSON object' | 'nested too deeply';
export type RecordProblem = Unreadable | 'without a payload';

/** Ruby's JSON refuses more levels. */
export const deepest = 100;

/** Why other clients can't read this record of a worker or a failure; `null` if they can. */
export function unreadable(record: Buffer, levels = deepest): Unreadable | null {
  if (!isUtf8(record)) return 'not UTF-8';
  const text = record.toString('utf8');
  const value = parsedJson(text);
  if (value === undefined) return 'not JSON';
  if (asObject(value) === null) return 'not a JSON object';
  return depthOf(text) > levels ? 'nested too deeply' : null;
}

/** @returns `null` if resque-web can show it */
export function recordProblem(record: Buffer): RecordProblem | null {
  const problem = unreadable(record);
  if (problem !== null) return problem;
  const members = asObject(parsedJson(record.toString('utf8'))) ?? {};
  // Some clients write this for an idle worker.
  const isIdle = Object.keys(members).length === 0;
  return isIdle || (asObject(members.payload) !== null && isShownPayload(members.payload))
    ? null
    : 'without a payload';
}

/** An ActiveJob wrapper without its job breaks resque-web's pages, as does a payload that is not an object. */
export function isShownPayload(value: unknown): boolean {
  if (value === undefined || value === null || typeof value === 'string') return true;
  const payload = asObject(value);
  return payload !== null && (payload.class !== activeJobWrapper || hasJobData(payload.args));
}

export interface RecordedJob {
  readonly queue: string;
  readonly payload: Payload;
  /** `null` if the record doesn't have the start of the job. */
  readonly runAtMs: number | null;
}

/** The job in any client's record. @returns `null` if there is none */
export function jobOfRecord(record: Buffer): RecordedJob | null {
  const members = asObject(parsedJson(record.toString('utf8')));
  if (members === null) return null;
  const { queue, payload, run_at: runAt } = members;
  const span = memberSpans(record).get('payload');
  if (typeof queue !== 'string' || span === undefined || payload === null) return null;
  return {
    queue,
    payload: readPayload(record.subarray(span.start, span.end)),
    runAtMs: typeof runAt === 'string' ? timeOfText(runAt) : null,
  };
}

/** The member that keeps an unreadable record in the one that replaces it. */
export function rawMember(record: Buffer): Readonly<Record<string, string>> {
  return isUtf8(record)
    ? { raw_record: record.toString('utf8') }
    : { raw_record_base64: record.toString('base64') };
}

/** A record that resque-web can show instead of an unreadable one. */
export function shownRecord(record: Buffer, queue: string, runAt: string): string {
  return JSON.stringify({ queue, run_at: runAt, ...rawMember(record), payload: {} });
}

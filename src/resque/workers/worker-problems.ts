/** Problems in workers' records, of any client, that break resque-web. Pure. */
import { isUtf8 } from 'node:buffer';
import { depthOf, memberSpans, withoutLoneSurrogates } from '../format/json.ts';
import { activeJobWrapper, hasJobData, type Payload, readPayload } from '../format/payload.ts';
import { timeOfText } from '../format/timestamps.ts';

export type RecordProblem =
  | 'not-utf8'
  | 'not-json'
  | 'not-object'
  | 'lone-surrogate'
  | 'too-deep'
  | 'payload';

/** Ruby's JSON refuses more levels. */
const deepest = 100;

/** @returns `null` if resque-web can show it */
export function recordProblem(record: Buffer): RecordProblem | null {
  if (!isUtf8(record)) return 'not-utf8';
  const text = record.toString('utf8');
  const members = membersOf(record);
  if (members === undefined) return 'not-json';
  if (members === null) return 'not-object';
  if (depthOf(text) > deepest) return 'too-deep';
  if (withoutLoneSurrogates(text) !== text) return 'lone-surrogate';
  // Some clients write this for an idle worker.
  if (Object.keys(members).length === 0) return null;
  const { payload } = members;
  if (typeof payload !== 'object' || payload === null || Array.isArray(payload)) return 'payload';
  const { class: jobClass, args } = payload as { class?: unknown; args?: unknown };
  return jobClass === activeJobWrapper && !hasJobData(args) ? 'payload' : null;
}

export interface RecordedJob {
  readonly queue: string;
  readonly payload: Payload;
  /** `null` if the record doesn't have the start of the job. */
  readonly runAtMs: number | null;
}

/** The job in any client's record. @returns `null` if there is none */
export function jobOfRecord(record: Buffer): RecordedJob | null {
  const members = membersOf(record);
  if (members === undefined || members === null) return null;
  const { queue, payload, run_at: runAt } = members;
  const span = memberSpans(record).get('payload');
  if (typeof queue !== 'string' || span === undefined || payload === null) return null;
  return {
    queue,
    payload: readPayload(record.subarray(span.start, span.end)),
    runAtMs: typeof runAt === 'string' ? timeOfText(runAt) : null,
  };
}

/** A record that resque-web can show instead of an unreadable one, which it keeps as text. */
export function shownRecord(record: Buffer, queue: string, runAt: string): string {
  const kept = isUtf8(record)
    ? `"raw_record":${JSON.stringify(record.toString('utf8'))}`
    : `"raw_record_base64":"${record.toString('base64')}"`;
  return `{"queue":${JSON.stringify(queue)},"run_at":"${runAt}",${kept},"payload":{}}`;
}

/** @returns `undefined` if it is not JSON, `null` if it is not an object */
function membersOf(record: Buffer): Readonly<Record<string, unknown>> | null | undefined {
  let value: unknown;
  try {
    value = JSON.parse(record.toString('utf8'));
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
  const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
  return isObject ? (value as Record<string, unknown>) : null;
}

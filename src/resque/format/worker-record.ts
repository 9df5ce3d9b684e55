/**
 * The record of a running job, the value of `worker:ID`:
 * `{"queue":Q,"run_at":"…Z","worker":"HOST:PID-SLOT","step":N,"payload":{…}}`.
 *
 * - `payload` must be an object, or resque-web's pages break. Our readers take everything after
 *   `,"payload":` as the payload.
 * - node-resque files the job under `worker`, the worker's id without its queues (`Queue#allWorkingOn`).
 * - `step` is ours: the step of the runner that took the job. It distinguishes this job from others of the same worker.
 * - `"unlocked":true` before `step` is ours: the locks that the start of the job releases are deleted. By now, other jobs may
 *   have taken them.
 */
import { asText, parsedJson } from './json.ts';
import { type Payload, readPayload } from './payload.ts';
import { runAtText } from './timestamps.ts';
import { readWorkerId } from './worker-id.ts';

export interface RecordedWork {
  /** Resque worker id. */
  readonly worker: string;
  readonly queue: string;
  readonly payload: Payload;
  readonly runAt: Date;
  /** `null` if unknown. */
  readonly step: number | null;
  /** Whether the locks that its start releases are deleted. */
  readonly isUnlocked?: boolean;
}

/** `step-script.ts` builds the same in Lua. */
export function workerRecord({ worker, queue, payload, runAt, step, isUnlocked }: RecordedWork): string {
  const embedded = payload.isObject ? payload.embedded : '{}';
  const name = JSON.stringify(readWorkerId(worker).name.toWellFormed());
  const start = `{"queue":${JSON.stringify(withoutMarkup(queue))},"run_at":"${runAtText(runAt)}","worker":${name}`;
  return `${start}${isUnlocked === true ? unlockedMember : ''}${step === null ? '' : `,"step":${step}`},"payload":${embedded}}`;
}

/** resque-web 3.0 prints queue names and exceptions as HTML, unescaped. */
export function withoutMarkup(text: string): string {
  return text.replace(/[<>]/g, '').toWellFormed();
}

const unlockedMember = ',"unlocked":true';
const payloadMember = Buffer.from(',"payload":');

/**
 * The payload inside a record, byte for byte.
 *
 * @returns `null` if the record is not ours
 */
export function payloadOfRecord(record: Buffer): Payload | null {
  // Quotes inside the queue's name are escaped, so the first match is the member itself.
  const at = record.indexOf(payloadMember);
  if (at === -1 || record.at(-1) !== 0x7d) return null;
  return readPayload(record.subarray(at + payloadMember.length, -1));
}

/** The step that took the job; `null` if the record names none. */
export function stepOfRecord(record: Buffer): number | null {
  const at = record.indexOf(payloadMember);
  if (at === -1) return null;
  const [, step] = /,"step":(\d{1,15})$/.exec(record.toString('latin1', Math.max(0, at - 30), at)) ?? [];
  return step === undefined ? null : Number(step);
}

/** Whether the locks that the job's start releases are deleted. */
export function isUnlockedRecord(record: Buffer): boolean {
  const at = record.indexOf(payloadMember);
  return at !== -1 && record.subarray(0, at).includes(unlockedMember);
}

/** @returns `null` if the record is not ours */
export function queueOfRecord(record: Buffer): string | null {
  const at = record.indexOf(',"run_at":');
  const start = Buffer.byteLength('{"queue":');
  if (at <= start) return null;
  return asText(parsedJson(record.toString('utf8', start, at)));
}

export interface RecordedJob {
  readonly queue: string;
  readonly payload: Payload;
}

/**
 * The job that a record of ours is about.
 *
 * @param beside the payload's bytes, if the record doesn't hold them
 * @returns `null` if the bytes are not a record of ours
 */
export function recordedJob(record: Buffer, beside: Buffer | null): RecordedJob | null {
  const queue = queueOfRecord(record);
  const payload = beside === null ? payloadOfRecord(record) : readPayload(beside);
  return queue === null || payload === null ? null : { queue, payload };
}

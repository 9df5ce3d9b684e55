/**
 * Failures of jobs whose worker is gone, and entries of the `failed` list that replace others. Pure.
 *
 * Problems of entries of the `failed` list that break their page of resque-web or stop other clients, and the entries that
 * replace them. No information is lost: a JSON object keeps its members, and replaced values go to `before_repair`; anything
 * else is kept as a whole, as text, in `raw_record`.
 */
import { exceptions, payloadMembers } from '../format/failure-record.ts';
import { unknownPayload } from '../format/invalid-payload.ts';
import { asObject, asText, type Members, memberSpans, parsedJson } from '../format/json.ts';
import { readPayload } from '../format/payload.ts';
import { failedAtText } from '../format/timestamps.ts';
import { withoutMarkup } from '../format/worker-record.ts';
import { deadFailure } from '../workers/dead-runners.ts';
import {
  deepest,
  isShownPayload,
  jobOfRecord,
  rawMember,
  type Unreadable,
  unreadable,
} from '../workers/worker-problems.ts';

export type FailureProblem = 'empty' | Unreadable | 'worker' | 'backtrace' | 'payload';

export interface Diagnosis {
  /** The first one, in the order of the type above. */
  readonly problem: FailureProblem;
  /** The entry that replaces it; `null` if it should be removed, because it is empty. */
  readonly repaired: Buffer | null;
}

/** For an unknown time, because the record must have one. */
const unknownTime = failedAtText(new Date(0));

/** @returns `null` if the entry has no problem */
export function diagnoseFailure(record: Buffer): Diagnosis | null {
  if (record.length === 0) return { problem: 'empty', repaired: null };
  // `before_repair` adds one level.
  const whole = unreadable(record, deepest - 1);
  const members = asObject(parsedJson(record.toString('utf8'))) ?? {};
  if (whole !== null) {
    const error = `This entry of the list of failures was ${whole}; it is kept in raw_record`;
    return { problem: whole, repaired: Buffer.from(rawFailure(record, members, error)) };
  }
  const problems = checkedMembers.filter((name) => !memberChecks[name].isFine(members[name]));
  const [problem] = problems;
  return problem === undefined ? null : { problem, repaired: Buffer.from(repair(record, members, problems)) };
}

/** A record that keeps unreadable bytes as they are. @param known its members, as far as they can be read */
function rawFailure(bytes: Buffer, known: Members, error: string): string {
  const text = (name: string, otherwise: string) => asText(known[name]) || otherwise;
  return JSON.stringify({
    failed_at: text('failed_at', unknownTime),
    payload: unknownPayload,
    exception: withoutMarkup(text('exception', 'UnreadableFailure')),
    error,
    backtrace: [],
    worker: text('worker', 'unknown').toWellFormed(),
    queue: withoutMarkup(text('queue', 'unknown')),
    ...rawMember(bytes),
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
  const known = { failed_at: failedAtText(new Date()), worker: id, queue, exception: exceptions.deadRunner };
  const error = `Worker ${id} did not gracefully exit; its record was none, see raw_record`;
  return rawFailure(record, known, error);
}

/** Members that break other clients: whether a value is fine, and the members that replace it, as JSON. */
const memberChecks = {
  worker: {
    isFine: (value: unknown) => typeof value === 'string',
    replaced: () => new Map([['worker', '"unknown"']]),
  },
  backtrace: {
    isFine: (value: unknown) => value === undefined || value === null || Array.isArray(value),
    replaced: (value: unknown) => new Map([['backtrace', backtraceJson(value)]]),
  },
  payload: { isFine: isShownPayload, replaced: rawPayload },
} as const;
const checkedMembers = ['worker', 'backtrace', 'payload'] as const;

/** Its members, byte for byte except for those that are replaced. */
function repair(
  record: Buffer,
  members: Members,
  problems: readonly (typeof checkedMembers)[number][],
): string {
  const written = new Map<string, string>();
  for (const [name, { start, end }] of memberSpans(record))
    written.set(name, record.toString('utf8', start, end));
  const before: string[] = [];
  for (const name of problems) {
    const old = written.get(name) ?? 'null';
    before.push(`"${name}":${old}`);
    for (const [each, json] of memberChecks[name].replaced(members[name], old)) {
      // The record's own raw payload is closer to what was on the queue.
      if (name === each || !('raw_payload' in members || 'raw_payload_base64' in members))
        written.set(each, json);
    }
  }
  // Stops node-resque's scheduler.
  if (members.backtrace === null) written.set('backtrace', '[]');
  written.set('before_repair', `{${before.join(',')}}`);
  return `{${[...written].map(([name, json]) => `${JSON.stringify(name)}:${json}`).join(',')}}`;
}

/** The payload's bytes beside its stand-in, for a retry; see failure-record.ts. */
function rawPayload(_: unknown, text: string): ReadonlyMap<string, string> {
  return new Map(payloadMembers(readPayload(Buffer.from(text))));
}

function backtraceJson(value: unknown): string {
  if (value === false) return '[]';
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return JSON.stringify(text.split('\n'));
}

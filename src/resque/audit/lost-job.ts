/** The job of a worker that is gone, as a failure. Accepts any client's record. Pure. */
import { exceptions } from '../format/failure-record.ts';
import { failedAtText } from '../format/timestamps.ts';
import { deadFailure } from '../workers/dead-runners.ts';
import { jobOfRecord } from '../workers/worker-problems.ts';
import { rawFailure } from './failed-entry.ts';

export interface LostJob {
  /** Its failure record; '' if the worker had no job. */
  readonly failure: string;
  /** See job-status.ts; '' if it can't have a status. */
  readonly statusName: string;
}

/** @param record `null` if the worker had none */
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

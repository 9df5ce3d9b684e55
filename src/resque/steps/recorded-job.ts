import type { ResqueKeys } from '../format/keys.ts';
import { type Payload, readPayload } from '../format/payload.ts';
import { payloadOfRecord, queueOfRecord, stepOfRecord } from '../format/worker-record.ts';
import type { LargeReads } from '../redis/large-reads.ts';

export interface RecordedJob {
  readonly queue: string;
  readonly payload: Payload;
}

/** The job that this step recorded on a worker, or `null`. Rejects with RedisError. */
export async function readRecordedJob(
  reads: LargeReads,
  keys: ResqueKeys,
  worker: string,
  step: number,
): Promise<RecordedJob | null> {
  const [record, payload] = await reads.values([keys.worker(worker), keys.workerPayload(worker)]);
  if (!record || stepOfRecord(record) !== step) return null;
  const queue = queueOfRecord(record);
  const recorded = payload ? readPayload(payload) : payloadOfRecord(record);
  return queue === null || recorded === null ? null : { queue, payload: recorded };
}

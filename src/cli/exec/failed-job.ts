/** The job of a failure that lies in Redis. */
import { FailedList } from '../../resque/failed-list.ts';
import { failedPayload } from '../../resque/failure-record.ts';
import { OperatingError } from '../exit-codes.ts';
import { failureId, findEntry } from '../failed/find-entry.ts';
import { withTarget } from '../redis-target.ts';
import type { TargetFlags } from './job-source.ts';

/** @param id as `failed list` shows it, or `last` @throws UsageError, OperatingError */
export async function payloadOfFailure(id: string, flags: TargetFlags): Promise<Buffer> {
  const entry = await withTarget(flags, (sender, { keys }) => findEntry(new FailedList(sender, keys), id));
  const payload = failedPayload(entry.record);
  if (payload !== null) return payload;
  const found = failureId(entry);
  throw new OperatingError(`failure ${found} doesn't hold its job; see resque-runner failed show ${found}`);
}

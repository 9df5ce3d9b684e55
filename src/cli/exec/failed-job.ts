/** The job of a failure that lies in Redis. */
import { FailedList } from '../../resque/failed-list.ts';
import { failedPayload } from '../../resque/failure-record.ts';
import { visibleWithin } from '../../wording/visible.ts';
import { OperatingError } from '../exit-codes.ts';
import { findEntry } from '../failed/find-entry.ts';
import { withTarget } from '../redis-target.ts';
import type { TargetFlags } from './job-source.ts';

/** @param id as `failed list` shows it @throws UsageError, OperatingError */
export async function payloadOfFailure(id: string, flags: TargetFlags): Promise<Buffer> {
  const payload = await withTarget(flags, async (sender, { keys }) => {
    const { record } = await findEntry(new FailedList(sender, keys), id);
    return failedPayload(record);
  });
  if (payload !== null) return payload;
  throw new OperatingError(
    `failure ${visibleWithin(id, 60)} doesn't hold its job; see resque-runner failed show ${visibleWithin(id, 60)}`,
  );
}

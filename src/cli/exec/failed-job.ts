/** The job of a failure in Redis. */
import { FailedList } from '../../resque/failed/failed-list.ts';
import { failedPayload } from '../../resque/format/failure-record.ts';
import { OperatingError } from '../command-line/exit-codes.ts';
import { failureId, findEntry } from '../failed/find-entry.ts';
import type { ConfigIo } from '../files/load-config.ts';
import { type TargetFlags, withTarget } from '../redis/target.ts';

/** @param id as `failed list` shows it, or `last` @throws UsageError, OperatingError */
export async function payloadOfFailure(io: ConfigIo, id: string, flags: TargetFlags): Promise<Buffer> {
  const entry = await withTarget(io, flags, (sender, { keys }) =>
    findEntry(new FailedList(sender, keys), id),
  );
  const payload = failedPayload(entry.record);
  if (payload !== null) return payload;
  const found = failureId(entry);
  throw new OperatingError(
    `failure ${found} doesn't contain its job; see resque-runner failed show ${found}`,
  );
}

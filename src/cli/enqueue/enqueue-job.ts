import { grouped, plural } from '../../messages/quantities.ts';
import { UsageError } from '../command-line/exit-codes.ts';
import { jobSteps, mostJobs } from './enqueue-steps.ts';
import type { JobSource } from './request.ts';
import { jobCursorText } from './resume-point.ts';
import type { EnqueueSession } from './session.ts';

/** Enqueues one job, `count` times. @returns the exit code */
export async function enqueueJob(session: EnqueueSession, { payload, count }: JobSource): Promise<number> {
  const { stop, report } = session;
  const ownCursor = jobCursorText(payload);
  const cursor = await session.begin(ownCursor);
  if (cursor !== null && cursor !== ownCursor) {
    throw new UsageError(
      `the enqueue ${session.request.resumedId} was of another job; repeat that command exactly, with --resume`,
    );
  }
  const left = count - report.before;
  if (left < 0) {
    throw new UsageError(
      `${grouped(report.before)} jobs are already enqueued; --count must be the total, as in the first command`,
    );
  }
  if (left > mostJobs) session.announce(left);
  const progress = session.show('enqueuing', left, () => plural(session.enqueued, 'job'));
  for (const step of jobSteps(payload, left)) {
    await session.add(step);
    progress.update(session.enqueued);
    if (stop.signal.aborted) break;
  }
  session.hideProgress();
  if (session.enqueued < left) return await report.stopped(stop.exitCode, true);
  return await report.complete();
}

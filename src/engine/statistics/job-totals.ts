/** How the jobs of a queue, or of a class on a queue, ended since the start. These numbers only rise. */
import type { JobOutcome } from '../../protocol/job.ts';
import { Histogram, jobBoundsMs } from './histogram.ts';

export class JobTotals {
  readonly ended: Record<JobOutcome, number> = {
    ...{ succeeded: 0, failed: 0, retried: 0, requeued: 0, snoozed: 0 },
  };
  /** Of jobs that ran to their end. */
  readonly durations = new Histogram(jobBoundsMs);
  /** From enqueuing to the start; `null` until a payload says when it was enqueued. */
  waits: Histogram | null = null;

  waited(ms: number): void {
    this.waits ??= new Histogram(jobBoundsMs);
    this.waits.count(ms);
  }

  /** @param durationMs `null` if it never ran */
  end(outcome: JobOutcome, durationMs: number | null): void {
    this.ended[outcome] += 1;
    // The others have not done their work.
    const isEnd = outcome !== 'requeued' && outcome !== 'snoozed';
    if (isEnd && durationMs !== null) this.durations.count(durationMs);
  }
}

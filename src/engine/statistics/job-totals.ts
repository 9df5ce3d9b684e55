/** How the jobs of a queue, or of a class on a queue, ended since the start. These numbers only rise. */
import type { JobOutcome, JobUsage } from '../../protocol/job.ts';
import { Histogram, jobBoundsMs } from './histogram.ts';

export class JobTotals {
  readonly ended: Record<JobOutcome, number> = {
    ...{ succeeded: 0, failed: 0, retried: 0, requeued: 0, snoozed: 0 },
  };
  /** Of jobs that ran to their end. */
  readonly durations = new Histogram(jobBoundsMs);
  /** From enqueuing to the start; `null` until a payload says when it was enqueued. */
  waits: Histogram | null = null;

  /** CPU time, as far as it is known. */
  cpuMs = 0;
  /** The highest of a job; `null` while none is known. */
  peakMemoryBytes: number | null = null;

  waited(ms: number): void {
    this.waits ??= new Histogram(jobBoundsMs);
    this.waits.count(ms);
  }

  /** @param durationMs `null` if it never ran */
  end(outcome: JobOutcome, durationMs: number | null, { cpuMs = 0, peakMemoryBytes }: JobUsage = {}): void {
    this.ended[outcome] += 1;
    this.cpuMs += cpuMs;
    if (peakMemoryBytes !== undefined && peakMemoryBytes > (this.peakMemoryBytes ?? 0)) {
      this.peakMemoryBytes = peakMemoryBytes;
    }
    // The others have not done their work.
    const isEnd = outcome !== 'requeued' && outcome !== 'snoozed';
    if (isEnd && durationMs !== null) this.durations.count(durationMs);
  }
}

import type { JobOutcome } from '../../protocol/job.ts';

/** Totals since the start, counted as Resque does: a failed job is a processed one, too. */
export class Counters {
  #processed = 0;
  #failed = 0;

  get totals(): { processed: number; failed: number } {
    return { processed: this.#processed, failed: this.#failed };
  }

  add(outcome: JobOutcome): void {
    if (outcome === 'requeued') return;
    this.#processed += 1;
    if (outcome === 'failed') this.#failed += 1;
  }
}

/**
 * Jobs that BLPOP brought to pools that retry jobs. They start after a step has said which of their runs this is: a step that
 * pops a job says it at once, but BLPOP can't.
 */
import { attemptOf, type TakenJob } from '../pools/taken-job.ts';

export class AwaitedAttempts {
  readonly #jobs = new Set<TakenJob>();

  add(job: TakenJob): void {
    this.#jobs.add(job);
  }

  /** @returns the job, which knows its attempt now; `null` if it no longer waits for that */
  take(worker: string, entry: string): TakenJob | null {
    const [job = null] = this.#takeIf(({ slot }) => slot.worker === worker);
    if (job !== null) job.attempt = attemptOf(entry);
    return job;
  }

  takeAll(): TakenJob[] {
    return this.#takeIf(() => true);
  }

  #takeIf(isMeant: (job: TakenJob) => boolean): TakenJob[] {
    const taken = [...this.#jobs].filter(isMeant);
    for (const job of taken) this.#jobs.delete(job);
    return taken;
  }
}

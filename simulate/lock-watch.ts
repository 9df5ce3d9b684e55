/**
 * Watches jobs that take a lock when they are enqueued: the lock is there as long as its job waits, and for the plugins that
 * say so, as long as it runs. That locks are released shows itself: otherwise the next equal job could never be enqueued.
 */
import { keysToDelete, type Moment } from '../src/resque/format/plugin-keys.ts';
import type { Dump } from './dump.ts';
import type { Job, Runner } from './job-book.ts';
import type { Log } from './log.ts';

interface Past {
  /** Whether Redis has lost data. */
  readonly hasForgotten: boolean;
  /** What had a wrong type or was refused. */
  readonly spoilt: ReadonlySet<string>;
}

export class LockWatch {
  readonly #log: Log;
  readonly #past: Past;
  readonly #jobs = new Set<Job>();

  constructor(log: Log, past: Past) {
    this.#log = log;
    this.#past = past;
  }

  /** Whether locks say something: Redis has all that it knew, and every deletion was permitted. */
  get isSound(): boolean {
    return !this.#past.hasForgotten && this.#past.spoilt.size === 0;
  }

  /** A job was enqueued with its lock. */
  enqueued(job: Job): void {
    this.#jobs.add(job);
  }

  /** Call it often. */
  look(dump: Dump, live: readonly Runner[]): void {
    if (!this.isSound) return;
    for (const job of this.#jobs) {
      const key = lockOf(job);
      if (dump.has(key)) continue;
      const waits = dump.get(`resque:queue:${job.queue}`)?.values.some((each) => each.equals(job.payload));
      if (waits === true && !this.#mayBeReleased(job)) this.#broken(job, key, 'waits');
      const runs = live.some(({ programs }) =>
        [...programs.running.keys()].some((run) => run.job === job && !run.isRecovered),
      );
      if (runs && releasedWhen(job) === 'ended') this.#broken(job, key, 'runs');
    }
  }

  /** A job that has started and went back to its queue leaves the lock that was released at its start. */
  #mayBeReleased({ lock, runs, enqueuedMs }: Job): boolean {
    return lock !== 'resque-lock' && runs.some(({ startedMs }) => startedMs >= enqueuedMs);
  }

  #broken({ id }: Job, key: string, what: string): void {
    this.#log.broken(`the lock of ${id} was released while it ${what}: ${key}`);
  }
}

function releasedWhen({ lock }: Job): Moment {
  return lock === 'resque-lock' ? 'ended' : 'taken';
}

/** The key that its client sets, of a job with a lock. */
export function lockOf({ payload, queue, lock }: Job): string {
  const [key] = keysToDelete(payload, queue, lock === undefined ? [] : [lock], ['taken', 'ended']).split(
    '\0',
  );
  return `resque:${key}`;
}

import type { Payload } from '../../resque/format/payload.ts';
import { workerRecord } from '../../resque/format/worker-record.ts';
import type { BeginWrite } from '../../resque/steps/step.ts';
import type { Pool, Slot } from './pool.ts';

/** A job that has a slot, is recorded in Redis (or on its way there), and must be run or put back. */
export interface TakenJob {
  readonly pool: Pool;
  readonly slot: Slot;
  readonly queue: string;
  readonly payload: Payload;
  readonly takenAt: Date;
  /** At-least-once: it is on the list of held jobs until its outcome is written. */
  readonly isHeld: boolean;
  /** The step that took it, as its record names it; `null` until it is on record. */
  takenIn: number | null;
}

/** What puts it on its worker's record. */
export function beginWrite({ slot, queue, payload, takenAt }: TakenJob, step: number): BeginWrite {
  return {
    worker: slot.worker,
    record: workerRecord({ worker: slot.worker, queue, payload, runAt: takenAt, step }),
    payload: payload.isObject && payload.isVerbatim ? null : payload.bytes,
  };
}

/** Jobs that were taken and can't run. */
export class RequeueBuffer {
  #jobs: TakenJob[] = [];

  push(job: TakenJob): void {
    this.#jobs.push(job);
  }

  /**
   * Those of which no more of the same runner may come: last first, so that all of it lies at the heads of its
   * queues in the order that it came in.
   */
  takeSettled(): TakenJob[] {
    const isSettled = ({ pool }: TakenJob) => pool.slots.every((slot) => slot.state !== 'reserved');
    const settled = this.#jobs.filter(isSettled);
    this.#jobs = this.#jobs.filter((job) => !isSettled(job));
    return settled.reverse();
  }
}

import type { Payload } from '../../resque/format/payload.ts';
import { workerRecord } from '../../resque/format/worker-record.ts';
import type { BeginWrite, HeldJob, OutcomeWrite, ReturnWrite } from '../../resque/steps/step.ts';
import type { Pool, Slot } from './pool.ts';

/** A job with a slot and a record in Redis, or on its way there. It must be run or put back. */
export interface TakenJob {
  readonly pool: Pool;
  readonly slot: Slot;
  readonly queue: string;
  readonly payload: Payload;
  readonly takenAt: Date;
  /** At-least-once: it stays on the list of held jobs until its outcome is written. */
  readonly isHeld: boolean;
  /** The step that took it, as in its record; `null` until it is on record. */
  takenIn: number | null;
  /** Others have accounted for it, because they took this runner for dead. How it ends is not recorded. */
  isDisowned?: boolean;
}

/** How a job ended, for Redis. */
export type Outcome =
  | { readonly kind: 'success' }
  | { readonly kind: 'failure'; readonly record: string }
  | { readonly kind: 'requeue' };

export function outcomeWrite(job: TakenJob, outcome: Outcome): OutcomeWrite {
  const { slot, queue, payload, isHeld, takenIn } = job;
  const held = isHeld ? { queue, payload: payload.bytes } : null;
  const about = { worker: slot.worker, held, takenIn, statusName: payload.statusName };
  if (outcome.kind !== 'requeue') return { ...about, ...outcome };
  return { ...about, kind: 'requeue', queue, payload: payload.bytes };
}

/** The write that records the job with its worker. */
export function beginWrite({ slot, queue, payload, takenAt }: TakenJob, step: number): BeginWrite {
  return {
    worker: slot.worker,
    record: workerRecord({ worker: slot.worker, queue, payload, runAt: takenAt, step }),
    payload: payload.isObject && payload.isVerbatim ? null : payload.bytes,
  };
}

/** Taken jobs that can't run and go back to their queues. */
export class RequeueBuffer {
  #jobs: TakenJob[] = [];

  push(job: TakenJob): void {
    this.#jobs.push(job);
  }

  /**
   * Jobs of pools that have no open reservations, last first: so they return to the heads of their queues in their original
   * order.
   */
  takeSettled(): TakenJob[] {
    const isSettled = ({ pool }: TakenJob) => pool.slots.every((slot) => slot.state !== 'reserved');
    const settled = this.#jobs.filter(isSettled);
    this.#jobs = this.#jobs.filter((job) => !isSettled(job));
    return settled.reverse();
  }
}

/** Jobs on the lists of held jobs that neither run, nor wait for their outcome to be written, nor are going back. */
export function unaccountedFor(
  held: readonly HeldJob[],
  running: Iterable<TakenJob>,
  outcomes: Iterable<OutcomeWrite>,
  returns: readonly ReturnWrite[],
): HeldJob[] {
  const rest = [...held];
  for (const { isHeld, queue, payload } of running) if (isHeld) takeOne(rest, queue, payload.bytes);
  for (const { held: job } of outcomes) if (job) takeOne(rest, job.queue, job.payload);
  for (const { isHeld, queue, payload } of returns) if (isHeld === true) takeOne(rest, queue, payload);
  return rest;
}

/** Takes one job like this out of a list. @returns whether there was one */
export function takeOne(jobs: HeldJob[], queue: string, payload: Buffer): boolean {
  const at = jobs.findIndex((job) => job.queue === queue && job.payload.equals(payload));
  if (at !== -1) jobs.splice(at, 1);
  return at !== -1;
}

/** Running jobs that are on none of these lists. */
export function missingFrom(held: readonly HeldJob[], running: Iterable<TakenJob>): TakenJob[] {
  const rest = [...held];
  return [...running].filter(({ queue, payload }) => !takeOne(rest, queue, payload.bytes));
}

import type { Payload } from '../resque/payload.ts';
import type { Runner, Slot } from './runner.ts';

/** A job that has a slot, is recorded in Redis (or on its way there), and must be run or put back. */
export interface TakenJob {
  readonly runner: Runner;
  readonly slot: Slot;
  readonly queue: string;
  readonly payload: Payload;
  readonly takenAt: Date;
  /** At-least-once: it is on the list of held jobs until its outcome is written. */
  readonly isHeld: boolean;
}

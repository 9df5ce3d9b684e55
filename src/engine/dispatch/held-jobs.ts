/** Jobs that lie on our lists of held ones, and which of them nobody has in hand. */
import type { HeldJob, OutcomeWrite, ReturnWrite } from '../../resque/steps/step.ts';
import type { TakenJob } from '../pools/taken-job.ts';

/** Takes away what runs, what has ended and is to be written, and what goes back already. */
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

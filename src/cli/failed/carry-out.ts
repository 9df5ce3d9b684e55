/** A change to the list on its way, with a bar, and what is said of it afterwards. */
import { type ChangeEnd, ChangeLog } from '../../engine/change-log.ts';
import type { Changing } from '../../engine/failure-changes.ts';
import { FailedList } from '../../resque/failed-list.ts';
import { visible } from '../../wording/visible.ts';
import type { Flags } from '../command-line/flags.ts';
import { exitCodes, OperatingError } from '../exit-codes.ts';
import { print, printJson } from '../output.ts';
import { Progress } from '../progress.ts';
import { withTarget } from '../redis-target.ts';
import { stoppable } from '../stoppable.ts';

export type Kind = 'retry' | 'remove';

export interface Outcome {
  readonly intent: Intent;
  readonly log: ChangeLog;
  /** `broken-off`: Redis could no longer be reached, or refused. */
  readonly end: ChangeEnd | 'broken-off';
  /** For people. */
  readonly message: string;
}

export interface Intent {
  readonly kind: Kind;
  /** How many it is about. */
  readonly matching: number;
  /** Of those, how many it will change. */
  readonly expected: number;
  /** The IDs of the entries; `null` where they were not named. */
  readonly named: readonly string[] | null;
}

export async function carryOut(
  intent: Intent,
  flags: Flags,
  work: (changing: Changing) => Promise<ChangeEnd>,
): Promise<Outcome> {
  const { kind, expected } = intent;
  const progress = new Progress(kind === 'retry' ? 'retrying' : 'removing', expected);
  const log: ChangeLog = new ChangeLog(kind, () => progress.update(log.tally.done));
  try {
    const end = await stoppable((isCancelled) =>
      withTarget(flags, (sender, { keys }) =>
        work({ failed: new FailedList(sender, keys), log, isCancelled }),
      ),
    );
    return { intent, log, end, message: messageOf(intent, log, end) };
  } catch (error) {
    if (!(error instanceof OperatingError)) throw error;
    // Of the step on its way nobody knows whether Redis has carried it out.
    const before = log.reply().message;
    return { intent, log, end: 'broken-off', message: `${error.message}; before that: ${before}` };
  } finally {
    progress.end();
  }
}

function messageOf({ named }: Intent, log: ChangeLog, end: ChangeEnd): string {
  return named?.length === 1 && end === 'whole'
    ? `${named[0]}: ${log.replyForOne().message}`
    : log.reply(end).message;
}

/** @returns the exit code. @throws OperatingError that says what wasn't done */
export async function report(outcome: Outcome, { json }: Flags): Promise<number> {
  const { intent, end, log, message } = outcome;
  const { gone, unretryable } = log.tally;
  // Where entries were named, each of them counts.
  const isDone = end === 'whole' && (intent.named === null || gone + unretryable === 0);
  if (json) await printJson(documentOf(outcome));
  else if (isDone) await print(`${visible(message)}\n`);
  if (isDone) return exitCodes.clean;
  if (end !== 'cancelled') throw new OperatingError(message);
  process.stderr.write(`resque-runner: ${visible(message)}\n`);
  return exitCodes.interrupted;
}

function documentOf({ intent: { kind, matching }, log, end, message }: Outcome) {
  const { done, gone, unretryable } = log.tally;
  return { action: kind, matching, done, gone, unretryable, end, message };
}

/** Whoever was asked said no. @throws OperatingError: what was wanted wasn't done */
export async function declined(kind: Kind, matching: number, { json }: Flags): Promise<never> {
  const message = 'nothing was changed';
  if (json) await printJson({ ...untouched(kind, matching), end: 'declined', message });
  throw new OperatingError(message);
}

/** @returns the exit code */
export async function nothingToDo(
  kind: Kind,
  message: string,
  matching: number,
  { json }: Flags,
): Promise<number> {
  if (json) await printJson({ ...untouched(kind, matching), end: 'whole', message });
  else await print(`${visible(message)}\n`);
  return exitCodes.clean;
}

function untouched(kind: Kind, matching: number) {
  return { action: kind, matching, done: 0, gone: 0, unretryable: 0 };
}

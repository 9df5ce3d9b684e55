/** Carries out a change to the list with a progress bar, and reports the result. */
import { type ChangeEnd, ChangeLog } from '../../failures/change-log.ts';
import type { Changing } from '../../failures/changes.ts';
import { grouped } from '../../messages/quantities.ts';
import { visible } from '../../messages/visible.ts';
import { type Change, FailedList } from '../../resque/failed/failed-list.ts';
import { RedisError } from '../../resque/redis/redis-error.ts';
import { exitCodes, OperatingError, untouched } from '../command-line/exit-codes.ts';
import type { Flags } from '../command-line/flags.ts';
import type { Io } from '../command-line/io.ts';
import { withTarget } from '../redis/target.ts';
import { print, printJson } from '../terminal/output.ts';
import { Progress } from '../terminal/progress.ts';
import { Stop } from '../terminal/stop.ts';
import { untimedWords } from './matching.ts';

export type Kind = Change['kind'];

export interface Found {
  /** Entries that the user named or that match. */
  readonly matching: number;
  /** Entries that stay because `--older-than` can't judge them. */
  readonly untimed: number;
}

export interface Intent extends Found {
  readonly kind: Kind;
  /** How many of those will be changed. */
  readonly expected: number;
  /** How many entries must be examined for that. */
  readonly within: number;
  /** The IDs of the entries; `null` if a filter or --all selected them. */
  readonly named: readonly string[] | null;
}

interface Outcome {
  readonly intent: Intent;
  readonly log: ChangeLog;
  /** `broken-off`: Redis was unreachable or returned an error. */
  readonly end: ChangeEnd | 'broken-off';
  /** For people. */
  readonly message: string;
}

/** @returns the exit code. @throws OperatingError if not everything was done */
export async function carryOut(
  io: Io,
  intent: Intent,
  flags: Flags,
  work: (changing: Changing) => Promise<ChangeEnd>,
): Promise<number> {
  const stop = new Stop(io);
  stop.listen();
  try {
    const outcome = await outcomeOf(io, intent, flags, stop, work);
    if (outcome.end !== 'cancelled') return await report(io, outcome, flags);
    if (flags.json) await printJson(io, documentOf(outcome));
    io.stderr.write(`resque-runner: ${visible(outcome.message)}\n`);
    return stop.exitCode;
  } finally {
    stop.end();
  }
}

async function outcomeOf(
  io: Io,
  intent: Intent,
  flags: Flags,
  stop: Stop,
  work: (changing: Changing) => Promise<ChangeEnd>,
): Promise<Outcome> {
  const { kind, expected, within } = intent;
  const log = new ChangeLog(kind, () => {});
  const said = () => `${grouped(log.tally.done)} of ${grouped(expected)}`;
  const progress = new Progress(io, kind === 'retry' ? 'retrying' : 'removing', within, said);
  const onStep = (left: number) => progress.update(within - left);
  const isCancelled = () => stop.signal.aborted;
  let hasBegun = false;
  try {
    const end = await withTarget(io, flags, (sender, { keys }) => {
      hasBegun = true;
      return work({ failed: new FailedList(sender, keys), log, isCancelled, onStep });
    });
    return { intent, log, end, message: messageOf(intent, log, end) };
  } catch (error) {
    if (!hasBegun || !(error instanceof OperatingError)) throw error;
    return { intent, log, end: 'broken-off', message: brokenOff(log, error) };
  } finally {
    progress.end();
  }
}

function messageOf({ named, untimed }: Intent, log: ChangeLog, end: ChangeEnd): string {
  if (named?.length === 1 && end === 'whole') return `${named[0]}: ${log.replyForOne().message}`;
  const { message } = log.reply(end);
  return untimed === 0 ? message : `${message}; ${untimedWords(untimed)}`;
}

function brokenOff(log: ChangeLog, error: OperatingError): string {
  const isLost = error.cause instanceof RedisError && error.cause.kind === 'away';
  const then = isLost ? 'the next step may have been carried out or not' : 'then Redis refused';
  return `${log.reply().message}; ${then}: ${error.message}`;
}

async function report(io: Io, outcome: Outcome, { json }: Flags): Promise<number> {
  const { intent, end, log, message } = outcome;
  const { gone, unretryable } = log.tally;
  // If the user named entries, each of them must succeed.
  const isDone = end === 'whole' && (intent.named === null || gone + unretryable === 0);
  if (json) await printJson(io, documentOf(outcome));
  else if (isDone) await print(io, `${visible(message)}\n`);
  if (!isDone) throw new OperatingError(message);
  return exitCodes.clean;
}

function documentOf({ intent: { kind, matching, untimed }, log, end, message }: Outcome) {
  const { done, gone, unretryable } = log.tally;
  return { action: kind, matching, untimed, done, gone, unretryable, end, message };
}

/** Reports that the user answered no or cancelled the question. */
export async function declined(io: Io, kind: Kind, found: Found, { json }: Flags): Promise<void> {
  if (json) await printJson(io, { ...nothingDone(kind, found), end: 'declined', message: untouched });
}

/** @returns the exit code */
export async function nothingToDo(
  io: Io,
  kind: Kind,
  message: string,
  found: Found,
  { json }: Flags,
): Promise<number> {
  if (json) await printJson(io, { ...nothingDone(kind, found), end: 'whole', message });
  else await print(io, `${visible(message)}\n`);
  return exitCodes.clean;
}

function nothingDone(kind: Kind, { matching, untimed }: Found) {
  return { action: kind, matching, untimed, done: 0, gone: 0, unretryable: 0 };
}

/** Changes delayed jobs in batches with a progress bar, and reports the result. */
import { grouped, plural } from '../../messages/quantities.ts';
import { visible } from '../../messages/visible.ts';
import { type DelayedChange, type DelayedJob, DelayedList } from '../../resque/delayed/delayed-list.ts';
import { RedisError } from '../../resque/redis/redis-error.ts';
import { exitCodes, OperatingError, untouched } from '../command-line/exit-codes.ts';
import type { Flags } from '../command-line/flags.ts';
import type { Io } from '../command-line/io.ts';
import { withTarget } from '../redis/target.ts';
import { print, printJson } from '../terminal/output.ts';
import { Progress } from '../terminal/progress.ts';
import { Stop } from '../terminal/stop.ts';

export type Kind = DelayedChange['kind'];

export interface Intent {
  readonly kind: Kind;
  /** Jobs that the user named or that match. */
  readonly matching: number;
  /** Whether the user named them by their IDs. Then each must succeed. */
  readonly isNamed: boolean;
}

type End = 'whole' | 'cancelled' | 'declined' | 'broken-off';

interface Tally {
  done: number;
  gone: number;
  undeliverable: number;
}

/** Applies the changes, and counts. */
export class Changes {
  readonly list: DelayedList;
  readonly #kind: Kind;
  readonly #tally: Tally;
  readonly #doneByTime = new Map<string, number>();
  readonly #onStep: () => void;
  readonly #isCancelled: () => boolean;

  constructor(list: DelayedList, kind: Kind, tally: Tally, onStep: () => void, isCancelled: () => boolean) {
    this.list = list;
    this.#kind = kind;
    this.#tally = tally;
    this.#onStep = onStep;
    this.#isCancelled = isCancelled;
  }

  /** @returns false if the user stopped it */
  async apply(jobs: readonly DelayedJob[]): Promise<boolean> {
    if (this.#isCancelled()) return false;
    const results = await this.list.change({ kind: this.#kind, jobs });
    for (const [at, result] of results.entries()) {
      this.#tally[result] += 1;
      const time = jobs[at]?.time ?? '';
      if (result === 'done') this.#doneByTime.set(time, this.doneAt(time) + 1);
    }
    this.#onStep();
    return !this.#isCancelled();
  }

  /** How many jobs of this time were changed. */
  doneAt(time: string): number {
    return this.#doneByTime.get(time) ?? 0;
  }
}

/** @returns the exit code. @throws OperatingError if not everything was done */
export async function carryOut(
  io: Io,
  intent: Intent,
  flags: Flags,
  work: (changes: Changes) => Promise<void>,
): Promise<number> {
  const { kind, matching } = intent;
  const tally: Tally = { done: 0, gone: 0, undeliverable: 0 };
  const stop = new Stop(io);
  const progress = new Progress(io, kind === 'run' ? 'moving' : 'removing', matching);
  const handled = () => tally.done + tally.gone + tally.undeliverable;
  let hasBegun = false;
  let broken: OperatingError | null = null;
  stop.listen();
  try {
    await withTarget(io, flags, async (sender, { keys }) => {
      hasBegun = true;
      const list = new DelayedList(sender, keys);
      const onStep = () => progress.update(handled());
      await work(new Changes(list, kind, tally, onStep, () => stop.signal.aborted));
    });
  } catch (error) {
    if (!hasBegun || !(error instanceof OperatingError)) throw error;
    broken = error;
  } finally {
    progress.end();
    stop.end();
  }
  const isStopped = stop.signal.aborted && handled() < matching;
  const end: End = broken !== null ? 'broken-off' : isStopped ? 'cancelled' : 'whole';
  const message = messageOf(intent, tally, end, broken);
  if (flags.json) await printJson(io, { action: kind, matching, ...tally, end, message });
  if (end === 'cancelled') {
    io.stderr.write(`resque-runner: ${visible(message)}\n`);
    return stop.exitCode;
  }
  if (broken !== null || (intent.isNamed && tally.done < matching)) throw new OperatingError(message);
  if (!flags.json) await print(io, `${visible(message)}\n`);
  return exitCodes.clean;
}

function messageOf(
  { kind, matching }: Intent,
  tally: Tally,
  end: End,
  broken: OperatingError | null,
): string {
  const { done, gone, undeliverable } = tally;
  const did =
    kind === 'run'
      ? `moved ${plural(done, 'delayed job')} to ${done === 1 ? 'its queue' : 'their queues'}`
      : `removed ${plural(done, 'delayed job')}`;
  const parts = [
    did,
    ...(gone > 0 ? [`${grouped(gone)} ${gone === 1 ? 'was' : 'were'} gone`] : []),
    ...(undeliverable > 0
      ? [`${grouped(undeliverable)} can't be moved: no queue, or the queue's key is not a list`]
      : []),
    ...(end === 'cancelled' ? [`stopped; ${grouped(matching - done - gone - undeliverable)} left`] : []),
  ];
  if (broken !== null) {
    const isLost = broken.cause instanceof RedisError && broken.cause.kind === 'away';
    const then = isLost ? 'the next step may have been carried out or not' : 'then Redis refused';
    parts.push(`${then}: ${broken.message}`);
  }
  return parts.join('; ');
}

/** Reports that the user answered no or cancelled the question. */
export async function reportDeclined(io: Io, { kind, matching }: Intent, { json }: Flags): Promise<void> {
  if (json) await printJson(io, nothingDone(kind, matching, 'declined', untouched));
}

/** @returns the exit code */
export async function nothingToDo(
  io: Io,
  { kind, matching }: Intent,
  message: string,
  { json }: Flags,
): Promise<number> {
  if (json) await printJson(io, nothingDone(kind, matching, 'whole', message));
  else await print(io, `${visible(message)}\n`);
  return exitCodes.clean;
}

function nothingDone(kind: Kind, matching: number, end: End, message: string) {
  return { action: kind, matching, done: 0, gone: 0, undeliverable: 0, end, message };
}

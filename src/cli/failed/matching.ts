/** Filter flags that select failures, and how many failures match them. */
import { countFailures, type FailureCount } from '../../failures/search.ts';
import { grouped, plural } from '../../messages/quantities.ts';
import type { FailureFilter } from '../../protocol/commands.ts';
import { durationForms, durationMs } from '../../protocol/matching.ts';
import type { FailedList } from '../../resque/failed/failed-list.ts';
import { UsageError } from '../command-line/exit-codes.ts';
import { type Flags, optionOf } from '../command-line/flags.ts';
import { Progress, type ProgressIo } from '../terminal/progress.ts';

const filterFlags = ['queue', 'class', 'exception', 'exit', 'text', 'olderThan'] as const;

/** @throws UsageError */
export function filterOf({ queue, class: jobClass, exception, exit, text, olderThan }: Flags): FailureFilter {
  if (olderThan !== null && durationMs(olderThan) === null) {
    throw new UsageError(`--older-than must be ${durationForms}, got "${olderThan}"`);
  }
  return { queue, jobClass, exception, exit, text, olderThan };
}

/** The filter flags as the user typed them: `--queue`, `mail`, … */
export function filterWords(flags: Flags): string[] {
  return filterFlags.flatMap((name) => {
    const value = flags[name];
    return value === null ? [] : [optionOf(name), value];
  });
}

/** `3 of 5,000 failures match`, `1 of 5,000 failures matches` */
export function matchWords(matching: number, total: number): string {
  if (total === 1) return matching === 1 ? 'the only failure matches' : "the only failure doesn't match";
  const count = matching === 0 ? 'none' : grouped(matching);
  return `${count} of ${plural(total, 'failure')} ${matching < 2 ? 'matches' : 'match'}`;
}

/** About failures that `--older-than` left alone because their age is unknown; '' if there are none. */
export function untimedWords(untimed: number): string {
  if (untimed === 0) return '';
  return untimed === 1
    ? '1 failure without a readable time stays'
    : `${grouped(untimed)} failures without a readable time stay`;
}

/** Message for an empty list. */
export function emptyWords(place: string): string {
  return `no failures: ${place} is empty`;
}

/** Counts the failures that match, with a progress bar if it takes a while. */
export async function countWithBar(
  io: ProgressIo,
  list: FailedList,
  filter: FailureFilter,
): Promise<FailureCount> {
  const progress = new Progress(io, 'counting', null);
  try {
    return await countFailures(list, filter, (looked, all) => progress.update(looked, all));
  } finally {
    progress.end();
  }
}

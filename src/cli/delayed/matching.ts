/** Filter flags and IDs that select delayed jobs. */

import { grouped, plural } from '../../messages/quantities.ts';
import { visibleWithin } from '../../messages/visible.ts';
import { globMatcher } from '../../protocol/matching.ts';
import type { DelayedView } from '../../protocol/redis-views.ts';
import type { DelayedList, FoundJob } from '../../resque/delayed/delayed-list.ts';
import { UsageError } from '../command-line/exit-codes.ts';
import { type Flags, optionOf } from '../command-line/flags.ts';

const filterFlags = ['queue', 'class', 'args'] as const;

/** The filter flags as the user typed them: `--queue`, `mail`, … */
export function filterWords(flags: Flags): string[] {
  return filterFlags.flatMap((name) => {
    const value = flags[name];
    return value === null ? [] : [optionOf(name), value];
  });
}

/** Whether a job matches all filters, which ignore case. */
export function matcherOf({ queue, class: jobClass, args }: Flags): (view: DelayedView) => boolean {
  const isOfQueue = queue === null ? null : globMatcher(queue.toLowerCase());
  const contains = (text: string | null, part: string | null) =>
    part === null || (text ?? '').toLowerCase().includes(part.toLowerCase());
  return (view) =>
    (isOfQueue === null || isOfQueue((view.queue ?? '').toLowerCase())) &&
    contains(view.jobClass, jobClass) &&
    contains(view.args, args);
}

/** `3 of 5,000 delayed jobs match` */
export function matchWords(matching: number, total: number): string {
  if (total === 1)
    return matching === 1 ? 'the only delayed job matches' : "the only delayed job doesn't match";
  const count = matching === 0 ? 'none' : grouped(matching);
  return `${count} of ${plural(total, 'delayed job')} ${matching < 2 ? 'matches' : 'match'}`;
}

/** @throws UsageError if the ID is malformed or there is no such job, RedisError */
export async function findDelayed(list: DelayedList, id: string): Promise<FoundJob> {
  const [, time, digits] = /^(.{1,40})@([0-9a-f]{8})$/is.exec(id) ?? [];
  if (time === undefined || digits === undefined) {
    throw new UsageError(
      `"${visibleWithin(id, 60)}" is not the ID of a delayed job; use one that resque-runner delayed list shows, such as 1795533619@3fa9c1d2`,
    );
  }
  const found = await list.find(time, digits.toLowerCase());
  if (found === null) {
    throw new UsageError(`delayed job ${visibleWithin(id, 60)} not found: it was moved or deleted`);
  }
  return found;
}

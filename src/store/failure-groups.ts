/** Groups of failures: which ones a screen shows, and adding up the replies that count them. */
import {
  type Command,
  everyFailure,
  type FailureGroup,
  type FailureGroupNames,
} from '../protocol/commands.ts';
import type { GroupPages } from './app-store.ts';
import { parseFailureFilter } from './filter-language.ts';
import { queuePageOf, type View } from './view.ts';

type GroupCommand = Extract<Command, { type: 'group-failures' }>;
interface GroupRequest {
  readonly command: Pick<GroupCommand, 'filter' | 'byQueue'>;
  /** Only groups of this queue; `null`: all. A filter ignores case. */
  readonly queue: string | null;
}

/** More than a user would read. Names may be different in every failure. */
const mostGroups = 1_000;

/** Whether the failures tab shows groups, and no list. */
export function showsGroups({ grouping, group }: View['failures']): boolean {
  return grouping !== 'none' && group === null;
}

/** @returns `null` if this view has no groups */
export function groupRequest({ tab, opened, failures }: View): GroupRequest | null {
  const page = queuePageOf(opened);
  if (page !== null) {
    const { queue } = page;
    return { command: { filter: { ...everyFailure, queue }, byQueue: true }, queue };
  }
  if (opened !== null || tab !== 'failures' || !showsGroups(failures)) return null;
  const { filter, grouping } = failures;
  return { command: { filter: parseFailureFilter(filter), byQueue: grouping === 'queue' }, queue: null };
}

/** The same for groups with the same names. */
export function groupKey({ exception, jobClass, queue }: FailureGroupNames): string {
  return JSON.stringify(queue === undefined ? [exception, jobClass] : [exception, jobClass, queue]);
}

/** Adds groups of older failures. */
export function withGroups(
  known: Pick<GroupPages, 'groups' | 'others'>,
  more: readonly FailureGroup[],
): Pick<GroupPages, 'groups' | 'others'> {
  const all = new Map(known.groups.map((group) => [groupKey(group), group]));
  let { others } = known;
  for (const older of more) {
    const key = groupKey(older);
    const newer = all.get(key);
    if (newer !== undefined) all.set(key, sumOf(newer, older));
    else if (all.size < mostGroups) all.set(key, older);
    else others += older.count;
  }
  // Stable: equally large groups stay in the order of their newest failures.
  return { groups: [...all.values()].sort((a, b) => b.count - a.count), others };
}

function sumOf(newer: FailureGroup, older: FailureGroup): FailureGroup {
  return {
    ...newer,
    count: newer.count + older.count,
    retryable: newer.retryable + older.retryable,
    firstFailedAt: older.firstFailedAt ?? newer.firstFailedAt,
    lastFailedAt: newer.lastFailedAt ?? older.lastFailedAt,
  };
}

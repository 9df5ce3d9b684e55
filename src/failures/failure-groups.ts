/** Groups of failures with the same exception and class, and perhaps queue. */
import type { CommandData, FailureFilter, FailureGroup, FailureGroupNames } from '../protocol/commands.ts';
import type { FailedList } from '../resque/failed/failed-list.ts';
import type { FailureView } from '../resque/format/failure-record.ts';
import { cut } from '../resque/format/payload.ts';
import { failureMatcher, groupName } from './failure-matcher.ts';
import { pagesBefore, scanLimit, viewsOf } from './search.ts';

/** Characters of an example's error and args. */
const exampleLimit = 500;

type Groups = Extract<CommandData, { kind: 'failure-groups' }>;

/** Groups the newest matches below an index, of at most `scanLimit` entries. */
export async function groupFailures(
  list: FailedList,
  filter: FailureFilter,
  before: number | null,
  byQueue: boolean,
): Promise<Groups> {
  const matches = failureMatcher(filter, Date.now());
  const groups = new Map<string, FailureGroup>();
  let total = 0;
  let looked = 0;
  for await (const page of pagesBefore(list, before)) {
    total = page.total;
    for (const { view } of (await viewsOf(page)).toReversed()) {
      if (matches(view)) add(groups, view, byQueue);
    }
    looked += page.entries.length;
    const [oldest] = page.entries;
    if (looked < scanLimit || oldest === undefined || oldest.index === 0) continue;
    return { kind: 'failure-groups', total, looked, groups: [...groups.values()], next: oldest.index };
  }
  return { kind: 'failure-groups', total, looked, groups: [...groups.values()], next: null };
}

/** Entries come from newer to older. */
function add(groups: Map<string, FailureGroup>, view: FailureView, byQueue: boolean): void {
  const names = namesOf(view, byQueue);
  const key = JSON.stringify(names);
  const retryable = view.isRetryable && view.retriedAt === null ? 1 : 0;
  const failedAt = view.failedAt === null ? null : cut(view.failedAt, 100);
  const known = groups.get(key);
  groups.set(key, {
    ...names,
    count: (known?.count ?? 0) + 1,
    retryable: (known?.retryable ?? 0) + retryable,
    firstFailedAt: failedAt ?? known?.firstFailedAt ?? null,
    lastFailedAt: known?.lastFailedAt ?? failedAt,
    example: known?.example ?? {
      error: view.error === null ? null : cut(view.error, exampleLimit),
      args: cut(view.args, exampleLimit),
    },
  });
}

function namesOf({ exception, jobClass, queue }: FailureView, byQueue: boolean): FailureGroupNames {
  const names = { exception: groupName(exception), jobClass: groupName(jobClass) };
  return byQueue ? { ...names, queue: groupName(queue) } : names;
}

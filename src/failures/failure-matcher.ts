import type { FailureFilter } from '../protocol/commands.ts';
import { durationMs, globMatcher } from '../protocol/matching.ts';
import type { FailureView } from '../resque/format/failure-record.ts';
import { cut } from '../resque/format/payload.ts';
import { latestTimeOfText } from '../resque/format/timestamps.ts';

/** Characters of a name by which failures are grouped. A command has no longer texts. */
const groupNameLimit = 500;

/**
 * Whether an entry of the `failed` list matches a filter.
 *
 * @param nowMs what ages are counted from
 */
export function failureMatcher(filter: FailureFilter, nowMs: number): (view: FailureView) => boolean {
  const { queue, jobClass, exception, exit, text, olderThan = null, without = null, group = null } = filter;
  const tests: ((view: FailureView) => boolean)[] = [];
  if (queue !== null) {
    const glob = globMatcher(lower(queue));
    tests.push((view) => glob(lower(view.queue)));
  }
  if (jobClass !== null) tests.push(partOf(jobClass, (view) => [view.jobClass]));
  if (exception !== null) tests.push(partOf(exception, (view) => [view.exception]));
  if (exit !== null) tests.push(exitMatcher(lower(exit).trim()));
  if (text !== null) tests.push(partOf(text, textsOf));
  for (const each of without ?? []) {
    const isExcluded = partOf(each, textsOf);
    tests.push((view) => !isExcluded(view));
  }
  if (olderThan !== null) {
    const beforeMs = nowMs - (durationMs(olderThan) ?? Number.POSITIVE_INFINITY);
    tests.push(({ failedAt }) => (timeOf(failedAt) ?? Number.POSITIVE_INFINITY) < beforeMs);
  }
  if (group !== null) {
    tests.push(
      (view) =>
        groupName(view.exception) === group.exception &&
        groupName(view.jobClass) === group.jobClass &&
        (group.queue === undefined || groupName(view.queue) === group.queue),
    );
  }
  return (view) => tests.every((test) => test(view));
}

/** Whether an entry matches all of a filter but its age, which can't be told. */
export function untimedMatcher({ olderThan = null, ...rest }: FailureFilter): (view: FailureView) => boolean {
  if (olderThan === null) return () => false;
  const matches = failureMatcher(rest, 0);
  return (view) => timeOf(view.failedAt) === null && matches(view);
}

/** A name of a group. Very long ones that begin alike are the same. */
export function groupName(name: string | null): string | null {
  return name === null ? null : cut(name, groupNameLimit);
}

function timeOf(failedAt: string | null): number | null {
  return failedAt === null ? null : latestTimeOfText(failedAt);
}

/** Where a text is looked for. */
function textsOf({ jobClass, args, exception, error, queue, worker }: FailureView): (string | null)[] {
  return [jobClass, args, exception, error, queue, worker];
}

function partOf(
  part: string,
  wholes: (view: FailureView) => readonly (string | null)[],
): (view: FailureView) => boolean {
  const wanted = lower(part);
  return (view) => wholes(view).some((whole) => whole !== null && lower(whole).includes(wanted));
}

/** `1`, `KILL` or `SIGKILL`. */
function exitMatcher(wanted: string): (view: FailureView) => boolean {
  const signal = wanted.startsWith('sig') ? wanted : `sig${wanted}`;
  return (view) =>
    view.signal === null
      ? `${view.exitCode ?? ''}` === wanted && wanted !== ''
      : lower(view.signal) === signal;
}

function lower(text: string | null): string {
  return (text ?? '').toLowerCase();
}

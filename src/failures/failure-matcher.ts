import type { FailureFilter } from '../protocol/commands.ts';
import type { FailureView } from '../resque/format/failure-record.ts';

/** Whether an entry of the `failed` list matches a filter. */
export function failureMatcher(filter: FailureFilter): (view: FailureView) => boolean {
  const { queue, jobClass, exception, exit, text } = filter;
  const tests: ((view: FailureView) => boolean)[] = [];
  if (queue !== null) {
    const glob = globMatcher(lower(queue));
    tests.push((view) => glob(lower(view.queue)));
  }
  if (jobClass !== null) tests.push(partOf(jobClass, (view) => [view.jobClass]));
  if (exception !== null) tests.push(partOf(exception, (view) => [view.exception]));
  if (exit !== null) tests.push(exitMatcher(lower(exit).trim()));
  if (text !== null) {
    tests.push(
      partOf(text, ({ jobClass: name, argsText, exception: kind, error, queue: place, worker }) => [
        ...[name, argsText, kind, error],
        ...[place, worker],
      ]),
    );
  }
  return (view) => tests.every((test) => test(view));
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

/** `*` matches anything. Takes time proportional to the text, because patterns may be hostile. */
export function globMatcher(glob: string): (text: string) => boolean {
  const [start = '', ...rest] = glob.split('*');
  const end = rest.pop();
  if (end === undefined) return (text) => text === glob;
  return (text) => {
    if (!text.startsWith(start) || !text.endsWith(end)) return false;
    let at = start.length;
    for (const part of rest) {
      const found = text.indexOf(part, at);
      if (found === -1) return false;
      at = found + part.length;
    }
    return at <= text.length - end.length;
  };
}

function lower(text: string | null): string {
  return (text ?? '').toLowerCase();
}

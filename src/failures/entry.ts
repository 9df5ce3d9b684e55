import type { FailureEntry } from '../protocol/commands.ts';
import type { ListedRecord } from '../resque/failed/failed-page.ts';
import type { FailureView } from '../resque/format/failure-record.ts';
import { cut } from '../resque/format/payload.ts';

/** Characters of a text. Ours are no longer; a record of somebody else's may hold megabytes. */
const textLimit = 64 * 1024;

/** One entry for people: its texts cut, its bytes exact. */
export function failureEntry({ index, record }: ListedRecord, view: FailureView): FailureEntry {
  const { isReadable, exitCode } = view;
  return {
    index,
    recordBase64: record.toString('base64'),
    failedAt: short(view.failedAt),
    retriedAt: short(view.retriedAt),
    queue: short(view.queue),
    worker: short(view.worker),
    jobClass: short(view.jobClass),
    args: cut(view.argsText, textLimit),
    exception: short(view.exception),
    error: short(view.error),
    backtrace: shortLines(view.backtrace),
    stderr: short(view.stderr),
    stdout: short(view.stdout),
    exitCode,
    signal: short(view.signal),
    isReadable,
  };
}

function short(text: string | null): string | null {
  return text === null ? null : cut(text, textLimit);
}

/** The first lines, as far as they fit together. */
function shortLines(lines: readonly string[]): string[] {
  const shown: string[] = [];
  let left = textLimit;
  for (const line of lines) {
    if (left <= 0) {
      shown.push('…');
      break;
    }
    shown.push(cut(line, left));
    // An empty line has its price, too.
    left -= line.length + 1;
  }
  return shown;
}

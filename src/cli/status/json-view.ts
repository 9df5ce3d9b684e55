/** A document a line, for programs. */
import { print } from '../terminal/output.ts';
import type { AwayDocument, StatusDocument } from './document.ts';
import { onSignalToEnd } from './end-signals.ts';
import type { WatchView } from './watch-view.ts';

export function jsonView(): WatchView {
  const { ended, end } = onSignalToEnd();
  const printLine = async (document: StatusDocument | AwayDocument) => {
    if (!(await print(`${JSON.stringify(document)}\n`))) end();
  };
  return { show: printLine, showAway: printLine, ended, close: () => {} };
}

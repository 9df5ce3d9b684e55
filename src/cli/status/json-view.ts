/** A document a line, for programs. */
import type { Io } from '../command-line/io.ts';
import { print } from '../terminal/output.ts';
import type { AwayDocument, StatusDocument } from './document.ts';
import { onSignalToEnd } from './end-signals.ts';
import type { WatchView } from './watch-view.ts';

export function jsonView(io: Io): WatchView {
  const { ended, end } = onSignalToEnd(io);
  const printLine = async (document: StatusDocument | AwayDocument) => {
    if (!(await print(io, `${JSON.stringify(document)}\n`))) end();
  };
  return { show: printLine, showAway: printLine, ended, close: () => {} };
}

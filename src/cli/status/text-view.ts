/** Looks one after the other, where there is no terminal to redraw: each behind a line with its time. */
import { clock } from '../../messages/quantities.ts';
import type { Io } from '../command-line/io.ts';
import { print } from '../terminal/output.ts';
import { awayText } from './away-text.ts';
import type { AwayDocument, StatusDocument } from './document.ts';
import { onSignalToEnd } from './end-signals.ts';
import { linePainter, outputWidth } from './output-line.ts';
import { statusLines } from './text.ts';
import type { WatchView } from './watch-view.ts';

export function textView(io: Io): WatchView {
  const { ended, end } = onSignalToEnd(io);
  let isAway = false;
  const printLines = async (lines: readonly string[]) => {
    if (!(await print(io, `${lines.join('\n')}\n`))) end();
  };
  return {
    async show(document: StatusDocument) {
      isAway = false;
      const lines = statusLines(document, { width: outputWidth(io), height: null, paint: linePainter(io) });
      await printLines([separator(document.at), ...lines, '']);
    },
    async showAway(away: AwayDocument) {
      // Once for each outage: nothing is new until it is over.
      if (isAway) return;
      isAway = true;
      await printLines([separator(away.at), awayText(away), '']);
    },
    ended,
    close: () => {},
  };
}

function separator(at: string): string {
  return `--- ${clock(Date.parse(at))} ---`;
}

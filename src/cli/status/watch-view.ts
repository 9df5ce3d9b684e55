import { clock } from '../../messages/quantities.ts';
import type { Io } from '../command-line/io.ts';
import { print } from '../terminal/output.ts';
import { linePainter, outputWidth } from '../terminal/table.ts';
import type { AwayDocument, StatusDocument } from './document.ts';
import { awayText, statusLines } from './page.ts';

/** Shows each status. The promises resolve when it can take the next one. */
export interface WatchView {
  show(document: StatusDocument): Promise<void>;
  showAway(away: AwayDocument): Promise<void>;
  /** Resolves when the user ends the watch by a key or a signal, or when the reader closes STDOUT. */
  readonly ended: Promise<void>;
  /** Restores the terminal if the view took it over. */
  close(): void;
}

/** These signals end a watch. That is not a failure: the exit code is 0. */
const endSignals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

interface End {
  /** Resolves after a signal or a call of `end`. */
  readonly ended: Promise<void>;
  readonly end: () => void;
}

function onSignalToEnd({ process }: Pick<Io, 'process'>): End {
  let end: () => void = () => {};
  const ended = new Promise<void>((resolve) => {
    end = resolve;
  });
  for (const signal of endSignals) process.on(signal, end);
  return { ended, end };
}

/** One JSON document per line, for programs. */
export function jsonView(io: Io): WatchView {
  const { ended, end } = onSignalToEnd(io);
  const printLine = async (document: StatusDocument | AwayDocument) => {
    if (!(await print(io, `${JSON.stringify(document)}\n`))) end();
  };
  return { show: printLine, showAway: printLine, ended, close: () => {} };
}

/** Without a terminal: one status after another, each below a line with its time. */
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
      // Once per outage.
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

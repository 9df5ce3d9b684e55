import { clock } from '../../messages/quantities.ts';
import type { Io } from '../command-line/io.ts';
import { print } from '../terminal/output.ts';
import { linePainter, outputWidth } from '../terminal/table.ts';
import type { AwayDocument, StatusDocument } from './document.ts';
import { awayText, statusLines } from './text.ts';

/** Where looks go. Each returns once more can be taken. */
export interface WatchView {
  show(document: StatusDocument): Promise<void>;
  showAway(away: AwayDocument): Promise<void>;
  /** Nobody looks any more: a key, a signal, a reader that went away. */
  readonly ended: Promise<void>;
  /** Gives back the terminal, if it has it. */
  close(): void;
}

/** Ctrl-C and its like end a watch, which is no failure: whoever watches has seen enough. */
const endSignals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

interface End {
  /** By a signal, or by `end`. */
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

/** A document a line, for programs. */

export function jsonView(io: Io): WatchView {
  const { ended, end } = onSignalToEnd(io);
  const printLine = async (document: StatusDocument | AwayDocument) => {
    if (!(await print(io, `${JSON.stringify(document)}\n`))) end();
  };
  return { show: printLine, showAway: printLine, ended, close: () => {} };
}

/** Looks one after the other, where there is no terminal to redraw: each behind a line with its time. */

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

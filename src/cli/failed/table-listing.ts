/** A list of failures as a table that fits the width of the terminal. */
import { visibleWithin } from '../../messages/visible.ts';
import type { FailureEntry } from '../../protocol/commands.ts';
import { type Line, span } from '../../ui/text/line.ts';
import type { Io } from '../command-line/io.ts';
import { print } from '../terminal/output.ts';
import {
  type Cell,
  type Column,
  good,
  linePainter,
  outputWidth,
  type Table,
  table,
} from '../terminal/table.ts';
import { idOf, type Listing, unreadableText } from './plain-listing.ts';

/** Characters per cell: more than any terminal has columns. */
const longestCell = 1_000;
/** For a terminal that reports no width. */
const columnsUnknown = 80;
const utc = ' UTC';
const failed = { color: 'red' } as const;

export function tableListing(io: Io): Listing {
  const paint = linePainter(io);
  const printLines = (lines: readonly Line[]) =>
    print(io, lines.map((line) => `${paint(line).trimEnd()}\n`).join(''));
  let layout: Table<FailureEntry> | null = null;
  return {
    add(entries) {
      if (layout !== null) return printLines(entries.map(layout.line));
      // The first batch sets the column widths, so a long list needn't be in memory.
      layout = table(entries, columnsFor(entries), outputWidth(io) ?? columnsUnknown);
      return printLines([layout.head, ...entries.map(layout.line)]);
    },
    end: () => Promise.resolve(true),
  };
}

function columnsFor(entries: readonly FailureEntry[]): Column<FailureEntry>[] {
  // If all times are UTC, only the heading says so.
  const isUtc = entries.every(({ failedAt }) => failedAt === null || failedAt.endsWith(utc));
  const time = (failedAt: string | null) =>
    isUtc && failedAt?.endsWith(utc) ? failedAt.slice(0, -utc.length) : failedAt;
  return [
    { title: 'ID', cell: (entry) => ({ text: idOf(entry) }) },
    {
      title: isUtc ? 'FAILED AT, UTC' : 'FAILED AT',
      least: 19,
      cell: ({ failedAt }) => ({ text: shown(time(failedAt)) }),
    },
    { title: 'QUEUE', least: 6, cell: ({ queue }) => ({ text: shown(queue) }) },
    { title: 'JOB', least: 10, cell: (entry) => ({ text: jobText(entry) }) },
    { title: 'ERROR (↺ retried)', least: 17, cell: errorCell },
  ];
}

function jobText({ jobClass, args }: FailureEntry): string {
  return jobClass === null && args === '' ? '-' : `${shown(jobClass)} ${args.slice(0, longestCell)}`;
}

function errorCell(entry: FailureEntry): Cell {
  const text = visibleWithin(
    entry.isReadable ? errorText(entry) : unreadableText(entry, longestCell),
    longestCell,
  );
  return entry.retriedAt === null ? { text, style: failed } : { text, mark: span('↺ ', good) };
}

function errorText({ exception, error }: FailureEntry): string {
  const first = (error ?? '').trimStart().split('\n', 1)[0] ?? '';
  return [exception, first].filter((part) => part !== null && part !== '').join(': ') || '-';
}

function shown(text: string | null): string {
  return text === null ? '-' : visibleWithin(text, longestCell);
}

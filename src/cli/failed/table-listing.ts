/** A list of failures as a table as wide as the terminal. */
import { styleText } from 'node:util';
import { visibleWithin } from '../../messages/visible.ts';
import type { FailureEntry } from '../../protocol/commands.ts';
import { columns } from '../../ui/text/columns.ts';
import { cut, fit } from '../../ui/text/fit.ts';
import type { Io } from '../command-line/io.ts';
import { print, wantsColors } from '../terminal/output.ts';
import { idOf, type Listing, unreadableText } from './listing.ts';

/** Characters of a cell: more than any terminal has columns. */
const longestCell = 1_000;
/** Columns: `2026/03/04 05:06:07 UTC`; the names of other clocks are as long. */
const longestTime = 23;
/** Columns for queue, job and error. A terminal that has fewer wraps the lines. */
const leastRoom = 30;
/** For a terminal that says it had none. */
const columnsUnknown = 80;
const gap = '  ';

export function tableListing(io: Io): Listing {
  const hasColors = wantsColors(io.stdout, io.env);
  const paint: Paint = (color, text) =>
    hasColors ? styleText(color, text, { validateStream: false }) : text;
  let table: Table | null = null;
  return {
    add(entries) {
      const isFirst = table === null;
      // The first batch decides, so that a long list needn't be held.
      table ??= tableFor(entries, io.stdout.columns || columnsUnknown);
      const { isUtc, layout } = table;
      const lines = entries.map((entry) => lineOf(cellsOf(entry, isUtc), layout, paint));
      if (isFirst) lines.unshift(paint('gray', lineOf(headings(isUtc), layout, plain)));
      return print(io, lines.map((line) => `${line}\n`).join(''));
    },
    end: () => Promise.resolve(true),
  };
}

type Paint = (color: 'gray' | 'red' | 'green', text: string) => string;

const plain: Paint = (_, text) => text;

interface Table {
  /** Whether all times are UTC, so that the heading can say it for all. */
  readonly isUtc: boolean;
  /** Columns of the terminal. */
  readonly layout: Layout;
}

type Layout = Readonly<Record<'id' | 'failedAt' | 'queue' | 'job' | 'error', number>>;

interface Cells {
  readonly id: string;
  readonly failedAt: string;
  readonly queue: string;
  readonly job: string;
  readonly isRetried: boolean;
  readonly error: string;
}

const retried = '↺ ';
const utc = ' UTC';

function headings(isUtc: boolean): Cells {
  return {
    id: 'ID',
    failedAt: isUtc ? 'FAILED AT, UTC' : 'FAILED AT',
    queue: 'QUEUE',
    job: 'JOB',
    isRetried: false,
    error: 'ERROR (↺ retried)',
  };
}

function cellsOf(entry: FailureEntry, isUtc: boolean): Cells {
  const { failedAt, retriedAt, queue, jobClass, args } = entry;
  return {
    id: idOf(entry),
    failedAt: shown(isUtc && failedAt?.endsWith(utc) ? failedAt.slice(0, -utc.length) : failedAt),
    queue: shown(queue),
    job: jobClass === null && args === '' ? '-' : `${shown(jobClass)} ${visibleWithin(args, longestCell)}`,
    isRetried: retriedAt !== null,
    error: visibleWithin(
      entry.isReadable ? errorText(entry) : unreadableText(entry, longestCell),
      longestCell,
    ),
  };
}

function shown(text: string | null): string {
  return text === null ? '-' : visibleWithin(text, longestCell);
}

function errorText({ exception, error }: FailureEntry): string {
  const first = (error ?? '').trimStart().split('\n', 1)[0] ?? '';
  return [exception, first].filter((part) => part !== null && part !== '').join(': ') || '-';
}

function tableFor(entries: readonly FailureEntry[], screenColumns: number): Table {
  const isUtc = entries.every(({ failedAt }) => failedAt === null || failedAt.endsWith(utc));
  const rows = [headings(isUtc), ...entries.map((entry) => cellsOf(entry, isUtc))];
  const widest = (of: (row: Cells) => string) =>
    rows.reduce((width, row) => Math.max(width, columns(of(row))), 0);
  const wanted = {
    id: widest(({ id }) => id),
    failedAt: widest(({ failedAt }) => failedAt),
    queue: widest(({ queue }) => queue),
    job: widest(({ job }) => job),
    error: widest(({ isRetried, error }) => (isRetried ? retried + error : error)),
  };
  return { isUtc, layout: layoutFor(wanted, screenColumns) };
}

/** Queue and job get no more than their share, as far as the error needs the rest. */
function layoutFor(wanted: Layout, screenColumns: number): Layout {
  const { id } = wanted;
  const failedAt = Math.min(longestTime, wanted.failedAt);
  const room = Math.max(leastRoom, screenColumns - id - failedAt - 4 * gap.length);
  const queue = Math.min(wanted.queue, Math.floor(room / 5));
  const job = Math.min(wanted.job, Math.max(Math.floor(room / 3), room - queue - wanted.error));
  return { id, failedAt, queue, job, error: room - queue - job };
}

function lineOf(row: Cells, layout: Layout, paint: Paint): string {
  const mark = row.isRetried ? cut(retried, layout.error) : '';
  const error = cut(row.error, layout.error - columns(mark));
  return [
    fit(row.id, layout.id),
    fit(row.failedAt, layout.failedAt),
    fit(row.queue, layout.queue),
    fit(row.job, layout.job),
    (mark === '' ? '' : paint('green', mark)) + (row.isRetried ? error : paint('red', error)),
  ]
    .join(gap)
    .trimEnd();
}

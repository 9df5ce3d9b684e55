/** The `failed` list as a table, for the queues screen and the failures screen. */
import type { FailureEntry } from '../../protocol/commands.ts';
import { selected } from '../layout/framed.ts';
import { cell, clickableRow, type Line, lineOf, restyled, span, type ViewChange } from '../text/line.ts';
import { exitCell, timeCell } from './words.ts';

export interface FailureRowsProps {
  readonly entries: readonly FailureEntry[];
  readonly width: number;
  /** Index of the first visible entry, and the index after the last one. */
  readonly from: number;
  readonly to: number;
  /** Index of the entry under the cursor; -1 if there is none. */
  readonly cursor: number;
  readonly isMarked: (index: number) => boolean;
  readonly nowMs: number;
  /** Moves the cursor to the entry at this index. */
  readonly select: (index: number) => ViewChange;
}

const timeColumns = 9;
const exitColumns = 6;

export function failureHeading(width: number): Line {
  const { queue, jobClass } = columnsFor(width);
  const style = { dim: true };
  return lineOf(width, [
    cell('', 4),
    cell('TIME', timeColumns, style),
    cell('QUEUE', queue, style),
    cell('CLASS', jobClass, style),
    cell('EXIT', exitColumns, style),
    span('ERROR', style),
  ]);
}

export function failureRows(props: FailureRowsProps): Line[] {
  const { entries, width, from, to, cursor, isMarked, nowMs, select } = props;
  const { queue, jobClass } = columnsFor(width);
  return entries.slice(from, to).map((entry, at) => {
    const index = from + at;
    const isSelected = index === cursor;
    const line = lineOf(width, [
      span(isSelected ? '▸ ' : '  '),
      span(isMarked(index) ? '● ' : '  ', { color: 'yellow' }),
      cell(failedAtCell(entry.failedAt, nowMs), timeColumns, { dim: !isSelected }),
      cell(entry.queue ?? '-', queue - 1),
      span(' '),
      cell(entry.jobClass ?? '-', jobClass - 1, { bold: true }),
      span(' '),
      cell(exitCell(entry), exitColumns, { color: 'red' }),
      ...(entry.retriedAt === null ? [] : [span('↺ retried ', { color: 'green' })]),
      span(errorText(entry)),
    ]);
    return clickableRow(isSelected ? restyled(line, selected) : line, isSelected, select(index));
  });
}

function columnsFor(width: number): { queue: number; jobClass: number } {
  return width >= 90 ? { queue: 16, jobClass: 18 } : { queue: 11, jobClass: 13 };
}

function errorText({ exception, error, isReadable }: FailureEntry): string {
  if (!isReadable) return 'not a JSON object; it can only be deleted';
  const first = (error ?? '').trimStart().split('\n', 1)[0] ?? '';
  return exception === null ? first : `${exception}: ${first}`;
}

/** Any client can write these records, so an invalid time is shown as it is. */
export function failedAtCell(failedAt: string | null, nowMs: number): string {
  if (failedAt === null) return '-';
  const atMs = Date.parse(failedAt);
  return Number.isNaN(atMs) ? failedAt : timeCell(atMs, nowMs);
}

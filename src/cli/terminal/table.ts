/**
 * Tables for terminals. Each column is as wide as its widest cell. If the table is too wide, it drops optional columns, the
 * last one first. Then it narrows the columns that may be cut, the widest first.
 */
import { visible } from '../../messages/visible.ts';
import { columns as columnsOf } from '../../ui/text/columns.ts';
import { cut, cutStart, fit } from '../../ui/text/fit.ts';
import {
  hasColors,
  type Line,
  lineOf,
  plainText,
  render,
  type Span,
  type Style,
  span,
} from '../../ui/text/line.ts';
import type { Io } from '../command-line/io.ts';

/** Colors and weights never carry information that the text doesn't have. */
export const alarm: Style = { color: 'red', bold: true };
export const warning: Style = { color: 'yellow' };
export const good: Style = { color: 'green' };
export const bold: Style = { bold: true };
export const faint: Style = { dim: true };

export interface Cell {
  /** Any text; control characters are escaped. */
  readonly text: string;
  readonly style?: Style;
  /** Precedes the text, in its own style. */
  readonly mark?: Span;
}

export interface Column<Row> {
  readonly title: string;
  readonly align?: 'left' | 'right';
  /** The column may be cut down to this width. */
  readonly least?: number;
  /** Which end of a cut text remains; the start by default. */
  readonly keeps?: 'end';
  /** Has only one space to the next column. */
  readonly isMark?: boolean;
  /** May be dropped if there isn't enough room. */
  readonly isOptional?: boolean;
  readonly cell: (row: Row) => Cell;
}

export interface Table<Row> {
  readonly head: Line;
  readonly line: (row: Row) => Line;
}

const gapColumns = 2;
const markGapColumns = 1;

/**
 * @param rows determine the column widths; wider cells of later rows are cut
 * @param width in columns of the terminal; `null` for no limit
 */
export function table<Row>(
  rows: readonly Row[],
  all: readonly Column<Row>[],
  width: number | null,
): Table<Row> {
  const measured = all.map((column) => ({
    column,
    // Not with spread: a call can't take that many arguments.
    width: rows.reduce((most, row) => Math.max(most, widthOf(column.cell(row))), columnsOf(column.title)),
  }));
  const fitted = width === null ? measured : fitWithin(measured, width);
  const last = fitted.length - 1;
  const lineFrom = (cellOf: (column: Column<Row>) => Cell): Line =>
    fitted.flatMap((each, at) => {
      const cell = cellSpans(cellOf(each.column), each, at === last);
      return at === last ? cell : [...cell, span(' '.repeat(gapAfter(each)))];
    });
  return {
    head: lineFrom(({ title }) => ({ text: title, style: faint })),
    line: (row) => lineFrom(({ cell }) => cell(row)),
  };
}

function cellSpans<Row>(cell: Cell, { column, width }: Measured<Row>, isLast: boolean): Line {
  const mark = cell.mark === undefined ? [] : [span(cut(cell.mark.text, width), cell.mark.style)];
  const own = width - mark.reduce((sum, { text }) => sum + columnsOf(text), 0);
  const text = visible(cell.text);
  const shown = column.keeps === 'end' ? cutStart(text, own) : cut(text, own);
  // The last column needs no blanks after it.
  const needsNoFill = isLast && column.align !== 'right';
  return [...mark, span(needsNoFill ? shown : fit(shown, own, column.align ?? 'left'), cell.style ?? {})];
}

function widthOf({ text, mark }: Cell): number {
  return columnsOf(visible(text)) + (mark === undefined ? 0 : columnsOf(mark.text));
}

/** Cuts a line that is too long. */
export function cutLine(line: Line, width: number | null): Line {
  return width === null ? line : lineOf(width, line);
}

interface Measured<Row> {
  readonly column: Column<Row>;
  readonly width: number;
}

function fitWithin<Row>(all: readonly Measured<Row>[], width: number): Measured<Row>[] {
  let kept = [...all];
  for (;;) {
    const least = kept.reduce((sum, each) => sum + leastOf(each), gapsOf(kept));
    const dispensable = kept.findLastIndex(({ column }) => column.isOptional === true);
    if (least <= width || dispensable === -1) break;
    kept = kept.filter((_, at) => at !== dispensable);
  }
  const widths = kept.map((each) => each.width);
  let tooMany = widths.reduce((sum, own) => sum + own, gapsOf(kept)) - width;
  for (; tooMany > 0; tooMany -= 1) {
    const at = widestOf(kept, widths);
    if (at === -1) break;
    widths[at] = (widths[at] ?? 0) - 1;
  }
  return kept.map((each, at) => ({ ...each, width: widths[at] ?? 0 }));
}

/** @returns -1 if no column can be narrower */
function widestOf<Row>(all: readonly Measured<Row>[], widths: readonly number[]): number {
  let widest = -1;
  for (const [at, each] of all.entries()) {
    const own = widths[at] ?? 0;
    if (own > leastOf(each) && own > (widths[widest] ?? 0)) widest = at;
  }
  return widest;
}

function leastOf<Row>({ column, width }: Measured<Row>): number {
  return Math.min(width, column.least ?? width);
}

function gapsOf<Row>(all: readonly Measured<Row>[]): number {
  return all.slice(0, -1).reduce((sum, each) => sum + gapAfter(each), 0);
}

function gapAfter<Row>({ column }: Measured<Row>): number {
  return column.isMark === true ? markGapColumns : gapColumns;
}

/** Columns of the terminal; `null` if STDOUT isn't a terminal, so nothing is cut. */
export function outputWidth({ stdout }: Io): number | null {
  const { isTTY, columns } = stdout;
  return isTTY === true && columns !== undefined && columns > 0 ? columns : null;
}

/** @returns a function that turns a line into text, with colors and weights if the terminal supports them */
export function linePainter({ stdout, env }: Io): (line: Line) => string {
  const isPlain = stdout.isTTY !== true || env.TERM === 'dumb';
  return (line) => (isPlain ? plainText(line) : render(line, hasColors(env)));
}

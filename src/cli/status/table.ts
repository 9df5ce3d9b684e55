/**
 * Tables of lines. Each column is as wide as what stands in it; where that is too much for the width, columns that
 * can do without are left out from the last, and then those that may be cut are made narrower, the widest first.
 */
import { visible } from '../../messages/visible.ts';
import { columns as columnsOf } from '../../ui/text/columns.ts';
import { cut, cutStart, fit } from '../../ui/text/fit.ts';
import { type Line, lineOf, type Span, type Style, span } from '../../ui/text/line.ts';
import { faint } from './styles.ts';

export interface Cell {
  /** Foreign text as it is. */
  readonly text: string;
  readonly style?: Style;
}

export interface Column<Row> {
  readonly title: string;
  readonly align?: 'left' | 'right';
  /** May be cut to so many columns. */
  readonly least?: number;
  /** What stays where it is cut: the start, unless this says so. */
  readonly keeps?: 'end';
  /** Belongs to the next one, and stands close to it. */
  readonly isMark?: boolean;
  /** May be left out. */
  readonly isOptional?: boolean;
  readonly cell: (row: Row) => Cell;
}

export interface Table {
  readonly head: Line;
  readonly rows: readonly Line[];
}

const gapColumns = 2;
const markGapColumns = 1;

/** @param width in columns of the terminal; `null`: whatever it takes */
export function table<Row>(rows: readonly Row[], all: readonly Column<Row>[], width: number | null): Table {
  const cells = all.map((column) => rows.map((row) => visibleCell(column.cell(row))));
  const measured = all.map((column, at) => ({
    column,
    cells: cells[at] ?? [],
    // Not by spreading: there may be more rows than a call takes arguments.
    width: (cells[at] ?? []).reduce(
      (most, { text }) => Math.max(most, columnsOf(text)),
      columnsOf(column.title),
    ),
  }));
  const fitted = width === null ? measured : fitWithin(measured, width);
  const lineFrom = (partOf: (at: number) => Span) =>
    fitted.flatMap((each, at) =>
      at === fitted.length - 1 ? [partOf(at)] : [partOf(at), span(' '.repeat(gapBehind(each)))],
    );
  const part = (text: string, style: Style, at: number): Span => {
    const { width: own = 0, column } = fitted[at] ?? {};
    // Nothing follows the last one that blanks would have to keep in its place.
    const isLast = at === fitted.length - 1 && column?.align !== 'right';
    const shown = column?.keeps === 'end' ? cutStart(text, own) : cut(text, own);
    return span(isLast ? shown : fit(shown, own, column?.align ?? 'left'), style);
  };
  return {
    head: lineFrom((at) => part(fitted[at]?.column.title ?? '', faint, at)),
    rows: rows.map((_, row) =>
      lineFrom((at) => {
        const { text = '', style = {} } = fitted[at]?.cells[row] ?? {};
        return part(text, style, at);
      }),
    ),
  };
}

/** A line that is cut where it is too long. */
export function cutLine(line: Line, width: number | null): Line {
  return width === null ? line : lineOf(width, line);
}

interface Measured<Row> {
  readonly column: Column<Row>;
  readonly cells: readonly Cell[];
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

/** @returns -1 where none can be made narrower */
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
  return all.slice(0, -1).reduce((sum, each) => sum + gapBehind(each), 0);
}

function gapBehind<Row>({ column }: Measured<Row>): number {
  return column.isMark === true ? markGapColumns : gapColumns;
}

function visibleCell({ text, style }: Cell): Cell {
  return { text: visible(text), ...(style === undefined ? {} : { style }) };
}

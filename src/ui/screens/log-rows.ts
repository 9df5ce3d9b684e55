/** The rows of one line of a log, with its time, its stream and the matches of a search. */
import { clock, plural } from '../../messages/quantities.ts';
import type { Needle } from '../../store/search.ts';
import type { LogView } from '../../store/view.ts';
import { logTimeColumns } from '../layout/layout.ts';
import type { SeenLine } from '../log/log-window.ts';
import { columns } from '../text/columns.ts';
import { cutStart } from '../text/fit.ts';
import { cell, type Line, lineOf, type Span, span } from '../text/line.ts';

export function logRows(
  { number, line, rows, rowsAbove }: SeenLine,
  { hasTimes, isWrapped, match }: LogView,
  needle: Needle,
  textColumns: number,
  width: number,
): Line[] {
  if (line.kind === 'mark') {
    return [lineOf(width, [span(' '), span(`── mark ${clock(line.atMs)} ──`, { color: 'cyan' })])];
  }
  if (line.kind === 'skipped') {
    const text = `── ${plural(line.skippedLines, 'line')} skipped ──`;
    return [lineOf(width, [span(' '), span(text, { color: 'yellow' })])];
  }
  const name = line.stream === 'stderr' ? span('err ', { color: 'yellow' }) : span('out ', { dim: true });
  return rows.map((text, at) => {
    const isFirst = rowsAbove + at === 0;
    const margin = span(number === match && at === 0 ? '▸' : ' ', { color: 'yellow' });
    const time = hasTimes ? [cell(isFirst ? clock(line.atMs) : '', logTimeColumns, { dim: true })] : [];
    const shown = isWrapped ? highlighted(text, needle) : inSight(text, needle, textColumns);
    return lineOf(width, [margin, ...time, isFirst ? name : span('    '), ...shown]);
  });
}

/** The text with its matches inverse. */
function highlighted(text: string, needle: Needle): Span[] {
  const spans: Span[] = [];
  let at = 0;
  for (const [start, end] of needle.rangesIn(text)) {
    spans.push(span(text.slice(at, start)), span(text.slice(start, end), { inverse: true }));
    at = end;
  }
  return [...spans, span(text.slice(at))];
}

/** The same. If the first match is beyond the right edge, the text far to the left of it is omitted. */
function inSight(text: string, needle: Needle, width: number): Span[] {
  const [first] = needle.rangesIn(text);
  if (first === undefined || columns(text.slice(0, first[1])) < width) return highlighted(text, needle);
  const before = cutStart(text.slice(0, first[0]), Math.floor(width / 2));
  return [span(before), ...highlighted(text.slice(first[0]), needle)];
}

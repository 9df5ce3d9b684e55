/** The rows of one line of a log, with its time, its stream, its styles and the matches of a search. */
import { clock, plural } from '../../messages/quantities.ts';
import type { Needle } from '../../store/search.ts';
import type { LogView } from '../../store/view.ts';
import { logTimeColumns } from '../layout/layout.ts';
import type { SeenLine } from '../log/log-window.ts';
import { characters, columns, isSimple } from '../text/columns.ts';
import { cutStart } from '../text/fit.ts';
import { cell, type Line, lineOf, type Span, span } from '../text/line.ts';
import { type Shown, styledSpans } from '../text/styled-text.ts';

export function logRows(
  { number, line, rows, rowsAbove, from }: SeenLine,
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
  const matches = needle.rangesIn(line.text);
  let start = from;
  return rows.map((text, at) => {
    const isFirst = rowsAbove + at === 0;
    const margin = span(number === match && at === 0 ? '▸' : ' ', { color: 'yellow' });
    const time = hasTimes ? [cell(isFirst ? clock(line.atMs) : '', logTimeColumns, { dim: true })] : [];
    const shown = isWrapped
      ? styledSpans(line.text, line.styles, { from: start, to: start + text.length, matches })
      : inSight(line, matches, textColumns);
    start += text.length;
    return lineOf(width, [margin, ...time, isFirst ? name : span('    '), ...shown]);
  });
}

/** What fits. If the first match is beyond the right edge, the text far to the left of it is omitted. */
function inSight({ text, styles }: SeenLine['line'], matches: Shown['matches'], width: number): Span[] {
  const [first] = matches;
  if (first === undefined || columns(text.slice(0, first[1])) < width) {
    return styledSpans(text, styles, { from: 0, to: endOf(text, 0, width), matches });
  }
  const before = text.slice(0, first[0]);
  const seen = cutStart(before, Math.floor(width / 2));
  const isCut = seen !== before;
  const from = first[0] - (isCut ? seen.length - 1 : seen.length);
  const shown = styledSpans(text, styles, { from, to: endOf(text, from, width), matches });
  return isCut ? [span('…'), ...shown] : shown;
}

/** Where the first text ends that is wider than `width`, because a cut text must show that it is cut. */
function endOf(text: string, from: number, width: number): number {
  const rest = text.slice(from);
  if (isSimple(rest)) return Math.min(text.length, from + width + 1);
  let used = 0;
  let end = from;
  for (const character of characters(rest)) {
    if (used > width) break;
    used += character.width;
    end += character.text.length;
  }
  return end;
}

/** Parts of a detail: headings, and texts that are wrapped below them. Pure. */
import { type Line, lineOf, type Span, type Style, span, widthOf } from '../text/line.ts';
import { wrap } from '../text/wrap.ts';

/** More than a user would read. Wrapping a record of megabytes would block the screen. */
const longestTextUnits = 200_000;

export function heading(text: string, width: number): Line {
  return lineOf(width, [span(text, { dim: true })]);
}

/** Items with two blanks between them, each as a whole, on as many lines as they need. A longer item is wrapped. */
export function flowing(items: readonly (readonly Span[])[], width: number): Line[] {
  const lines: (readonly Span[])[] = [];
  let line: readonly Span[] = [];
  for (const item of items) {
    const longer = line.length === 0 ? item : [...line, span('  '), ...item];
    if (widthOf(longer) <= width) {
      line = longer;
      continue;
    }
    if (line.length > 0) lines.push(line);
    const pieces =
      widthOf(item) <= width
        ? [item]
        : item.flatMap(({ text, style }) => wrap(text, width).map((piece) => [span(piece, style)]));
    lines.push(...pieces.slice(0, -1));
    line = pieces.at(-1) ?? [];
  }
  return [...lines, line].map((spans) => lineOf(width, spans));
}

/** No line if there is nothing to read. */
export function bodyLines(text: string | null, width: number, style: Style = {}): Line[] {
  if (text === null || text.trim() === '') return [];
  const cut = text.length > longestTextUnits ? `${text.slice(0, longestTextUnits)}\n…` : text;
  return wrap(cut.trimEnd(), width - 2).map((line) => lineOf(width, [span('  '), span(line, style)]));
}

/** Parts of a detail: headings, and texts that are wrapped below them. Pure. */
import { type Line, lineOf, type Style, span } from '../text/line.ts';
import { wrap } from '../text/wrap.ts';

/** More than a user would read. Wrapping a record of megabytes would block the screen. */
const longestTextUnits = 200_000;

export function heading(text: string, width: number): Line {
  return lineOf(width, [span(text, { dim: true })]);
}

/** No line if there is nothing to read. */
export function bodyLines(text: string | null, width: number, style: Style = {}): Line[] {
  if (text === null || text.trim() === '') return [];
  const cut = text.length > longestTextUnits ? `${text.slice(0, longestTextUnits)}\n…` : text;
  return wrap(cut.trimEnd(), width - 2).map((line) => lineOf(width, [span('  '), span(line, style)]));
}

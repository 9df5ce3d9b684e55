/**
 * Lines as styled spans. A line is laid out here to exactly its columns, and `render` makes a string of it in
 * which the only escape sequences are our own for colours and weights: every span's text is `printable`. Each
 * line ends with its styles reset, so that lines can be painted in any order.
 *
 * Colours are the sixteen that the user's theme defines, on the default background, so that a screen is readable
 * on light and dark alike. A selection is inverse.
 */
import { columns } from './columns.ts';
import { type Align, cut, fit } from './fit.ts';
import { printable } from './printable.ts';

/** In the order of their SGR codes: 30 and up, then 90 and up. */
const colorNames = ['black', 'red', 'green', 'yellow', 'blue', 'magenta', 'cyan', 'white'] as const;

type PlainColor = (typeof colorNames)[number];
export type Color = PlainColor | `bright-${PlainColor}` | 'gray';

export interface Style {
  readonly color?: Color | undefined;
  readonly bold?: boolean | undefined;
  readonly dim?: boolean | undefined;
  readonly inverse?: boolean | undefined;
  readonly underline?: boolean | undefined;
}

export interface Span {
  /** Printable. Made by `span` and `cell` only. */
  readonly text: string;
  readonly width: number;
  readonly style: Style;
}

export type Line = readonly Span[];

/** Takes the columns that the others leave; several share them. */
export const gap: unique symbol = Symbol('gap');

export type Part = Span | typeof gap;

const plain: Style = {};

export function span(text: string, style: Style = plain): Span {
  const shown = printable(text);
  return { text: shown, width: columns(shown), style };
}

/** A span of exactly `width` columns. */
export function cell(text: string, width: number, style: Style = plain, align: Align = 'left'): Span {
  const shown = fit(text, width, align);
  return { text: shown, width: columns(shown), style };
}

/**
 * A line of exactly `width` columns.
 *
 * Without a gap the rest is blank. What is too wide is cut, and marked with `…`: first the parts before the last
 * gap, from their end; then those after it.
 *
 * @param base under the parts' own styles, and of all blanks: `{ inverse: true }` for a selected row
 */
export function lineOf(width: number, parts: readonly Part[], base: Style = plain): Line {
  const limit = Math.max(0, Math.floor(width));
  const lastGap = parts.lastIndexOf(gap);
  const ends = cutTo(parts.slice(lastGap + 1), limit);
  // A blank before what stands at the right, as long as there is room for anything else.
  const forEnds = widthOf(ends) === 0 ? 0 : widthOf(ends) + 1;
  const starts = cutTo(parts.slice(0, Math.max(0, lastGap)), Math.max(0, limit - forEnds));
  const all: readonly Part[] = lastGap === -1 ? [...ends, gap] : [...starts, gap, ...ends];
  return filled(all, limit - widthOf(all), base);
}

export function widthOf(parts: readonly Part[]): number {
  return parts.reduce((sum, part) => sum + (part === gap ? 0 : part.width), 0);
}

/** A style laid over all spans of a line, as when its row is selected. */
export function restyled(line: Line, style: Style): Line {
  return line.map((each) => ({ ...each, style: { ...each.style, ...style } }));
}

export function plainText(line: Line): string {
  return line.map(({ text }) => text).join('');
}

/**
 * Whether the terminal gets colours: the sixteen ANSI ones or none, since more than those can't follow the user's
 * theme. Bold, dim, underlined and inverse text stays either way, so that nothing is told by a colour alone.
 *
 * Ink isn't asked and need not be told: its `chalk` heeds neither NO_COLOR nor us, but it only acts on the style
 * properties of `<Text>` and on borders of `<Box>`, and our screens are strings that `render` of the lines made.
 * A component that uses those properties would show colours regardless.
 */
export function hasColors(env: Readonly<Record<string, string | undefined>>): boolean {
  // https://no-color.org: present and not empty, whatever its value.
  return (env.NO_COLOR ?? '') === '' && env.TERM !== 'dumb';
}

/** @param hasColors false: weights, underlines and inversion stay, which say the same as the colours do */
export function render(line: Line, hasColors: boolean): string {
  let rendered = '';
  let current = '';
  for (const { text, style } of line) {
    if (text === '') continue;
    const codes = codesOf(style, hasColors);
    if (codes !== current) {
      if (current !== '') rendered += '\u001B[0m';
      if (codes !== '') rendered += `\u001B[${codes}m`;
      current = codes;
    }
    rendered += text;
  }
  return current === '' ? rendered : `${rendered}\u001B[0m`;
}

function codesOf(style: Style, hasColors: boolean): string {
  const codes: number[] = [];
  if (style.bold === true) codes.push(1);
  if (style.dim === true) codes.push(2);
  if (style.underline === true) codes.push(4);
  if (style.inverse === true) codes.push(7);
  if (hasColors && style.color !== undefined) codes.push(colorCode(style.color));
  return codes.join(';');
}

function colorCode(color: Color): number {
  const index = colorNames.findIndex((name) => color.endsWith(name));
  // Gray is what terminals make of a bright black.
  if (index === -1) return 90;
  return color.startsWith('bright-') ? 90 + index : 30 + index;
}

/** The first `limit` columns of the parts; of a gap among them, nothing remains where something is cut. */
function cutTo(parts: readonly Part[], limit: number): readonly Part[] {
  if (widthOf(parts) <= limit) return parts;
  const kept: Part[] = [];
  let room = limit;
  for (const part of parts) {
    if (part === gap) continue;
    if (part.width < room) {
      kept.push(part);
      room -= part.width;
      continue;
    }
    // Even a part that just fits: something comes after it, or it would not be too much.
    const shown = part.width === room ? cut(`${part.text}  `, room) : cut(part.text, room);
    kept.push({ text: shown, width: columns(shown), style: part.style });
    break;
  }
  return kept;
}

/** Puts blanks in the place of gaps, and the base under every style. */
function filled(parts: readonly Part[], blanks: number, base: Style): Line {
  const gaps = parts.filter((part) => part === gap).length;
  let left = blanks;
  let gapsLeft = gaps;
  const line: Span[] = [];
  for (const part of parts) {
    if (part !== gap) {
      line.push({ ...part, style: { ...base, ...part.style } });
      continue;
    }
    const width = Math.floor(left / gapsLeft);
    left -= width;
    gapsLeft -= 1;
    if (width > 0) line.push({ text: ' '.repeat(width), width, style: base });
  }
  return line;
}

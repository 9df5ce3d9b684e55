/**
 * Lines as styled spans. This file lays out a line to an exact number of columns. `render` turns it into a string whose only
 * escape sequences are ours for colors and weights, because every span's text is `printable`. Each line ends with its styles
 * reset, so lines can be painted in any order.
 *
 * The colors are the sixteen of the user's theme, on the default background, so the screen is readable on light and dark
 * backgrounds. A selection is inverse. Only jobs' output has backgrounds of its own.
 */
import type { View } from '../../store/view.ts';
import { columns } from './columns.ts';
import { type Align, cut, fit } from './fit.ts';
import { printable } from './printable.ts';

/** In the order of their SGR codes: 30 and up, then 90 and up. */
const colorNames = ['black', 'red', 'green', 'yellow', 'blue', 'magenta', 'cyan', 'white'] as const;

type PlainColor = (typeof colorNames)[number];
export type Color = PlainColor | `bright-${PlainColor}` | 'gray';

export interface Style {
  readonly color?: Color | undefined;
  /** Only output of jobs has one. */
  readonly background?: Color | undefined;
  readonly bold?: boolean | undefined;
  readonly dim?: boolean | undefined;
  readonly inverse?: boolean | undefined;
  readonly underline?: boolean | undefined;
}

export interface Span {
  /** Printable. Only `span` and `cell` make spans. */
  readonly text: string;
  readonly width: number;
  readonly style: Style;
  readonly target?: ClickTarget | undefined;
}

export type ViewChange = (view: View) => Partial<View>;

/** What a click does: it changes the view, then it presses a key. */
export interface ClickTarget {
  readonly select?: ViewChange;
  readonly key?: string;
}

export type Line = readonly Span[];

/** Fills the remaining columns; several gaps share them. */
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
 * Without a gap, the rest is blank. If the parts are too wide, they are cut and end with `…`: first the parts before the last
 * gap, from their end, then those after it.
 *
 * @param base the style below the parts' own styles and of all blanks, such as `{ inverse: true }` for a selected row
 */
export function lineOf(width: number, parts: readonly Part[], base: Style = plain): Line {
  const limit = Math.max(0, Math.floor(width));
  const lastGap = parts.lastIndexOf(gap);
  const ends = cutTo(parts.slice(lastGap + 1), limit);
  // Keep a space before the right-hand parts, if there is room for anything else.
  const forEnds = widthOf(ends) === 0 ? 0 : widthOf(ends) + 1;
  const starts = cutTo(parts.slice(0, Math.max(0, lastGap)), Math.max(0, limit - forEnds));
  const all: readonly Part[] = lastGap === -1 ? [...ends, gap] : [...starts, gap, ...ends];
  return filled(all, limit - widthOf(all), base);
}

export function widthOf(parts: readonly Part[]): number {
  return parts.reduce((sum, part) => sum + (part === gap ? 0 : part.width), 0);
}

/** Applies a style to all spans of a line, for example if its row is selected. */
export function restyled(line: Line, style: Style): Line {
  return line.map((each) => ({ ...each, style: { ...each.style, ...style } }));
}

/** A line that can be clicked. Spans with targets of their own keep them. */
export function clickable(line: Line, target: ClickTarget): Line {
  return line.map((each) => (each.target === undefined ? { ...each, target } : each));
}

/** A row of a list. A click selects it, and a click on the selected row opens it. */
export function clickableRow(line: Line, isSelected: boolean, select: ViewChange): Line {
  return clickable(line, isSelected ? { key: 'return' } : { select });
}

export function plainText(line: Line): string {
  return line.map(({ text }) => text).join('');
}

/**
 * Whether the terminal gets colors: the sixteen ANSI colors, which follow the user's theme, or none. Bold, dim, underlined and
 * inverse text stays in both cases, so no information is in a color alone.
 *
 * This doesn't affect Ink: its `chalk` ignores NO_COLOR. But Ink colors only style properties of `<Text>` and borders of
 * `<Box>`, and our screens are strings from `render`. A component with such properties would always show colors.
 */
export function hasColors(env: Readonly<Record<string, string | undefined>>): boolean {
  // https://no-color.org: present and not empty, whatever its value.
  return (env.NO_COLOR ?? '') === '' && env.TERM !== 'dumb';
}

/** @param hasColors if false, only weights, underlines and inversion remain; they carry the same information */
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
  if (hasColors && style.background !== undefined) codes.push(backgroundOffset + colorCode(style.background));
  return codes.join(';');
}

/** The color with this number: eight plain ones, then eight bright ones. */
export function colorAt(index: number): Color | undefined {
  const name = colorNames[index % colorNames.length];
  return index < colorNames.length || name === undefined ? name : `bright-${name}`;
}

/** SGR codes of backgrounds are the codes of the same colors plus this. */
const backgroundOffset = 10;

function colorCode(color: Color): number {
  const index = colorNames.findIndex((name) => color.endsWith(name));
  // Terminals show bright black as gray.
  if (index === -1) return 90;
  return color.startsWith('bright-') ? 90 + index : 30 + index;
}

/** The first `limit` columns of the parts. If something is cut, gaps among them disappear. */
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
    // Cut even a part that fits exactly, because more parts follow.
    const shown = part.width === room ? cut(`${part.text}  `, room) : cut(part.text, room);
    kept.push({ ...part, text: shown, width: columns(shown) });
    break;
  }
  return kept;
}

/** Replaces gaps with blanks, and applies the base style. */
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

/** Panels: lines with a border around them. Pure. */
import { gap, type Line, lineOf, type Part, type Style, span } from '../text/line.ts';

export interface PanelProps {
  readonly width: number;
  readonly height: number;
  readonly title: readonly Part[];
  /** Text in the lower border, on the right. */
  readonly foot?: readonly Part[];
  readonly isFocused: boolean;
  readonly content: readonly Line[];
}

const thin = { topLeft: '╭', topRight: '╮', bottomLeft: '╰', bottomRight: '╯', across: '─', down: '│' };
/** Heavy lines mark the focused panel, even without colors. */
const heavy = { topLeft: '┏', topRight: '┓', bottomLeft: '┗', bottomRight: '┛', across: '━', down: '┃' };
const thinStyle: Style = { dim: true };
const heavyStyle: Style = { color: 'cyan' };

/** Columns for the content of a frame: its width without border and a space on each side. */
export function innerWidth(width: number): number {
  return Math.max(0, width - 4);
}

export function innerHeight(height: number): number {
  return Math.max(0, height - 2);
}

/** @returns lines of `width` columns: the border, with the content cut or padded to fit */
export function framed({ width, height, title, foot = [], isFocused, content }: PanelProps): Line[] {
  const box = isFocused ? heavy : thin;
  const style = isFocused ? heavyStyle : thinStyle;
  const inner = innerWidth(width);
  const body = Array.from({ length: innerHeight(height) }, (_, at) => [
    span(`${box.down} `, style),
    ...lineOf(inner, content[at] ?? []),
    span(` ${box.down}`, style),
  ]);
  return [
    border(width, title, box.topLeft, box.topRight, box.across, style, 'left'),
    ...body,
    border(width, foot, box.bottomLeft, box.bottomRight, box.across, style, 'right'),
  ];
}

function border(
  width: number,
  parts: readonly Part[],
  start: string,
  end: string,
  across: string,
  style: Style,
  side: 'left' | 'right',
): Line {
  const room = Math.max(0, width - 2);
  if (parts.length === 0 || room < 4) {
    return [span(start, style), span(across.repeat(room), style), span(end, style)];
  }
  const text = [span(' '), ...parts.filter((part) => part !== gap), span(' ')];
  const wide = text.reduce((sum, part) => sum + part.width, 0);
  const shown = wide <= room - 1 ? text : lineOf(room - 1, text);
  const shownWidth = shown.reduce((sum, part) => sum + part.width, 0);
  const rest = span(across.repeat(room - 1 - shownWidth), style);
  const edge = span(across, style);
  return side === 'left'
    ? [span(start, style), edge, ...shown, rest, span(end, style)]
    : [span(start, style), rest, ...shown, edge, span(end, style)];
}

/** Style of the row under the cursor: one color, because inverse spans would have many colors. */
export const selected: Style = { inverse: true, color: undefined, dim: undefined };

/** A box in the middle of the screen, over the panels. */
import type { Size } from '../panels/layout.ts';
import { framed, innerHeight, innerWidth, type Panel } from '../panels/panel.ts';
import { type Line, lineOf, type Part } from '../text/line.ts';

export interface BoxProps {
  readonly key: string;
  readonly size: Size;
  /** Preferred width; less on a smaller screen. */
  readonly width: number;
  readonly title: readonly Part[];
  readonly foot: readonly Part[];
  readonly content: (innerWidth: number) => readonly Line[];
  /** First visible line of the content, if not all of it fits. */
  readonly top?: number;
}

/** Rows of a box with this many lines, limited by the screen. */
function boxHeight(lineCount: number, size: Size): number {
  return Math.min(lineCount + 2, size.rows - 2);
}

/** The last position of scrolling in a box with this many lines. */
export function lastBoxTop(lineCount: number, size: Size): number {
  return Math.max(0, lineCount - innerHeight(boxHeight(lineCount, size)));
}

/** Inner columns of a box that prefers this `width`. */
export function boxInnerWidth(width: number, size: Size): number {
  return innerWidth(Math.min(width, size.columns - 2));
}

export function box({ key, size, width, title, foot, content, top = 0 }: BoxProps): Panel {
  const boxWidth = Math.min(width, size.columns - 2);
  const lines = content(boxInnerWidth(width, size));
  const height = boxHeight(lines.length, size);
  const first = Math.min(top, lastBoxTop(lines.length, size));
  return {
    key,
    left: Math.floor((size.columns - boxWidth) / 2),
    top: Math.max(1, Math.floor((size.rows - height) / 2)),
    width: boxWidth,
    height,
    lines: framed({ width: boxWidth, height, title, foot, isFocused: true, content: lines.slice(first) }),
  };
}

export function blank(width: number): Line {
  return lineOf(width, []);
}

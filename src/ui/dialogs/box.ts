/** A box in the middle of the screen, over whatever is below it. */
import type { Size } from '../layout.ts';
import { framed, innerHeight, type Panel } from '../panels/panel.ts';
import { type Line, lineOf, type Part } from '../text/line.ts';

export interface BoxProps {
  readonly key: string;
  readonly size: Size;
  /** Wanted; less where the screen is smaller. */
  readonly width: number;
  readonly title: readonly Part[];
  readonly foot: readonly Part[];
  readonly content: (innerWidth: number) => readonly Line[];
  /** First line of the content that is shown, where not all of it fits. */
  readonly top?: number;
}

export function box({ key, size, width, title, foot, content, top = 0 }: BoxProps): Panel {
  const boxWidth = Math.min(width, size.columns - 2);
  const lines = content(boxWidth - 4);
  const height = Math.min(lines.length + 2, size.rows - 2);
  const first = Math.max(0, Math.min(top, lines.length - innerHeight(height)));
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

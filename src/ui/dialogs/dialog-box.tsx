/** A box in the middle of the screen, over the panels. */
import { Box } from 'ink';
import type { ReactNode } from 'react';
import { Panel } from '../frame/panel.tsx';
import { useFrame } from '../frame/use-frame.ts';
import { innerHeight, innerWidth } from '../layout/framed.ts';
import type { Size } from '../layout/layout.ts';
import { type Line, lineOf, type Part } from '../text/line.ts';

export interface DialogBoxProps {
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

/** Rows of content that fit at most. */
export function boxRows(size: Size): number {
  return innerHeight(size.rows - 2);
}

/** The last position of scrolling in a box with this many lines. */
export function lastBoxTop(lineCount: number, size: Size): number {
  return Math.max(0, lineCount - innerHeight(boxHeight(lineCount, size)));
}

/** Inner columns of a box that prefers this `width`. */
export function boxInnerWidth(width: number, size: Size): number {
  return innerWidth(Math.min(width, size.columns - 2));
}

export function DialogBox({ width, title, foot, content, top = 0 }: DialogBoxProps): ReactNode {
  const size = useFrame((frame) => frame.size);
  const boxWidth = Math.min(width, size.columns - 2);
  const lines = content(boxInnerWidth(width, size));
  const height = boxHeight(lines.length, size);
  const first = Math.min(top, lastBoxTop(lines.length, size));
  return (
    <Box
      position="absolute"
      marginLeft={Math.floor((size.columns - boxWidth) / 2)}
      marginTop={Math.max(1, Math.floor((size.rows - height) / 2))}
    >
      <Panel
        width={boxWidth}
        height={height}
        title={title}
        foot={foot}
        isFocused={true}
        content={lines.slice(first)}
      />
    </Box>
  );
}

export function blank(width: number): Line {
  return lineOf(width, []);
}

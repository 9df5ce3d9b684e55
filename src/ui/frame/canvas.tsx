/**
 * Paints lines: one box and one text for a whole panel. The text is a blank block that never changes, and a transform
 * replaces it with the lines. Otherwise lines of logs would fill Ink's caches of measured texts, which are never emptied.
 *
 * Ink paints the whole screen for every change of its tree. Equal lines change nothing, so they cost no paint.
 */
import { Box, type DOMElement, Text, Transform } from 'ink';
import { memo, type ReactNode, type RefObject, useLayoutEffect, useRef } from 'react';
import { type Line, render, type ViewChange } from '../text/line.ts';
import type { MouseArea } from './mouse-map.ts';
import { useScreen } from './use-frame.ts';

export interface CanvasProps {
  readonly width: number;
  /** Each exactly `width` columns. */
  readonly lines: readonly Line[];
  /** Gives the keys to the list or text that the mouse's wheel moves here. */
  readonly wheel?: ViewChange | undefined;
}

export function Canvas({ width, lines, wheel }: CanvasProps): ReactNode {
  const { hasColors, mouse } = useScreen();
  const box = useRef<DOMElement>(null);
  const area = useRef<MouseArea>({ lines, wheel: null });
  // Other lines may look the same. An effect for each of them would make Ink paint the screen again.
  area.current = { lines, wheel: wheel ?? null };
  const isShown = lines.length > 0;
  useLayoutEffect(
    () => (!isShown || box.current === null ? undefined : mouse.add(box.current, () => area.current)),
    [mouse, isShown],
  );
  if (!isShown) return null;
  return <Painted box={box} width={width} text={lines.map((line) => render(line, hasColors)).join('\n')} />;
}

interface PaintedProps {
  readonly box: RefObject<DOMElement | null>;
  readonly width: number;
  readonly text: string;
}

const Painted = memo(function Painted({ box, width, text }: PaintedProps) {
  const rows = text.split('\n');
  return (
    <Box ref={box} width={width} height={rows.length} flexShrink={0}>
      <Transform transform={(_, row) => rows[row] ?? ''}>
        <Text>{rows.map(() => ' '.repeat(width)).join('\n')}</Text>
      </Transform>
    </Box>
  );
});

/**
 * Paints lines: one box and one text for a whole panel. The text is a blank block that never changes, and a transform
 * replaces it with the lines. Otherwise lines of logs would fill Ink's caches of measured texts, which are never emptied.
 *
 * Ink paints the whole screen for every change of its tree. Equal lines change nothing, so they cost no paint.
 */
import { Box, Text, Transform } from 'ink';
import { memo, type ReactNode } from 'react';
import { type Line, render } from '../text/line.ts';
import { useScreen } from './use-frame.ts';

export interface CanvasProps {
  readonly width: number;
  /** Each exactly `width` columns. */
  readonly lines: readonly Line[];
}

export function Canvas({ width, lines }: CanvasProps): ReactNode {
  const { hasColors } = useScreen();
  if (lines.length === 0) return null;
  return <Painted width={width} text={lines.map((line) => render(line, hasColors)).join('\n')} />;
}

const Painted = memo(function Painted({ width, text }: { readonly width: number; readonly text: string }) {
  const rows = text.split('\n');
  return (
    <Box width={width} height={rows.length} flexShrink={0}>
      <Transform transform={(_, row) => rows[row] ?? ''}>
        <Text>{rows.map(() => ' '.repeat(width)).join('\n')}</Text>
      </Transform>
    </Box>
  );
});

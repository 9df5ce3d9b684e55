/**
 * The picture as an Ink tree: one box and one text for each panel. The text is a blank block that never changes, and a
 * transform replaces it with the panel's lines. Otherwise lines of logs would fill Ink's caches of measured texts, which
 * are never emptied.
 */
import { Box, Text, Transform } from 'ink';
import { memo, type ReactNode, useSyncExternalStore } from 'react';
import type { StoreApi } from 'zustand/vanilla';
import type { Picture, PicturePanel } from './screens/picture.ts';

export interface AppProps {
  readonly pictures: StoreApi<Picture>;
}

export function App({ pictures }: AppProps): ReactNode {
  const { columns, rows, panels } = useSyncExternalStore(pictures.subscribe, pictures.getState);
  return (
    <Box width={columns} height={rows}>
      {panels.map((panel) => (
        <Canvas key={panel.key} panel={panel} />
      ))}
    </Box>
  );
}

const Canvas = memo(function Canvas({ panel }: { readonly panel: PicturePanel }): ReactNode {
  const { left, top, width, height, lines } = panel;
  return (
    <Box position="absolute" marginLeft={left} marginTop={top} width={width} height={height}>
      <Transform transform={(_, row) => lines[row] ?? ''}>
        <Text>{blankBlock(width, height)}</Text>
      </Transform>
    </Box>
  );
});

function blankBlock(width: number, height: number): string {
  return Array.from({ length: height }, () => ' '.repeat(width)).join('\n');
}

import type { ReactNode } from 'react';
import { Canvas } from '../frame/canvas.tsx';
import { useFrame } from '../frame/use-frame.ts';
import { listedQueues, selectedQueue } from '../lists/selection.ts';
import { tableLines } from './table-lines.ts';

/** All queues, a row for each. */
export function QueueTable({ height }: { readonly height: number }): ReactNode {
  const { queues, selected, model, view, width, nowMs } = useFrame((frame) => ({
    queues: listedQueues(frame),
    selected: selectedQueue(frame),
    model: frame.model,
    view: frame.view,
    width: frame.size.columns,
    nowMs: frame.nowMs,
  }));
  const lines = tableLines({
    state: { model, view },
    queues,
    cursor: selected === null ? -1 : queues.indexOf(selected),
    isFocused: view.queues.pane === 'queues',
    width,
    height,
    nowMs,
  });
  return (
    <Canvas
      width={width}
      lines={lines}
      wheel={({ queues: own }) => ({ queues: { ...own, pane: 'queues' } })}
    />
  );
}

import type { ReactNode } from 'react';
import type { RunningJob } from '../../protocol/snapshot.ts';
import { poolOf } from '../../store/selectors.ts';
import { Canvas } from '../frame/canvas.tsx';
import { calmTime, useFrame } from '../frame/use-frame.ts';
import { jobsOfRow } from '../lists/queue-rows.ts';
import { indexOfKey, listedQueues, selectedQueue } from '../lists/selection.ts';
import { queueLines } from './queue-lines.ts';

export interface QueuePanelProps {
  /** Index among the listed queues. */
  readonly at: number;
  readonly width: number;
  readonly height: number;
}

const noJobs: readonly RunningJob[] = [];

/** One queue. */
export function QueuePanel({ at, width, height }: QueuePanelProps): ReactNode {
  const { queue, runner, engine, jobs, isFocused, jobId, nowMs } = useFrame((frame) => {
    const { model, view } = frame;
    const own = listedQueues(frame)[at] ?? null;
    const running = own === null ? noJobs : jobsOfRow(model, own);
    return {
      queue: own,
      runner: own === null ? null : poolOf(model, own),
      engine: model.engine,
      jobs: running,
      isFocused: own === selectedQueue(frame) && view.queues.pane !== 'failures',
      jobId: view.queues.jobId,
      nowMs: running.length > 0 ? frame.nowMs : calmTime(frame.nowMs),
    };
  });
  if (queue === null) return null;
  const cursor = indexOfKey(
    jobs.map(({ id }) => id),
    jobId,
  );
  const lines = queueLines({ queue, runner, engine, jobs, isFocused, cursor, width, height, nowMs });
  return (
    <Canvas
      width={width}
      lines={lines}
      wheel={({ queues }) => ({
        queues: {
          ...queues,
          pane: 'queues',
          queue: queue.name,
          jobId: isFocused ? queues.jobId : null,
        },
      })}
    />
  );
}

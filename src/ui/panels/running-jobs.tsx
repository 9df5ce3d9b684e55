import type { ReactNode } from 'react';
import { poolOf, queueStatus } from '../../store/selectors.ts';
import { Panel } from '../frame/panel.tsx';
import { useFrame } from '../frame/use-frame.ts';
import { innerHeight, innerWidth } from '../layout/framed.ts';
import { indexOfKey, runningPaneJobs, selectedQueue, selectedQueueJobs } from '../lists/selection.ts';
import { lineOf, type Part, span } from '../text/line.ts';
import { reasonLines, runningLines } from './queue-lines.ts';
import { remarksOn } from './words.ts';

/** Below the table: why the selected queue takes no jobs, its running jobs, and then those of other queues. */
export function RunningJobs({ height }: { readonly height: number }): ReactNode {
  const { queue, runner, engine, own, jobs, jobId, isFocused, width, nowMs } = useFrame((frame) => {
    const { model, view, size } = frame;
    const selected = selectedQueue(frame);
    return {
      queue: selected,
      runner: selected === null ? null : poolOf(model, selected),
      engine: model.engine,
      own: selectedQueueJobs(frame),
      jobs: runningPaneJobs(frame),
      jobId: view.queues.jobId,
      isFocused: view.queues.pane === 'running',
      width: size.columns,
      nowMs: frame.nowMs,
    };
  });
  const cursor = indexOfKey(
    jobs.map(({ id }) => id),
    jobId,
  );
  const inner = innerWidth(width);
  const rows = innerHeight(height);
  const remarks =
    queue === null ? [] : remarksOn(queue, runner, queueStatus(queue, runner, own.length, engine));
  const why = reasonLines(remarks, inner, Math.max(1, Math.floor(rows / 2)));
  const running =
    jobs.length === 0
      ? [lineOf(inner, [span('no running jobs', { dim: true })])]
      : runningLines(
          jobs,
          inner,
          rows - why.length,
          isFocused ? cursor : null,
          nowMs,
          (job) =>
            ({ queues }) => ({
              queues: { ...queues, pane: 'running', jobId: job.id },
            }),
        );
  const title: Part[] = [span(queue?.name ?? 'no queue', { bold: true }), span(` · running ${own.length}`)];
  for (const { state, style } of remarks) if (state !== '') title.push(span(`  ${state}`, style));
  const others = jobs.length - own.length;
  if (others > 0) title.push(span(`  · in other queues ${others}`, { dim: true }));
  return (
    <Panel
      width={width}
      height={height}
      title={title}
      isFocused={isFocused}
      wheel={({ queues }) => ({ queues: { ...queues, pane: 'running' } })}
      content={[...why, ...running]}
    />
  );
}

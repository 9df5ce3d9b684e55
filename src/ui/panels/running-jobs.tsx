import type { ReactNode } from 'react';
import { throttledReason } from '../../messages/queues.ts';
import { poolOf } from '../../store/selectors.ts';
import { Panel } from '../frame/panel.tsx';
import { useFrame } from '../frame/use-frame.ts';
import { innerHeight, innerWidth } from '../layout/framed.ts';
import { indexOfKey, selectedQueue, selectedQueueJobs } from '../lists/selection.ts';
import { lineOf, type Part, span } from '../text/line.ts';
import { runningLines } from './queue-lines.ts';

/** Running jobs of the selected queue, below the table. */
export function RunningJobs({ height }: { readonly height: number }): ReactNode {
  const { name, throttled, jobs, jobId, isFocused, width, nowMs } = useFrame((frame) => {
    const { model, view, size } = frame;
    const queue = selectedQueue(frame);
    return {
      name: queue?.name ?? null,
      throttled: queue === null ? null : (poolOf(model, queue)?.throttled ?? null),
      jobs: selectedQueueJobs(frame),
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
  const content =
    jobs.length === 0
      ? [lineOf(inner, [span('no running jobs', { dim: true })])]
      : runningLines(
          jobs,
          inner,
          innerHeight(height),
          isFocused ? cursor : null,
          nowMs,
          (job) =>
            ({ queues }) => ({
              queues: { ...queues, pane: 'running', jobId: job.id },
            }),
        );
  const title: Part[] = [span(name ?? 'no queue', { bold: true }), span(` · running ${jobs.length}`)];
  // Its row in the table rarely has enough room for this.
  if (throttled !== null) title.push(span(`  ${throttledReason(throttled)}`, { color: 'yellow' }));
  return (
    <Panel
      width={width}
      height={height}
      title={title}
      isFocused={isFocused}
      wheel={({ queues }) => ({ queues: { ...queues, pane: 'running' } })}
      content={content}
    />
  );
}

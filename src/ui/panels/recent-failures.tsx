import type { ReactNode } from 'react';
import { grouped } from '../../messages/quantities.ts';
import { Panel } from '../frame/panel.tsx';
import { calmTime, useFrame } from '../frame/use-frame.ts';
import { innerHeight, innerWidth } from '../layout/framed.ts';
import { windowOf } from '../layout/layout.ts';
import { failureKeys, indexOfKey } from '../lists/selection.ts';
import { lineOf, span } from '../text/line.ts';
import { failureHeading, failureRows } from './failure-rows.ts';

/** The newest failures of the shared list, of all workers. */
export function RecentFailures({ height }: { readonly height: number }): ReactNode {
  const { pages, failedTotal, selected, isFocused, width, nowMs } = useFrame(
    ({ recentFailures, model, view, size, nowMs: now }) => ({
      pages: recentFailures,
      failedTotal: model.failedTotal,
      selected: view.queues.failure,
      isFocused: view.queues.pane === 'failures',
      width: size.columns,
      nowMs: calmTime(now),
    }),
  );
  const { entries } = pages;
  const inner = innerWidth(width);
  const rows = innerHeight(height);
  const hasHeading = rows >= 3;
  const keys = failureKeys(entries);
  const cursor = isFocused && entries.length > 0 ? indexOfKey(keys, selected) : -1;
  const { from, to } = windowOf(entries.length, Math.max(0, cursor), hasHeading ? rows - 1 : rows);
  const lines = failureRows({
    ...{ entries, width: inner, from, to, cursor, nowMs },
    isMarked: () => false,
    select: (index) => (view) => ({
      queues: { ...view.queues, pane: 'failures', failure: keys[index] ?? null },
    }),
  });
  const none = lineOf(inner, [
    span(pages.trouble ?? (pages.total === null ? '' : 'no failures'), { dim: true }),
  ]);
  const count = failedTotal ?? pages.total;
  return (
    <Panel
      width={width}
      height={height}
      title={[
        span('Recent failures', { bold: true }),
        span(count === null ? '' : ` (${grouped(count)})`),
        span(isFocused ? '  Enter to open, r to retry' : '  press 2 for all', { dim: true }),
      ]}
      isFocused={isFocused}
      wheel={({ queues }) => ({ queues: { ...queues, pane: 'failures' } })}
      content={entries.length === 0 ? [none] : [...(hasHeading ? [failureHeading(inner)] : []), ...lines]}
    />
  );
}

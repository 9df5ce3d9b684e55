/** The first tab: a panel for each queue, or a table of all queues, and the newest failures; or a line for each queue. */
import { Box } from 'ink';
import type { ReactNode } from 'react';
import { useFrame } from '../frame/use-frame.ts';
import { queuesLayout } from '../layout/layout.ts';
import { isBusy, type QueueRow } from '../lists/queue-rows.ts';
import { listedQueues } from '../lists/selection.ts';
import { QueuePanel } from '../panels/queue-panel.tsx';
import { QueueTable } from '../panels/queue-table.tsx';
import { RecentFailures } from '../panels/recent-failures.tsx';
import { RunningJobs } from '../panels/running-jobs.tsx';
import { CompactScreen } from './compact-screen.tsx';

export function QueuesScreen(): ReactNode {
  const size = useFrame((frame) => frame.size);
  const count = useFrame((frame) => listedQueues(frame).length);
  const { kind } = queuesLayout(size, count);
  // A table only asks whether anything is going on: there may be thousands of queues.
  const busy = useFrame((frame) => {
    const isBusyRow = (row: QueueRow) => isBusy(frame.model, row, frame.nowMs);
    return kind === 'panels'
      ? listedQueues(frame).map(isBusyRow)
      : [kind === 'table' && listedQueues(frame).some(isBusyRow)];
  });
  const layout = queuesLayout(size, count, (at) => busy[kind === 'panels' ? at : 0] === true);
  if (layout.kind === 'compact') return <CompactScreen rows={layout.rows} />;
  return (
    <>
      {layout.kind === 'panels' ? (
        <QueuePanels count={count} across={layout.across} heights={layout.heights} columns={size.columns} />
      ) : (
        <>
          <QueueTable height={layout.tableRows} />
          <RunningJobs height={layout.runningRows} />
        </>
      )}
      {layout.failureRows > 0 && <RecentFailures height={layout.failureRows} />}
    </>
  );
}

interface QueuePanelsProps {
  readonly count: number;
  readonly across: number;
  readonly heights: readonly number[];
  readonly columns: number;
}

function QueuePanels({ count, across, heights, columns }: QueuePanelsProps): ReactNode {
  return heights.map((height, row) => {
    const first = row * across;
    const own = Array.from({ length: Math.min(across, count - first) }, (_, column) => first + column);
    return (
      <Box key={first} height={height} flexShrink={0}>
        {own.map((at, column) => {
          // The last panel of a row gets the remaining columns.
          const left = Math.floor((columns * column) / across);
          const width = Math.floor((columns * (column + 1)) / across) - left;
          return <QueuePanel key={at} at={at} width={width} height={height} />;
        })}
      </Box>
    );
  });
}

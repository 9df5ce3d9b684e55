/** The Workers tab: every worker that Redis knows, of every kind and host; those that are stale come first. */
import type { ReactNode } from 'react';
import { grouped } from '../../messages/quantities.ts';
import type { WorkerRows } from '../../store/app-store.ts';
import { isStale } from '../../store/selectors.ts';
import { workerDetail, workerHeading, workerRow } from '../details/worker-lines.ts';
import { useFrame } from '../frame/use-frame.ts';
import { listedWorkers } from '../lists/selection.ts';
import { type Part, span } from '../text/line.ts';
import { SplitScreen } from './split-screen.tsx';

export function WorkersScreen(): ReactNode {
  const { filter, cursor } = useFrame(({ view }) => view.workers);
  const rows = useFrame(({ workerRows }) => workerRows);
  const workers = useFrame(listedWorkers);
  return (
    <SplitScreen
      title={title(rows, filter)}
      keys={workers.map(({ id }) => id)}
      cursor={cursor}
      none={nothing(rows, filter)}
      count={grouped(workers.length)}
      heading={workerHeading}
      row={(index, width, isSelected) => {
        const worker = workers[index];
        return worker === undefined ? [] : workerRow(worker, width, isSelected);
      }}
      select={(key) =>
        ({ workers }) => ({ workers: { ...workers, cursor: key } })}
      detail={(index, width) => {
        const worker = workers[index];
        return worker === undefined ? [] : workerDetail(worker, width);
      }}
    />
  );
}

function title({ workers, total, trouble }: WorkerRows, filter: string): Part[] {
  const stale = workers.filter(isStale).length;
  const parts: Part[] = [span('Workers', { bold: true })];
  if (total !== null) parts.push(span(`  ${grouped(total)}`));
  if (total !== null && total > workers.length) parts.push(span(`, ${grouped(workers.length)} shown`));
  if (stale > 0) parts.push(span(`  ${grouped(stale)} stale`, { color: 'red', bold: true }));
  if (filter !== '') parts.push(span(`  filter: ${filter}`, { color: 'yellow' }));
  if (trouble !== null && workers.length > 0) parts.push(span(`  ${trouble}`, { color: 'red' }));
  return parts;
}

function nothing({ total, trouble, workers }: WorkerRows, filter: string): string {
  if (trouble !== null) return trouble;
  if (total === null) return 'reading…';
  return filter === '' || workers.length === 0 ? 'no workers' : 'no worker matches; Esc clears the filter';
}

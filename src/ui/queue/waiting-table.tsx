import type { ReactNode } from 'react';
import { grouped, sizeText } from '../../messages/quantities.ts';
import type { WaitingJob } from '../../protocol/redis-views.ts';
import type { WaitingPages } from '../../store/app-store.ts';
import { Panel } from '../frame/panel.tsx';
import { useFrame } from '../frame/use-frame.ts';
import { innerHeight, innerWidth, selected } from '../layout/framed.ts';
import { windowOf } from '../layout/layout.ts';
import { indexOfKey, pageChange, waitingKeys } from '../lists/selection.ts';
import { cell, clickableRow, gap, type Line, lineOf, type Part, restyled, span } from '../text/line.ts';

export interface WaitingTableProps {
  readonly height: number;
  /** Key of the job under the cursor. */
  readonly cursor: string | null;
  readonly filter: string;
  readonly isFocused: boolean;
}

/** The waiting jobs of the open queue, from the one that runs next. */
export function WaitingTable({ height, cursor, filter, isFocused }: WaitingTableProps): ReactNode {
  const { pages, width } = useFrame(({ waitingPages, size }) => ({
    pages: waitingPages,
    width: size.columns,
  }));
  const { jobs, next, total } = pages;
  const inner = innerWidth(width);
  const keys = waitingKeys(jobs);
  const at = indexOfKey(keys, cursor);
  const { from, to } = windowOf(jobs.length, at, innerHeight(height));
  const lines = jobs.slice(from, to).map((job, row) => {
    const isSelected = isFocused && from + row === at;
    const select = pageChange({ pane: 'waiting', waiting: keys[from + row] ?? null });
    return clickableRow(waitingLine(job, inner, isSelected), isSelected, select);
  });
  const loaded = `${grouped(jobs.length)}${next === null ? '' : '+'}`;
  const title: Part[] = [span('waiting', { bold: true }), span(total === null ? '' : ` ${grouped(total)}`)];
  if (filter !== '') title.push(span(`  filter: ${filter}`, { color: 'yellow' }));
  if (pages.isLoading && total !== null && next !== null)
    title.push(span(`  read ${grouped(next)} of ${grouped(total)}…`, { dim: true }));
  if (pages.trouble !== null && jobs.length > 0) title.push(span(`  ${pages.trouble}`, { color: 'yellow' }));
  return (
    <Panel
      width={width}
      height={height}
      title={title}
      foot={jobs.length > to - from ? [span(`${grouped(from + 1)}-${grouped(to)} of ${loaded}`)] : []}
      isFocused={isFocused}
      wheel={pageChange({ pane: 'waiting' })}
      content={jobs.length === 0 ? [lineOf(inner, [span(nothing(pages, filter), { dim: true })])] : lines}
    />
  );
}

const placeColumns = 7;

function waitingLine(job: WaitingJob, width: number, isSelected: boolean): Line {
  const size: Part[] = job.isWhole ? [] : [gap, span(sizeText(job.size), { color: 'yellow' })];
  const line = lineOf(width, [
    cell(grouped(job.index + 1), placeColumns, { dim: !isSelected }, 'right'),
    span('  '),
    span(job.jobClass ?? '(no class)', { bold: true }),
    span(` ${job.args === '' ? job.payload : job.args}`),
    ...size,
  ]);
  return isSelected ? restyled(line, selected) : line;
}

function nothing({ trouble, isLoading }: WaitingPages, filter: string): string {
  if (trouble !== null) return trouble;
  if (isLoading) return 'reading…';
  return filter === '' ? 'no job is waiting' : 'no waiting job matches; Esc clears the filter';
}

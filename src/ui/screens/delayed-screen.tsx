/** The Delayed tab: delayed jobs, retries and the next times of schedules, the next one first. */
import type { ReactNode } from 'react';
import { grouped, plural } from '../../messages/quantities.ts';
import type { DelayedRows } from '../../store/app-store.ts';
import { delayedDetail, delayedHeading, delayedRow } from '../details/delayed-lines.ts';
import { useFrame } from '../frame/use-frame.ts';
import { listedDelayed } from '../lists/selection.ts';
import { delayedCountText } from '../panels/words.ts';
import { type Part, span } from '../text/line.ts';
import { SplitScreen } from './split-screen.tsx';

export function DelayedScreen(): ReactNode {
  const { filter, cursor } = useFrame(({ view }) => view.delayed);
  const rows = useFrame(({ delayedRows }) => delayedRows);
  const items = useFrame(listedDelayed);
  const count = useFrame(({ model }) => model.delayed ?? null);
  // By Redis' clock.
  const nowMs = useFrame((frame) => Math.floor((frame.nowMs + frame.delayedRows.aheadMs) / 1_000) * 1_000);
  return (
    <SplitScreen
      title={title(rows, filter, count === null ? '' : delayedCountText(count))}
      keys={items.map(({ key }) => key)}
      cursor={cursor}
      none={nothing(rows, filter)}
      count={`${grouped(items.length)}${rows.next === null ? '' : '+'}`}
      heading={delayedHeading}
      row={(index, width, isSelected) => {
        const item = items[index];
        return item === undefined ? [] : delayedRow(item, width, isSelected, nowMs);
      }}
      select={(key) =>
        ({ delayed }) => ({ delayed: { ...delayed, cursor: key } })}
      detail={(index, width) => {
        const item = items[index];
        return item === undefined ? [] : delayedDetail(item, width);
      }}
    />
  );
}

function title({ schedules, trouble, jobs }: DelayedRows, filter: string, count: string): Part[] {
  const parts: Part[] = [span('Delayed', { bold: true })];
  if (count !== '') parts.push(span(`  ${count}`));
  if (schedules.length > 0) parts.push(span(`  ${plural(schedules.length, 'schedule')}`, { color: 'cyan' }));
  if (filter !== '') parts.push(span(`  filter: ${filter}`, { color: 'yellow' }));
  if (trouble !== null && jobs.length > 0) parts.push(span(`  ${trouble}`, { color: 'red' }));
  return parts;
}

function nothing({ isRead, trouble, next }: DelayedRows, filter: string): string {
  if (trouble !== null) return trouble;
  if (!isRead || next !== null) return 'reading…';
  return filter === '' ? 'no delayed jobs' : 'no delayed job matches; Esc clears the filter';
}

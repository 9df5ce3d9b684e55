import type { ReactNode } from 'react';
import { grouped } from '../../messages/quantities.ts';
import type { GroupPages } from '../../store/app-store.ts';
import { Panel } from '../frame/panel.tsx';
import { useFrame } from '../frame/use-frame.ts';
import { innerHeight, innerWidth } from '../layout/framed.ts';
import { windowOf } from '../layout/layout.ts';
import { groupKeys, indexOfKey } from '../lists/selection.ts';
import { lineOf, type Part, span, type ViewChange } from '../text/line.ts';
import { groupHeading, groupRows } from './group-rows.ts';

export interface GroupTableProps {
  readonly height: number;
  readonly title: readonly Part[];
  /** Key of the group under the cursor. */
  readonly cursor: string | null;
  readonly hasQueues: boolean;
  readonly isFocused: boolean;
  /** Moves the cursor to this group. */
  readonly select: (key: string | null) => ViewChange;
  /** Gives it the keys. */
  readonly wheel: ViewChange;
  /** What to say if there are none. */
  readonly none: string;
}

/** The groups of failures that are shown, largest first. */
export function GroupTable({
  height,
  title,
  cursor,
  hasQueues,
  isFocused,
  select,
  wheel,
  none,
}: GroupTableProps): ReactNode {
  const { pages, width, nowMs } = useFrame(({ groupPages, size, nowMs: now }) => ({
    pages: groupPages,
    width: size.columns,
    nowMs: now,
  }));
  const { groups } = pages;
  const inner = innerWidth(width);
  const rows = innerHeight(height);
  const hasHeading = rows >= 3;
  const keys = groupKeys(groups);
  const at = indexOfKey(keys, cursor);
  const { from, to } = windowOf(groups.length, at, hasHeading ? rows - 1 : rows);
  const shown = groupRows({
    groups,
    hasQueues,
    width: inner,
    from,
    to,
    cursor: isFocused ? at : -1,
    nowMs,
    select: (index) => select(keys[index] ?? null),
  });
  const empty = lineOf(inner, [span(nothing(pages, none), { dim: true })]);
  const content = groups.length === 0 ? [empty] : shown;
  return (
    <Panel
      width={width}
      height={height}
      title={[...title, ...progress(pages)]}
      foot={groups.length > to - from ? [span(`${from + 1}-${to} of ${grouped(groups.length)}`)] : []}
      isFocused={isFocused}
      wheel={wheel}
      content={hasHeading ? [groupHeading(inner, hasQueues), ...content] : content}
    />
  );
}

function progress({ looked, total, isLoading, others, trouble, groups }: GroupPages): Part[] {
  const parts: Part[] = [];
  if (others > 0) parts.push(span(`  and ${grouped(others)} in other groups`, { color: 'yellow' }));
  if (trouble !== null && groups.length > 0) parts.push(span(`  ${trouble}`, { color: 'yellow' }));
  else if (isLoading && total !== null)
    parts.push(span(`  counted ${grouped(looked)} of ${grouped(total)}…`, { dim: true }));
  return parts;
}

function nothing({ trouble, isLoading }: GroupPages, none: string): string {
  return trouble ?? (isLoading ? 'counting…' : none);
}

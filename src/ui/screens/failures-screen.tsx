/** The shared `failed` list, newest first, with the details of the failure under the cursor. */
import type { ReactNode } from 'react';
import { grouped, plural } from '../../messages/quantities.ts';
import type { FailurePages } from '../../store/app-store.ts';
import type { FailuresView } from '../../store/view.ts';
import { Panel } from '../frame/panel.tsx';
import { useFrame } from '../frame/use-frame.ts';
import { innerHeight, innerWidth } from '../layout/framed.ts';
import { failuresLayout, windowOf } from '../layout/layout.ts';
import { failureKeys, indexOfKey } from '../lists/selection.ts';
import { failureDetail } from '../panels/failure-detail.ts';
import { failureHeading, failureRows } from '../panels/failure-rows.ts';
import { groupWords } from '../panels/words.ts';
import { lineOf, type Part, span } from '../text/line.ts';

export function FailuresScreen(): ReactNode {
  const size = useFrame((frame) => frame.size);
  const { listRows, detailRows } = failuresLayout(size);
  return (
    <>
      <FailureTable height={listRows} />
      <FailureDetail height={detailRows} />
    </>
  );
}

interface Shown {
  readonly pages: FailurePages;
  readonly view: FailuresView;
  readonly failedTotal: number | null;
}

function FailureTable({ height }: { readonly height: number }): ReactNode {
  const { width, nowMs, ...shown } = useFrame(({ failurePages, view, model, size, nowMs: now }) => ({
    pages: failurePages,
    view: view.failures,
    failedTotal: model.failedTotal,
    width: size.columns,
    nowMs: now,
  }));
  const { pages, view } = shown;
  const { entries } = pages;
  const { marked, isAllMarked } = view;
  const keys = failureKeys(entries);
  const cursor = indexOfKey(keys, view.cursor);
  const inner = innerWidth(width);
  const { from, to } = windowOf(entries.length, cursor, innerHeight(height) - 1);
  const lines = failureRows({
    entries,
    width: inner,
    from,
    to,
    cursor: entries.length === 0 ? -1 : cursor,
    isMarked: (index) => isAllMarked || marked.has(keys[index] ?? ''),
    select: (index) => (now) => ({ failures: { ...now.failures, cursor: keys[index] ?? null } }),
    nowMs,
  });
  const none = lineOf(inner, [span(nothing(shown), { dim: true })]);
  return (
    <Panel
      width={width}
      height={height}
      title={title(shown)}
      foot={entries.length === 0 ? [] : [span(`${grouped(from + 1)}-${grouped(to)} of ${countText(shown)}`)]}
      isFocused={true}
      wheel={() => ({})}
      content={[failureHeading(inner), ...(entries.length === 0 ? [none] : lines)]}
    />
  );
}

/** Of all rows. Without a filter it is known; otherwise only for what has been read, as in `100+`. */
function countText({ pages, view, failedTotal }: Shown): string {
  const { entries, next, total } = pages;
  if (next === null) return grouped(entries.length);
  if (view.filter !== '' || view.group !== null) return `${grouped(entries.length)}+`;
  return grouped(Math.max(entries.length, failedTotal ?? total ?? 0));
}

function title({ pages, view, failedTotal }: Shown): Part[] {
  const { filter, marked, isAllMarked, group } = view;
  const total = failedTotal ?? pages.total;
  const parts: Part[] = [span('Failures', { bold: true })];
  if (total !== null) parts.push(span(`  ${grouped(total)}`));
  if (group !== null) parts.push(span(`  group: ${groupWords(group)}`, { color: 'yellow', bold: true }));
  if (filter !== '') parts.push(span(`  filter: ${filter}`, { color: 'yellow' }));
  if (isAllMarked) parts.push(span('  all matches are marked', { color: 'yellow', bold: true }));
  else if (marked.size > 0) parts.push(span(`  ${marked.size} marked`, { color: 'yellow', bold: true }));
  if (pages.isLoading) parts.push(span('  reading…', { dim: true }));
  return parts;
}

function nothing({ pages, view }: Shown): string {
  if (pages.trouble !== null) return pages.trouble;
  if (pages.total === null || pages.isLoading) return 'reading…';
  if (view.group !== null) return 'no failure of this group is left; Esc shows the groups';
  return view.filter === '' ? 'no failures' : 'no failure matches; Esc clears the filter';
}

/** The failure under the cursor, as far as there is room. Enter shows all of it. */
function FailureDetail({ height }: { readonly height: number }): ReactNode {
  const { entry, width } = useFrame(({ failurePages: { entries }, view, size }) => ({
    entry: entries[indexOfKey(failureKeys(entries), view.failures.cursor)] ?? null,
    width: size.columns,
  }));
  const lines = entry === null ? [] : failureDetail(entry, innerWidth(width), false);
  const hidden = lines.length - innerHeight(height);
  return (
    <Panel
      width={width}
      height={height}
      title={[span('detail', { dim: true })]}
      foot={hidden > 0 ? [span(`${plural(hidden, 'more line')}, Enter shows all`, { dim: true })] : []}
      isFocused={false}
      content={lines}
    />
  );
}

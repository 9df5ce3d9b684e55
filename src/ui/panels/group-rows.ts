/** Failures in groups as a table, and one group in full. */
import { grouped, plural } from '../../messages/quantities.ts';
import type { FailureGroup } from '../../protocol/commands.ts';
import { selected } from '../layout/framed.ts';
import { cell, clickableRow, type Line, lineOf, restyled, span, type ViewChange } from '../text/line.ts';
import { wrap } from '../text/wrap.ts';
import { flowing } from './detail-lines.ts';
import { failedAtCell } from './failure-rows.ts';

export interface GroupRowsProps {
  readonly groups: readonly FailureGroup[];
  /** Whether the queue is a part of the groups, and shown. */
  readonly hasQueues: boolean;
  readonly width: number;
  readonly from: number;
  readonly to: number;
  /** -1 if there is none. */
  readonly cursor: number;
  readonly nowMs: number;
  /** Moves the cursor to the group at this index. */
  readonly select: (index: number) => ViewChange;
}

const countColumns = 8;
const timeColumns = 9;

export function groupHeading(width: number, hasQueues: boolean): Line {
  const { exception, jobClass, queue, hasExample } = columnsFor(width, hasQueues);
  const style = { dim: true };
  return lineOf(width, [
    cell('COUNT', countColumns, style, 'right'),
    span('  '),
    cell('LAST', timeColumns, style),
    cell('EXCEPTION', exception, style),
    cell('CLASS', jobClass, style),
    cell('QUEUE', queue, style),
    span(hasExample ? 'EXAMPLE' : '', style),
  ]);
}

export function groupRows(props: GroupRowsProps): Line[] {
  const { groups, hasQueues, width, from, to, cursor, nowMs, select } = props;
  const { exception, jobClass, queue, hasExample } = columnsFor(width, hasQueues);
  return groups.slice(from, to).map((group, at) => {
    const isSelected = from + at === cursor;
    const error = (group.example.error ?? '').trimStart().split('\n', 1)[0] ?? '';
    const line = lineOf(width, [
      span(isSelected ? '▸' : ' '),
      cell(grouped(group.count), countColumns - 1, {}, 'right'),
      span('  '),
      cell(failedAtCell(group.lastFailedAt, nowMs), timeColumns, { dim: !isSelected }),
      cell(group.exception ?? '-', exception - 1, { color: 'red' }),
      span(' '),
      cell(group.jobClass ?? '-', jobClass - 1, { bold: true }),
      span(' '),
      cell(group.queue ?? '-', Math.max(0, queue - 1)),
      span(queue === 0 ? '' : ' '),
      span(hasExample ? error : ''),
    ]);
    return clickableRow(isSelected ? restyled(line, selected) : line, isSelected, select(from + at));
  });
}

/** In a narrow table with queues there is no room for examples; the details below have one. */
function columnsFor(width: number, hasQueues: boolean) {
  if (hasQueues && width < 70) return { exception: 15, jobClass: 12, queue: 10, hasExample: false };
  const isWide = width >= 90;
  return {
    hasExample: true,
    exception: isWide ? 26 : 17,
    jobClass: isWide ? 22 : 13,
    queue: hasQueues ? (isWide ? 16 : 11) : 0,
  };
}

export function groupDetail(group: FailureGroup, width: number): Line[] {
  const heading = (text: string) => lineOf(width, [span(text, { dim: true })]);
  const body = (text: string) =>
    wrap(text.trimEnd(), Math.max(1, width - 2)).map((line) => lineOf(width, [span(`  ${line}`)]));
  const { exception, jobClass, queue, count, retryable, firstFailedAt, lastFailedAt, example } = group;
  const counts = [span(`${plural(count, 'failure')}, ${grouped(retryable)} can be retried`)];
  const dates = [
    [span(`first ${firstFailedAt ?? '(unknown)'}`, { dim: true })],
    [span(`last ${lastFailedAt ?? '(unknown)'}`, { dim: true })],
  ];
  const first = flowing([counts, ...dates], width);
  // In a narrow panel, the example is worth more than the dates.
  const isNarrow = first.length > 1;
  return [
    ...flowing(
      [
        [span(exception ?? '(no exception)', { color: 'red', bold: true })],
        [span(jobClass ?? '(no class)', { bold: true })],
        ...(queue === undefined ? [] : [[span(`queue ${queue ?? '(none)'}`)]]),
      ],
      width,
    ),
    ...(isNarrow ? flowing([counts], width) : first),
    heading('example'),
    ...(example.error === null ? [] : body(example.error)),
    ...(example.args === '' ? [] : [heading('args'), ...body(example.args)]),
    ...(isNarrow ? flowing(dates, width) : []),
  ];
}

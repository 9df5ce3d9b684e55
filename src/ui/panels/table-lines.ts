/** The lines of all queues as one table: for small terminals, and for more queues than there is room for panels. */
import { grouped } from '../../messages/quantities.ts';
import type { AppState } from '../../store/app-store.ts';
import { poolOf, queueStatus, ratePerSecond } from '../../store/selectors.ts';
import type { QueueSort } from '../../store/view.ts';
import { framed, innerHeight, innerWidth, selected } from '../layout/framed.ts';
import { windowOf } from '../layout/layout.ts';
import { failingShare } from '../lists/queue-order.ts';
import { jobsOfRow, type QueueRow, queueRows } from '../lists/queue-rows.ts';
import {
  cell,
  clickableRow,
  gap,
  type Line,
  lineOf,
  type Part,
  restyled,
  type Style,
  span,
} from '../text/line.ts';
import { barSpans, isMember, pending, slotsText } from './queue-lines.ts';
import { failingStyle, perSecond, remarksOn, sortNames, statusStyles, statusText } from './words.ts';

export interface TableLinesProps {
  readonly state: Pick<AppState, 'model' | 'view'>;
  readonly queues: readonly QueueRow[];
  readonly cursor: number;
  readonly isFocused: boolean;
  readonly width: number;
  readonly height: number;
  readonly nowMs: number;
}

const barColumns = 6;

interface TableColumns {
  readonly name: number;
  /** With room for the bar and `10/12 (config 10)`, unless the table is narrow. */
  readonly slots: number;
  /** A narrow table has no bars and no rates, to make room for the state. */
  readonly isNarrow: boolean;
}

function columnsFor(width: number): TableColumns {
  if (width < 70) return { name: 12, slots: 10, isNarrow: true };
  const slots = width >= 90 ? 26 : 20;
  return { name: Math.max(12, Math.min(40, width - 42 - slots)), slots, isNarrow: false };
}

export function tableLines(props: TableLinesProps): Line[] {
  const { state, queues, cursor, isFocused, width, height } = props;
  const inner = innerWidth(width);
  const { from, to } = windowOf(queues.length, cursor, innerHeight(height) - 1);
  const columns = columnsFor(inner);
  const { filter, sort } = state.view.queues;
  const head = (text: string, by: QueueSort, width: number, align: 'left' | 'right' = 'left') =>
    cell(sort === by ? `${text}▾` : text, width, sort === by ? { bold: true } : { dim: true }, align);
  const heading = lineOf(inner, [
    head('  QUEUE', 'name', columns.name + 2),
    head('SLOTS', 'slots', columns.slots),
    head('WAITING', 'waiting', 9, 'right'),
    ...(columns.isNarrow ? [] : [head('RATE', 'rate', 8, 'right')]),
    head('FAIL', 'failed', 7, 'right'),
    span('  '),
    head('STATE', 'attention', 6),
  ]);
  const rows = queues
    .slice(from, to)
    .map((queue, at) => row(queue, columns, inner, from + at === cursor, props));
  const title: Part[] = [span('Queues', { bold: true }), span(`  by ${sortNames[sort]}`, { dim: true })];
  if (filter !== '')
    title.push(
      span(`  /${filter}  ${queues.length} of ${queueRows(state.model).length}`, { color: 'yellow' }),
    );
  const foot = queues.length > to - from ? [span(`${from + 1}-${to} of ${grouped(queues.length)}`)] : [];
  return framed({ width, height, title, foot, isFocused, content: [heading, ...rows] });
}

function row(
  queue: QueueRow,
  columns: TableColumns,
  width: number,
  isSelected: boolean,
  { state, isFocused, nowMs }: TableLinesProps,
): Line {
  const { model } = state;
  const running = jobsOfRow(model, queue).length;
  const runner = poolOf(model, queue);
  const status = queueStatus(queue, runner, running, model.engine);
  const remarks = remarksOn(queue, runner, status);
  const total = runner?.concurrency ?? running;
  const boxes = isMember(queue, runner) ? [] : barSpans(running, total, barColumns);
  const isPaused = queue.pauses.length > 0 && status !== 'unstartable' && status !== 'unreadable';
  const tint: Style = { ...failingStyle(failingShare(queue, nowMs)), ...(isPaused ? { dim: true } : {}) };
  const cells: Part[] = [
    span(isSelected ? '▸ ' : '  '),
    cell(queue.name, columns.name, { bold: true, ...tint }),
    ...lineOf(columns.slots, [
      ...(columns.isNarrow ? [] : lineOf(barColumns + 1, boxes)),
      ...slotsText(queue, runner, running),
    ]),
    cell(pending(queue), 9, {}, 'right'),
    ...(columns.isNarrow ? [] : [cell(perSecond(ratePerSecond(queue.throughput, nowMs)), 8, {}, 'right')]),
    cell(grouped(queue.failed), 7, queue.failed > 0 ? { color: 'red' } : { dim: true }, 'right'),
    ...(remarks.every((remark) => remark.state === '')
      ? [span(`  ${statusText(status, queue)}`, statusStyles[status])]
      : []),
    ...remarks.flatMap(({ state, style, reason }) => [
      span(state === '' ? '' : `  ${state}`, style),
      span(reason === null ? '' : ` ${reason}`, { dim: true }),
    ]),
    gap,
  ];
  const line = lineOf(width, cells, tint);
  const hasFocus = isSelected && isFocused;
  return clickableRow(hasFocus ? restyled(line, selected) : line, hasFocus, ({ queues }) => ({
    queues: {
      ...queues,
      pane: 'queues',
      queue: queue.name,
      jobId: isSelected ? queues.jobId : null,
    },
  }));
}

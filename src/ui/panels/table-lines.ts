/** The lines of all queues as one table: for small terminals, and for more queues than there is room for panels. */
import { grouped } from '../../messages/quantities.ts';
import type { QueueState } from '../../protocol/snapshot.ts';
import type { AppState } from '../../store/app-store.ts';
import { jobsOf, poolOf, queueStatus, ratePerSecond } from '../../store/selectors.ts';
import { framed, innerHeight, innerWidth, selected } from '../layout/framed.ts';
import { windowOf } from '../layout/layout.ts';
import { bar } from '../text/figures.ts';
import { cell, clickableRow, gap, type Line, lineOf, type Part, restyled, span } from '../text/line.ts';
import { pending, slotsText } from './queue-lines.ts';
import { perSecond, remarksOn, statusStyles, statusText } from './words.ts';

export interface TableLinesProps {
  readonly state: Pick<AppState, 'model' | 'view'>;
  readonly queues: readonly QueueState[];
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
  const heading = lineOf(inner, [
    cell('  QUEUE', columns.name + 2, { dim: true }),
    cell('SLOTS', columns.slots, { dim: true }),
    cell('WAITING', 9, { dim: true }, 'right'),
    ...(columns.isNarrow ? [] : [cell('RATE', 8, { dim: true }, 'right')]),
    cell('FAIL', 7, { dim: true }, 'right'),
    span('  STATE', { dim: true }),
  ]);
  const rows = queues
    .slice(from, to)
    .map((queue, at) => row(queue, columns, inner, from + at === cursor, props));
  const { filter } = state.view.queues;
  const title: Part[] = [span('Queues', { bold: true })];
  if (filter !== '')
    title.push(span(`  /${filter}  ${queues.length} of ${state.model.queues.length}`, { color: 'yellow' }));
  const foot = queues.length > to - from ? [span(`${from + 1}-${to} of ${grouped(queues.length)}`)] : [];
  return framed({ width, height, title, foot, isFocused, content: [heading, ...rows] });
}

function row(
  queue: QueueState,
  columns: TableColumns,
  width: number,
  isSelected: boolean,
  { state, isFocused, nowMs }: TableLinesProps,
): Line {
  const { model } = state;
  const running = jobsOf(model, queue.name).length;
  const runner = poolOf(model, queue);
  const status = queueStatus(queue, runner, running, model.engine);
  const remarks = remarksOn(queue, runner, status);
  const total = runner?.concurrency ?? running;
  const line = lineOf(width, [
    span(isSelected ? '▸ ' : '  '),
    cell(queue.name, columns.name, { bold: true }),
    ...lineOf(columns.slots, [
      ...(columns.isNarrow
        ? []
        : [cell(bar(running, total, Math.min(total, barColumns)), barColumns + 1, { color: 'green' })]),
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
  ]);
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

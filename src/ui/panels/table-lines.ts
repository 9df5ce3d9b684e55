/** The lines of all queues as one table: for small terminals, and for more queues than there is room for panels. */
import { grouped } from '../../messages/quantities.ts';
import type { PoolView } from '../../protocol/events.ts';
import type { Snapshot } from '../../protocol/snapshot.ts';
import type { AppState } from '../../store/app-store.ts';
import { poolOf, queueStatus, ratePerSecond } from '../../store/selectors.ts';
import type { QueueSort } from '../../store/view.ts';
import { framed, innerHeight, innerWidth, selected } from '../layout/framed.ts';
import { windowOf } from '../layout/layout.ts';
import { failingShare } from '../lists/queue-order.ts';
import { jobsOfRow, type QueueRow, queueRows } from '../lists/queue-rows.ts';
import { columns as columnsOf } from '../text/columns.ts';
import {
  cell,
  clickableRow,
  type Line,
  lineOf,
  type Part,
  restyled,
  type Span,
  type Style,
  span,
  widthOf,
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
const cursorColumns = 2;
const gapColumns = 2;
/** As wide as `‖ PAUSED, draining`: bars and rates leave this much, so they don't come and go with the states. */
const usualStateColumns = 18;
const leastSlotsColumns = 6;
const leastNameColumns = 12;
/** ` …` */
const cutColumns = 2;
/** A longer name gets more only if that cuts no reason. */
const usualNameColumns = 40;

/** What a row says, before its columns are known. */
interface Row {
  readonly queue: QueueRow;
  readonly runner: PoolView | null;
  readonly running: number;
  readonly tint: Style;
  readonly slots: readonly Part[];
  readonly rate: string;
  readonly state: readonly Span[];
  /** Columns of the first state, and of the sign that its reason is cut. */
  readonly stateColumns: number;
}

interface TableColumns {
  readonly name: number;
  readonly hasBar: boolean;
  /** With the bar. */
  readonly slots: number;
  readonly waiting: number;
  /** 0 if there is no room for rates. */
  readonly rate: number;
  readonly failed: number;
}

export function tableLines(props: TableLinesProps): Line[] {
  const { state, queues, cursor, isFocused, width, height, nowMs } = props;
  const inner = innerWidth(width);
  const { from, to } = windowOf(queues.length, cursor, innerHeight(height) - 1);
  const rows = queues.slice(from, to).map((queue) => rowOf(queue, state.model, nowMs));
  const columns = columnsFor(rows, inner);
  const lines = rows.map((row, at) => rowLine(row, columns, inner, from + at === cursor, isFocused));
  const { filter, sort } = state.view.queues;
  const title: Part[] = [span('Queues', { bold: true }), span(`  by ${sortNames[sort]}`, { dim: true })];
  if (filter !== '')
    title.push(
      span(`  /${filter}  ${queues.length} of ${queueRows(state.model).length}`, { color: 'yellow' }),
    );
  const foot = queues.length > to - from ? [span(`${from + 1}-${to} of ${grouped(queues.length)}`)] : [];
  return framed({
    width,
    height,
    title,
    foot,
    isFocused,
    content: [heading(columns, sort, inner), ...lines],
  });
}

function rowOf(queue: QueueRow, model: Snapshot, nowMs: number): Row {
  const running = jobsOfRow(model, queue).length;
  const runner = poolOf(model, queue);
  const status = queueStatus(queue, runner, running, model.engine);
  const remarks = remarksOn(queue, runner, status);
  const plain: Span[] = remarks.every((remark) => remark.state === '')
    ? [span(statusText(status, queue), statusStyles[status])]
    : [];
  const remarked = remarks.flatMap(({ state, style, reason }, at) => [
    span(state === '' ? '' : `${at === 0 ? '' : '  '}${state}`, style),
    span(reason === null ? '' : ` ${reason}`, { dim: true }),
  ]);
  const state = [...plain, ...remarked].filter(({ width }) => width > 0);
  const [word = span('')] = state;
  const isPaused = queue.pauses.length > 0 && status !== 'unstartable' && status !== 'unreadable';
  return {
    queue,
    runner,
    running,
    tint: { ...failingStyle(failingShare(queue, nowMs)), ...(isPaused ? { dim: true } : {}) },
    slots: slotsText(queue, runner, running),
    rate: perSecond(ratePerSecond(queue.throughput, nowMs)),
    state,
    stateColumns: word.width + (state.length > 1 ? cutColumns : 0),
  };
}

/** Each column is as wide as its cells. The slots, then the names make room for the states, which take the rest. */
function columnsFor(rows: readonly Row[], width: number): TableColumns {
  const widest = (least: number, columnsOf: (row: Row) => number) => Math.max(least, ...rows.map(columnsOf));
  const slots = widest(leastSlotsColumns, (row) => widthOf(row.slots));
  const forBars = widest(slots, (row) => barColumnsOf(row) + widthOf(row.slots)) - slots;
  const waiting = widest(8, ({ queue }) => pending(queue).length);
  const rate = widest(6, (row) => row.rate.length);
  const failed = widest(5, ({ queue }) => grouped(queue.failed).length);
  const others = cursorColumns + gapColumns + slots + gapColumns + waiting + gapColumns + failed + gapColumns;
  const reasons = widest(0, ({ state }) => widthOf(state));
  const longestName = widest(6, ({ queue }) => columnsOf(queue.name));
  const name = Math.min(longestName, Math.max(usualNameColumns, width - others - reasons));
  const state = widest(5, ({ stateColumns }) => stateColumns);
  const missing = Math.max(0, others + name + state - width);
  const fewerSlots = Math.min(missing, slots - leastSlotsColumns);
  const room = width - others - name - Math.max(state, usualStateColumns);
  const hasRate = room >= gapColumns + rate;
  const hasBar = room - (hasRate ? gapColumns + rate : 0) >= forBars;
  return {
    name: Math.max(Math.min(name, leastNameColumns), name - (missing - fewerSlots)),
    hasBar,
    slots: slots + (hasBar ? forBars : 0) - fewerSlots,
    waiting,
    rate: hasRate ? rate : 0,
    failed,
  };
}

const columnGap = span(' '.repeat(gapColumns));

function heading(columns: TableColumns, sort: QueueSort, width: number): Line {
  const head = (text: string, by: QueueSort, own: number, align: 'left' | 'right' = 'left') =>
    cell(sort === by ? `${text}▾` : text, own, sort === by ? { bold: true } : { dim: true }, align);
  return lineOf(width, [
    head('  QUEUE', 'name', cursorColumns + columns.name),
    columnGap,
    head('SLOTS', 'slots', columns.slots),
    columnGap,
    head('WAITING', 'waiting', columns.waiting, 'right'),
    ...(columns.rate === 0 ? [] : [columnGap, head('RATE', 'rate', columns.rate, 'right')]),
    columnGap,
    head('FAIL', 'failed', columns.failed, 'right'),
    columnGap,
    head('STATE', 'attention', 6),
  ]);
}

/** A queue that shares the slots of an entry has no bar: the entry's row has it. */
function barColumnsOf({ queue, runner }: Row): number {
  return isMember(queue, runner) ? 0 : barColumns + 1;
}

function rowLine(
  row: Row,
  columns: TableColumns,
  width: number,
  isSelected: boolean,
  isFocused: boolean,
): Line {
  const { queue, runner, running, tint, slots, rate, state } = row;
  const boxes = barSpans(running, runner?.concurrency ?? running, barColumns);
  const cells: Part[] = [
    span(isSelected ? '▸ ' : '  '),
    cell(queue.name, columns.name, { bold: true, ...tint }),
    columnGap,
    ...lineOf(columns.slots, [...(columns.hasBar ? lineOf(barColumnsOf(row), boxes) : []), ...slots]),
    columnGap,
    cell(pending(queue), columns.waiting, {}, 'right'),
    ...(columns.rate === 0 ? [] : [columnGap, cell(rate, columns.rate, {}, 'right')]),
    columnGap,
    cell(grouped(queue.failed), columns.failed, queue.failed > 0 ? { color: 'red' } : { dim: true }, 'right'),
    columnGap,
    ...state,
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

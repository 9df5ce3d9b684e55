/** The queues in a terminal that is too small for panels: a line for each queue. Enter opens the queue's page. */
import type { ReactNode } from 'react';
import type { Snapshot } from '../../protocol/snapshot.ts';
import { poolOf, queueStatus } from '../../store/selectors.ts';
import { Canvas } from '../frame/canvas.tsx';
import { useFrame } from '../frame/use-frame.ts';
import { selected } from '../layout/framed.ts';
import { windowOf } from '../layout/layout.ts';
import { jobsOfRow, type QueueRow } from '../lists/queue-rows.ts';
import { listedQueues, selectedQueue } from '../lists/selection.ts';
import { isMember, pending } from '../panels/queue-lines.ts';
import { remarksOn, statusStyles, statusText } from '../panels/words.ts';
import { columns } from '../text/columns.ts';
import { cell, clickableRow, type Line, lineOf, restyled, type Span, span } from '../text/line.ts';

export function CompactScreen({ rows }: { readonly rows: number }): ReactNode {
  const { queues, cursor, model, width } = useFrame((frame) => ({
    queues: listedQueues(frame),
    cursor: selectedQueue(frame),
    model: frame.model,
    width: frame.size.columns,
  }));
  const at = cursor === null ? -1 : queues.indexOf(cursor);
  const { from, to } = windowOf(queues.length, at, rows);
  const shown = queues.slice(from, to);
  const lines = queueLines(
    shown.map((queue) => rowOf(queue, model)),
    width,
  ).map((line, row) => {
    const isSelected = from + row === at;
    const name = shown[row]?.name ?? null;
    return clickableRow(isSelected ? restyled(line, selected) : line, isSelected, (view) => ({
      queues: { ...view.queues, queue: name, jobId: null },
    }));
  });
  const why = model.queues.length === 0 ? 'no queues yet' : 'nothing matches; Esc clears the filter';
  const none = lineOf(width, [span(` ${why}`, { dim: true })]);
  return <Canvas width={width} lines={lines.length === 0 ? [none] : lines} wheel={() => ({})} />;
}

interface Row {
  readonly name: string;
  readonly state: Span;
  /** `2/6` */
  readonly slots: string;
  readonly waiting: string;
}

function rowOf(queue: QueueRow, model: Snapshot): Row {
  const running = jobsOfRow(model, queue).length;
  const pool = poolOf(model, queue);
  const status = queueStatus(queue, pool, running, model.engine);
  const remark = remarksOn(queue, pool, status).find(({ state }) => state !== '');
  return {
    name: queue.name,
    state:
      remark === undefined
        ? span(statusText(status, queue), statusStyles[status])
        : span(remark.state, remark.style),
    slots: isMember(queue, pool) ? String(running) : `${running}/${pool?.concurrency ?? running}`,
    waiting: pending(queue),
  };
}

const cursorColumns = 1;
const gapColumns = 2;

/** Name, state and jobs in columns. Names take the rest of the row, and get the room of the word `waiting` if they need it. */
function queueLines(rows: readonly Row[], width: number): Line[] {
  const widest = (text: (row: Row) => string) => Math.max(0, ...rows.map((row) => columns(text(row))));
  const state = widest((row) => row.state.text);
  const slots = widest((row) => row.slots);
  const waiting = widest((row) => row.waiting);
  const word = ' waiting';
  const forNames = width - cursorColumns - state - slots - waiting - 3 * gapColumns - 1;
  const hasWord = forNames - word.length >= widest((row) => row.name);
  const gap = span(' '.repeat(gapColumns));
  return rows.map((row) =>
    lineOf(width, [
      span(' '),
      cell(row.name, hasWord ? forNames - word.length : forNames, { bold: true }),
      gap,
      cell(row.state.text, state, row.state.style),
      gap,
      cell(row.slots, slots, {}, 'right'),
      gap,
      cell(row.waiting, waiting, {}, 'right'),
      span(hasWord ? word : '', { dim: true }),
    ]),
  );
}

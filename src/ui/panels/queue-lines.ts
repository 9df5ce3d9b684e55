/** The lines of one queue: its slots, its running jobs with their latest output, what keeps it from running, and its last failure. */
import { grouped } from '../../messages/quantities.ts';
import type { PoolView } from '../../protocol/events.ts';
import type { EngineState, QueueState, RunningJob } from '../../protocol/snapshot.ts';
import { bucketsAt, isChanged, queueStatus, ratePerSecond } from '../../store/selectors.ts';
import { framed, innerHeight, innerWidth, selected } from '../layout/framed.ts';
import { windowOf } from '../layout/layout.ts';
import { failingShare } from '../lists/queue-order.ts';
import type { QueueRow } from '../lists/queue-rows.ts';
import { bar, elapsed, sparkline } from '../text/figures.ts';
import { cut } from '../text/fit.ts';
import {
  cell,
  clickable,
  clickableRow,
  gap,
  type Line,
  lineOf,
  type Part,
  restyled,
  type Span,
  span,
  type ViewChange,
  widthOf,
} from '../text/line.ts';
import { wrapWords } from '../text/wrap.ts';
import { age, failingStyle, howItEnded, perSecond, type Remark, remarksOn, sentText } from './words.ts';

export interface QueueLinesProps {
  readonly queue: QueueRow;
  readonly runner: PoolView | null;
  readonly engine: EngineState | null;
  readonly jobs: readonly RunningJob[];
  readonly isFocused: boolean;
  /** Index of the job under the cursor. */
  readonly cursor: number;
  readonly width: number;
  readonly height: number;
  readonly nowMs: number;
}

const sparkColumns = 8;

export function queueLines(props: QueueLinesProps): Line[] {
  const { queue, runner, engine, jobs, isFocused, cursor, width, height, nowMs } = props;
  const remarks = remarksOn(queue, runner, queueStatus(queue, runner, jobs.length, engine));
  const inner = innerWidth(width);
  const rows = innerHeight(height);
  // An idle queue has one line for everything.
  const isCompact = rows < 3;
  const slots = isMember(queue, runner)
    ? []
    : barSpans(jobs.length, runner?.concurrency ?? jobs.length, Math.floor(inner / 2));
  const boxes = slots.length === 0 ? [] : [...slots, span('  ')];
  const failures = lastFailure(queue, nowMs);
  const head = isCompact
    ? [reasonLines(remarks, inner, 1)[0] ?? lineOf(inner, [...boxes, ...failures])]
    : headLines(boxes, remarks, inner, Math.max(1, Math.floor(rows / 2)));
  const foot = isCompact ? [] : [lineOf(inner, failures)];
  const room = Math.max(0, rows - head.length - foot.length);
  const selectQueue = (jobId: string | null): ViewChange => {
    return ({ queues }) => ({ queues: { ...queues, pane: 'queues', queue: queue.name, jobId } });
  };
  const body = runningLines(jobs, inner, room, isFocused ? cursor : null, nowMs, ({ id }) => selectQueue(id));
  const blanks = Array.from({ length: room - body.length }, () => lineOf(inner, []));
  const content = [...head, ...body, ...blanks, ...foot];
  return framed({ width, height, title: title(props, remarks), isFocused, content }).map((line) =>
    clickable(line, { select: selectQueue(null) }),
  );
}

function title(
  { queue, runner, jobs, isFocused, width, nowMs }: QueueLinesProps,
  remarks: readonly Remark[],
): Part[] {
  const { color = isFocused ? 'cyan' : undefined } = failingStyle(failingShare(queue, nowMs));
  const isPaused = queue.pauses.length > 0;
  const parts: Part[] = [span(queue.name, { bold: true, color, dim: isPaused && !isFocused }), span('  ')];
  for (const { state, style } of remarks) if (state !== '') parts.push(span(`${state}  `, style));
  parts.push(...slotsText(queue, runner, jobs.length), span(`  ${pending(queue)} waiting`));
  if (width >= 50) {
    parts.push(span(`  ${sparkline(bucketsAt(queue.throughput, nowMs, sparkColumns))}`, { dim: true }));
    parts.push(span(` ${perSecond(ratePerSecond(queue.throughput, nowMs))}`));
  }
  return parts;
}

/** Whether its slots are those of an entry that has a row of its own. */
export function isMember(queue: QueueState, runner: PoolView | null): boolean {
  return runner !== null && runner.key !== queue.name;
}

/** `4/6`; with the config's number if that differs; `2 of mail_*` if the slots are the entry's. */
export function slotsText(queue: QueueState, runner: PoolView | null, running: number): Part[] {
  if (runner === null) return [span(String(running))];
  if (isMember(queue, runner)) return [span(String(running)), span(` of ${runner.key}`, { dim: true })];
  const parts: Part[] = [span(`${running}/${runner.concurrency}`)];
  if (isChanged(runner)) parts.push(span(` (config ${runner.configuredConcurrency})`, { color: 'yellow' }));
  return parts;
}

export function pending({ backlog }: QueueState): string {
  if (backlog === null) return '…';
  return backlog < 0 ? '?' : grouped(backlog);
}

/** A box for each slot, at most `width`: the free ones are gray. */
export function barSpans(used: number, total: number, width: number): Span[] {
  const boxes = bar(used, total, Math.min(total, width));
  const free = boxes.indexOf('□');
  if (free === -1) return [span(boxes, { color: 'green' })];
  return [span(boxes.slice(0, free), { color: 'green' }), span(boxes.slice(free), { color: 'gray' })];
}

/** The slots, and why the queue takes no jobs: beside them, or below if there isn't enough room. */
function headLines(boxes: readonly Span[], remarks: readonly Remark[], width: number, rows: number): Line[] {
  const why = remarks.flatMap(({ reason, reasonStyle }) =>
    reason === null ? [] : [span(reason, reasonStyle), span('  ')],
  );
  if (widthOf([...boxes, ...why]) <= width + 2)
    return why.length + boxes.length === 0 ? [] : [lineOf(width, [...boxes, ...why])];
  return [...(boxes.length === 0 ? [] : [lineOf(width, boxes)]), ...reasonLines(remarks, width, rows)];
}

/** Why a queue takes no jobs, or fewer, wrapped to at most so many rows. */
export function reasonLines(remarks: readonly Remark[], width: number, rows: number): Line[] {
  const lines = remarks.flatMap(({ reason, reasonStyle }) =>
    reason === null ? [] : wrapWords(reason, width).map((text) => ({ text, style: reasonStyle })),
  );
  return lines.slice(0, rows).map(({ text, style }, at) => {
    const isCut = at === rows - 1 && lines.length > rows;
    return lineOf(width, [span(isCut ? cut(`${text} …`, width) : text, style)]);
  });
}

interface JobLineProps {
  readonly width: number;
  readonly nowMs: number;
  /** The same for all jobs, so that their classes are below each other. */
  readonly idColumns: number;
  /** The jobs are of several queues. */
  readonly hasQueue: boolean;
}

/**
 * One row per job and, below it, the latest line of its output if there is any. The last job goes without its output if that
 * shows one job more.
 */
export function runningLines(
  jobs: readonly RunningJob[],
  width: number,
  rows: number,
  cursor: number | null,
  nowMs: number,
  select: (job: RunningJob) => ViewChange,
): Line[] {
  if (rows <= 0) return [];
  const needed = jobs.reduce((sum, job) => sum + (job.lastLine === null ? 1 : 2), 0);
  const hasAll = needed <= rows || (needed === rows + 1 && (jobs.at(-1)?.lastLine ?? null) !== null);
  // One row says how many more there are.
  const room = hasAll || rows === 1 ? rows : rows - 1;
  const perJob = 2;
  const { from } = windowOf(jobs.length, cursor ?? 0, hasAll ? jobs.length : Math.ceil(room / perJob));
  const idColumns = Math.max(...jobs.map(({ id }) => id.length), 0) + 3;
  const hasQueue = jobs.some(({ queue }) => queue !== jobs[0]?.queue);
  const lines: Line[] = [];
  let shown = from;
  for (; shown < jobs.length; shown += 1) {
    const job = jobs[shown];
    if (job === undefined) break;
    const isSelected = shown === cursor;
    const left = room - lines.length;
    if (left === 0) break;
    const own = jobLines(job, { width, nowMs, idColumns, hasQueue }, isSelected).map((line) =>
      clickableRow(line, isSelected, select(job)),
    );
    lines.push(...own.slice(0, left));
  }
  const more = jobs.length - shown + from;
  if (more > 0 && lines.length < rows) lines.push(lineOf(width, [span(`… ${more} more`, { dim: true })]));
  return lines;
}

const queueColumns = 14;

function jobLines(
  job: RunningJob,
  { width, nowMs, idColumns, hasQueue }: JobLineProps,
  isSelected: boolean,
): Line[] {
  const killed: Part[] =
    job.killed === null ? [] : [gap, span(sentText(job.killed.signal), { color: 'yellow' })];
  const { attempt: run } = job;
  // The first run of a job needs no words.
  const isAgain = run !== undefined && run.number > 1;
  const attempt: Part[] = isAgain ? [span(`  try ${run.number}/${run.of}`, { color: 'yellow' })] : [];
  const row = lineOf(width, [
    cell(elapsed(nowMs - job.startedAtMs), 6, {}, 'left'),
    cell(`#${job.id}`, idColumns, { dim: true }),
    ...(hasQueue ? [cell(job.queue, queueColumns, {}), span(' ')] : []),
    span(job.jobClass ?? '(no class)', { bold: true }),
    span(` ${job.args}`),
    ...attempt,
    ...killed,
  ]);
  const lines = [isSelected ? restyled(row, selected) : row];
  if (job.lastLine !== null)
    lines.push(lineOf(width, [span('      '), span(job.lastLine.text, { dim: true })]));
  return lines;
}

function lastFailure({ failed, lastFailure: last }: QueueState, nowMs: number): Span[] {
  if (last === null) return [span('✗ 0', { dim: true })];
  const { failure, atMs } = last;
  return [
    span(`✗ ${grouped(failed)}`, { color: 'red' }),
    span(` last: ${age(nowMs - atMs)} ${howItEnded(failure)} `),
    span(`${failure.jobClass ?? '(no class)'} `),
    span(`${failure.exception}: ${failure.error}`, { dim: true }),
  ];
}

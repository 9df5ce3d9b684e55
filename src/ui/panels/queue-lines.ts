/** The lines of one queue: its slots, its running jobs with their latest output, what keeps it from running, and its last failure. */
import { grouped } from '../../messages/quantities.ts';
import type { PoolView } from '../../protocol/events.ts';
import type { EngineState, QueueState, RunningJob } from '../../protocol/snapshot.ts';
import { bucketsAt, isChanged, queueStatus, ratePerSecond } from '../../store/selectors.ts';
import { framed, innerHeight, innerWidth, selected } from '../layout/framed.ts';
import { windowOf } from '../layout/layout.ts';
import { bar, elapsed, sparkline } from '../text/figures.ts';
import {
  cell,
  clickable,
  clickableRow,
  gap,
  type Line,
  lineOf,
  type Part,
  restyled,
  span,
  type ViewChange,
} from '../text/line.ts';
import { age, howItEnded, perSecond, type Remark, remarksOn } from './words.ts';

export interface QueueLinesProps {
  readonly queue: QueueState;
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
  const head = [slotsLine(props, remarks, inner)];
  const foot = [lastFailureLine(queue, inner, nowMs)];
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
  const parts: Part[] = [span(queue.name, { bold: true, color: isFocused ? 'cyan' : undefined }), span('  ')];
  for (const { state, style } of remarks) if (state !== '') parts.push(span(`${state}  `, style));
  parts.push(...slotsText(queue, runner, jobs.length), span(`  ${pending(queue)} waiting`));
  if (width >= 50) {
    parts.push(span(`  ${sparkline(bucketsAt(queue.throughput, nowMs, sparkColumns))}`, { dim: true }));
    parts.push(span(` ${perSecond(ratePerSecond(queue.throughput, nowMs))}`));
  }
  return parts;
}

/** `4/6`; with the config's number if that differs; `2/6 of mail_*` if queues share slots. */
export function slotsText(queue: QueueState, runner: PoolView | null, running: number): Part[] {
  if (runner === null) return [span(String(running))];
  const parts: Part[] = [span(`${running}/${runner.concurrency}`)];
  if (isChanged(runner)) parts.push(span(` (config ${runner.configuredConcurrency})`, { color: 'yellow' }));
  if (runner.key !== queue.name) parts.push(span(` of ${runner.key}`, { dim: true }));
  return parts;
}

export function pending({ backlog }: QueueState): string {
  if (backlog === null) return '…';
  return backlog < 0 ? '?' : grouped(backlog);
}

function slotsLine({ runner, jobs }: QueueLinesProps, remarks: readonly Remark[], width: number): Line {
  const total = runner?.concurrency ?? jobs.length;
  const columns = Math.min(total, Math.floor(width / 2));
  const why = remarks.flatMap(({ reason, reasonStyle }) =>
    reason === null ? [] : [span('  '), span(reason, reasonStyle)],
  );
  return lineOf(width, [span(bar(jobs.length, total, columns), { color: 'green' }), ...why]);
}

/** One row per job and, below it, the latest line of its output if there is any. */
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
  // One row says how many more there are.
  const room = needed <= rows ? rows : rows - 1;
  const perJob = 2;
  const { from } = windowOf(jobs.length, cursor ?? 0, Math.max(1, Math.floor(room / perJob)));
  const lines: Line[] = [];
  let shown = from;
  for (; shown < jobs.length; shown += 1) {
    const job = jobs[shown];
    if (job === undefined) break;
    const isSelected = shown === cursor;
    const own = jobLines(job, width, nowMs, isSelected).map((line) =>
      clickableRow(line, isSelected, select(job)),
    );
    if (lines.length + own.length > room) break;
    lines.push(...own);
  }
  const more = jobs.length - shown + from;
  if (more > 0) lines.push(lineOf(width, [span(`… ${more} more`, { dim: true })]));
  return lines;
}

function jobLines(job: RunningJob, width: number, nowMs: number, isSelected: boolean): Line[] {
  const killed: Part[] = job.killed === null ? [] : [gap, span(job.killed.signal, { color: 'yellow' })];
  const { attempt: run } = job;
  // The first run of a job needs no words.
  const isAgain = run !== undefined && run.number > 1;
  const attempt: Part[] = isAgain ? [span(`  try ${run.number}/${run.of}`, { color: 'yellow' })] : [];
  const row = lineOf(width, [
    cell(elapsed(nowMs - job.startedAtMs), 6, {}, 'left'),
    span(`#${job.id}  `, { dim: true }),
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

function lastFailureLine({ failed, lastFailure }: QueueState, width: number, nowMs: number): Line {
  if (lastFailure === null) return lineOf(width, [span('✗ 0', { dim: true })]);
  const { failure, atMs } = lastFailure;
  return lineOf(width, [
    span(`✗ ${grouped(failed)}`, { color: 'red' }),
    span(` last: ${age(nowMs - atMs)} ${howItEnded(failure)} `),
    span(`${failure.jobClass ?? '(no class)'} `),
    span(`${failure.exception}: ${failure.error}`, { dim: true }),
  ]);
}

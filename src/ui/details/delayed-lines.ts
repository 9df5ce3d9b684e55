/** Delayed jobs and schedules as rows of a table, and one in full. Pure. */
import { age as ageText, utcTime } from '../../messages/quantities.ts';
import type { DelayedInfo, ScheduleInfo } from '../../protocol/redis-views.ts';
import { type DelayedItem, dueAtOf } from '../../store/delayed-items.ts';
import { selected } from '../layout/framed.ts';
import { bodyLines, flowing, heading } from '../panels/detail-lines.ts';
import { timeCell } from '../panels/words.ts';
import { cell, type Line, lineOf, type Part, restyled, span } from '../text/line.ts';
import { wrapWords } from '../text/wrap.ts';

const timeColumns = 9;
const inColumns = 9;

function columnsFor(width: number): { readonly queue: number; readonly jobClass: number } {
  if (width < 70) return { queue: 8, jobClass: 12 };
  return width >= 90 ? { queue: 16, jobClass: 18 } : { queue: 10, jobClass: 14 };
}

export function delayedHeading(width: number): Line {
  const { queue, jobClass } = columnsFor(width);
  const style = { dim: true };
  return lineOf(width, [
    cell('', 4),
    cell('DUE', timeColumns, style),
    cell('IN', inColumns - 2, style, 'right'),
    cell('', 2),
    cell('QUEUE', queue, style),
    cell('CLASS', jobClass, style),
    span('ARGS', style),
  ]);
}

/** @param nowMs by Redis' clock */
export function delayedRow(item: DelayedItem, width: number, isSelected: boolean, nowMs: number): Line {
  const { queue, jobClass } = columnsFor(width);
  const dueAtMs = dueAtOf(item);
  const { job } = item.kind === 'job' ? item : { job: null };
  const isOverdue = dueAtMs !== null && dueAtMs < nowMs - 1_000;
  const its = item.kind === 'job' ? item.job : item.schedule;
  const line = lineOf(width, [
    span(isSelected ? '▸ ' : '  '),
    item.kind === 'schedule'
      ? span('↻ ', { color: 'cyan' })
      : span(job?.retry ? '↺ ' : '  ', { color: 'yellow' }),
    cell(dueAtMs === null ? 'never' : timeCell(dueAtMs, nowMs), timeColumns, { dim: !isSelected }),
    cell(inText(dueAtMs, nowMs), inColumns - 2, isOverdue ? { color: 'red' } : {}, 'right'),
    span('  '),
    cell(its.queue ?? '-', queue - 1),
    span(' '),
    cell(its.jobClass ?? '-', jobClass - 1, { bold: true }),
    span(' '),
    ...(item.kind === 'schedule' ? scheduleParts(item.schedule) : jobParts(item.job)),
  ]);
  return isSelected ? restyled(line, selected) : line;
}

/** `12 min`, `-3 s` if it is overdue. */
function inText(dueAtMs: number | null, nowMs: number): string {
  if (dueAtMs === null) return '-';
  const leftMs = dueAtMs - nowMs;
  return leftMs >= 0 ? ageText(leftMs) : `-${ageText(-leftMs)}`;
}

function scheduleParts({ name, timing, problem, args }: ScheduleInfo): Part[] {
  if (problem !== null) return [span(`${name}: `), span(problem, { color: 'red' })];
  return [span(`${name}, ${timing} `, { color: 'cyan' }), span(args, { dim: true })];
}

function jobParts({ retry, args, isReadable }: DelayedInfo): Part[] {
  if (!isReadable) return [span('not a JSON object: ', { color: 'red' }), span(args)];
  if (retry === null) return [span(args)];
  return [
    span(`${attemptText(retry)} `, { color: 'yellow' }),
    ...(retry.lastError === null ? [] : [span(`${retry.lastError}  `, { color: 'red' })]),
    span(args, { dim: true }),
  ];
}

/** `run 3/5`: the number of its next run, and of all runs. */
function attemptText({ attempt, of }: NonNullable<DelayedInfo['retry']>): string {
  return `run ${attempt}${of === null ? '' : `/${of}`}`;
}

/** Everything that is known of a delayed job or a schedule. */
export function delayedDetail(item: DelayedItem, width: number): Line[] {
  return item.kind === 'job' ? jobDetail(item.job, width) : scheduleDetail(item.schedule, width);
}

function jobDetail(
  { id, jobClass, queue, dueAtMs, args, isReadable, retry }: DelayedInfo,
  width: number,
): Line[] {
  return [
    ...flowing(
      [
        [span(jobClass ?? '(no class)', { bold: true })],
        [span('queue '), span(queue ?? "(none: it can't run)", { bold: true })],
        [span(dueAtMs === null ? 'never due' : `due ${utcTime(dueAtMs)}`)],
        [span(id, { dim: true })],
      ],
      width,
    ),
    ...(retry === null
      ? []
      : [
          lineOf(width, [
            span(`retry, ${attemptText(retry)}`, { color: 'yellow' }),
            span(retry.firstFailedAt === null ? '' : `  first failed ${retry.firstFailedAt}`),
          ]),
          ...(retry.lastError === null
            ? []
            : [heading('last error', width), ...bodyLines(retry.lastError, width, { color: 'red' })]),
        ]),
    heading(isReadable ? 'args' : 'not a JSON object', width),
    ...bodyLines(args, width),
  ];
}

function scheduleDetail(schedule: ScheduleInfo, width: number): Line[] {
  const { name, source, timing, queue, jobClass, args, description, nextAtMs, lastAtMs, problem } = schedule;
  const time = (atMs: number | null) => (atMs === null ? 'never' : utcTime(atMs));
  return [
    ...flowing(
      [
        [span(name, { bold: true })],
        [span(`schedule of ${source === 'config' ? 'the config' : 'Redis'}`)],
        [span(timing, { color: 'cyan' })],
      ],
      width,
    ),
    ...flowing([[span(`next ${time(nextAtMs)}`)], [span(`last ${time(lastAtMs)}`)]], width),
    ...(problem === null
      ? []
      : wrapWords(`can't run: ${problem}`, width).map((line) =>
          lineOf(width, [span(line, { color: 'red' })]),
        )),
    ...(jobClass === null
      ? []
      : [lineOf(width, [span(jobClass, { bold: true }), span(`  queue ${queue ?? '-'}`)])]),
    ...bodyLines(description, width),
    ...(args === '' ? [] : [heading('args', width), ...bodyLines(args, width)]),
  ];
}

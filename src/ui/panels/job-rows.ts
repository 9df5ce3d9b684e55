/** Running and ended jobs as a table. */
import type { ListedJob } from '../lists/selection.ts';
import { elapsed } from '../text/elapsed.ts';
import { cell, type Line, lineOf, restyled, type Span, type Style, span } from '../text/line.ts';
import { selected } from './panel.ts';
import { howItEnded } from './words.ts';

/** `#1234567` */
const jobColumns = 9;
const queueColumns = 15;
const classColumns = 18;

export function jobHeading(width: number): Line {
  const style = { dim: true };
  return lineOf(width, [
    cell('', 4),
    cell('JOB', jobColumns, style),
    cell('TIME', 8, style),
    cell('QUEUE', queueColumns, style),
    cell('CLASS', classColumns, style),
    span('ARGS', style),
  ]);
}

export function jobRow(listed: ListedJob, width: number, isSelected: boolean, nowMs: number): Line {
  const { job } = listed;
  const line = lineOf(width, [
    span(isSelected ? '▸ ' : '  '),
    sign(listed),
    cell(`#${job.id}`, jobColumns, { dim: !isSelected }),
    cell(elapsed(listed.isRunning ? nowMs - job.startedAtMs : listed.job.durationMs), 8),
    cell(job.queue, queueColumns - 1),
    span(' '),
    cell(job.jobClass ?? '(no class)', classColumns - 1, { bold: true }),
    span(' '),
    span(job.args),
    ...tail(listed),
  ]);
  return isSelected ? restyled(line, selected) : line;
}

function sign(listed: ListedJob): Span {
  if (listed.isRunning) return span('▸ ', { color: 'cyan' });
  switch (listed.job.outcome) {
    case 'succeeded':
      return span('✓ ', { color: 'green' });
    case 'failed':
      return span('✗ ', { color: 'red' });
    case 'requeued':
      return span('↺ ', { color: 'yellow' });
  }
}

function tail(listed: ListedJob): Span[] {
  const style: Style = { dim: true };
  if (listed.isRunning) {
    const { lastLine } = listed.job;
    return lastLine === null ? [] : [span(`  ${lastLine.text}`, style)];
  }
  const { failure } = listed.job;
  if (failure === null) return [];
  return [
    span(`  ${howItEnded(failure)} `, { color: 'red' }),
    span(`${failure.exception}: ${failure.error}`, style),
  ];
}

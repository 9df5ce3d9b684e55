/** The Jobs tab: running jobs first, then ended ones. */
import type { ReactNode } from 'react';
import { nextRunText } from '../../messages/quantities.ts';
import { type StuckJob, stuckJob } from '../../store/selectors.ts';
import { useFrame } from '../frame/use-frame.ts';
import { selected } from '../layout/framed.ts';
import { type ListedJob, listedJobs } from '../lists/selection.ts';
import { stuckStyle, stuckText, timeLeft } from '../log/job-words.ts';
import { howItEnded, sentText } from '../panels/words.ts';
import { elapsed } from '../text/figures.ts';
import { cell, type Line, lineOf, restyled, type Span, type Style, span } from '../text/line.ts';
import { ListScreen } from './list-screen.tsx';

export function JobsScreen(): ReactNode {
  const { filter, cursor } = useFrame(({ view }) => view.jobs);
  const jobs = useFrame(listedJobs);
  const nowMs = useFrame((frame) => frame.nowMs);
  const model = useFrame((frame) => frame.model);
  const stuckIn = (listed: ListedJob) => (listed.isRunning ? stuckJob(model, listed.job, nowMs) : null);
  const running = jobs.filter(({ isRunning }) => isRunning);
  const stuck = running.filter((job) => stuckIn(job) !== null).length;
  const hasLimits = running.some(({ job }) => job.timeoutSeconds !== undefined);
  return (
    <ListScreen
      title={`Jobs  ${running.length} running${stuck === 0 ? '' : `, ${stuck} may be stuck`}`}
      filter={filter}
      keys={jobs.map(({ job }) => job.id)}
      cursor={cursor}
      select={(key) => (view) => ({ jobs: { ...view.jobs, cursor: key } })}
      none="no jobs yet"
      heading={(width) => [jobHeading(width, hasLimits)]}
      row={(index, width, isSelected) => {
        const job = jobs[index];
        return job === undefined
          ? []
          : jobRow(job, { width, isSelected, nowMs, hasLimits, stuck: stuckIn(job) });
      }}
    />
  );
}

/** `#1234567` */
const jobColumns = 9;

/** A narrow table leaves room for the arguments. */
function columnsFor(width: number): { readonly queue: number; readonly jobClass: number } {
  return width >= 70 ? { queue: 15, jobClass: 18 } : { queue: 9, jobClass: 13 };
}

function jobHeading(width: number, hasLimits: boolean): Line {
  const style = { dim: true };
  const { queue, jobClass } = columnsFor(width);
  return lineOf(width, [
    cell('', 4),
    cell('JOB', jobColumns, style),
    cell('TIME', 8, style),
    ...(hasLimits ? [cell('LEFT', 8, style)] : []),
    cell('QUEUE', queue, style),
    cell('CLASS', jobClass, style),
    span('ARGS', style),
  ]);
}

interface RowProps {
  readonly width: number;
  readonly isSelected: boolean;
  readonly nowMs: number;
  /** Some jobs have a time limit, so there is a column for it. */
  readonly hasLimits: boolean;
  readonly stuck: StuckJob | null;
}

function jobRow(listed: ListedJob, { width, isSelected, nowMs, hasLimits, stuck }: RowProps): Line {
  const { job } = listed;
  const left = listed.isRunning ? timeLeft(listed.job, nowMs) : null;
  const { queue, jobClass } = columnsFor(width);
  const line = lineOf(width, [
    span(isSelected ? '▸ ' : '  '),
    stuck === null ? sign(listed) : span('! ', stuckStyle),
    cell(`#${job.id}`, jobColumns, { dim: !isSelected }),
    cell(elapsed(listed.isRunning ? nowMs - job.startedAtMs : listed.job.durationMs), 8),
    ...(hasLimits ? [cell(left?.text ?? '', 8, left?.style)] : []),
    cell(job.queue, queue - 1),
    span(' '),
    cell(job.jobClass ?? '(no class)', jobClass - 1, { bold: true }),
    span(' '),
    span(job.args),
    ...(stuck === null ? tail(listed) : [span(`  stuck? ${stuckText(stuck)}`, stuckStyle)]),
  ]);
  return isSelected ? restyled(line, selected) : line;
}

function sign(listed: ListedJob): Span {
  if (listed.isRunning) return span('● ', { color: 'cyan' });
  switch (listed.job.outcome) {
    case 'succeeded':
      return span('✓ ', { color: 'green' });
    case 'failed':
      return span('✗ ', { color: 'red' });
    case 'requeued':
    case 'retried':
    case 'snoozed':
      return span('↺ ', { color: 'yellow' });
  }
}

function tail(listed: ListedJob): Span[] {
  const style: Style = { dim: true };
  if (listed.isRunning) {
    const { lastLine, killed } = listed.job;
    const sent = killed === null ? [] : [span(`  ${sentText(killed.signal)}`, { color: 'yellow' as const })];
    return lastLine === null ? sent : [...sent, span(`  ${lastLine.text}`, style)];
  }
  const { failure, next, outcome } = listed.job;
  const later: Span[] =
    next === undefined ? [] : [span(`  ${nextRunText(next, outcome === 'snoozed')}`, { color: 'yellow' })];
  if (failure === null) return later;
  return [
    ...later,
    span(`  ${howItEnded(failure)} `, { color: 'red' }),
    span(`${failure.exception}: ${failure.error}`, style),
  ];
}

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
  const search = useFrame((frame) => frame.outputSearch);
  const model = useFrame((frame) => frame.model);
  const stuckIn = (listed: ListedJob) => (listed.isRunning ? stuckJob(model, listed.job, nowMs) : null);
  const running = jobs.filter(({ isRunning }) => isRunning);
  const stuck = running.filter((job) => stuckIn(job) !== null).length;
  const hasLimits = running.some(({ job }) => job.timeoutSeconds !== undefined);
  const idColumns = Math.max(...jobs.map(({ job }) => job.id.length), 2) + idGapColumns;
  return (
    <ListScreen
      title={`Jobs  ${running.length} running${stuck === 0 ? '' : `, ${stuck} may be stuck`}`}
      filter={filter}
      keys={jobs.map(({ job }) => job.id)}
      cursor={cursor}
      select={(key) => (view) => ({ jobs: { ...view.jobs, cursor: key } })}
      none="no jobs yet"
      {...(search.text === '' || search.jobs !== null
        ? {}
        : { noMatch: search.trouble ?? 'searching their output…' })}
      heading={(width) => [jobHeading(columnsFor(width, idColumns, hasLimits), width)]}
      row={(index, width, isSelected) => {
        const job = jobs[index];
        return job === undefined
          ? []
          : jobRow(job, {
              ...{ width, columns: columnsFor(width, idColumns, hasLimits) },
              ...{ isSelected, nowMs, stuck: stuckIn(job) },
            });
      }}
    />
  );
}

/** `#` before an ID, and two blanks after it. */
const idGapColumns = 3;

interface JobColumns {
  readonly id: number;
  /** 0 if no job has a time limit. */
  readonly left: number;
  readonly queue: number;
  readonly jobClass: number;
}

/** A narrow table leaves room for the arguments. */
function columnsFor(width: number, id: number, hasLimits: boolean): JobColumns {
  const left = hasLimits ? 8 : 0;
  if (width >= 70) return { id, left, queue: 15, jobClass: 18 };
  return hasLimits ? { id, left, queue: 8, jobClass: 11 } : { id, left, queue: 9, jobClass: 13 };
}

function jobHeading({ id, left, queue, jobClass }: JobColumns, width: number): Line {
  const style = { dim: true };
  return lineOf(width, [
    cell('', 4),
    cell('JOB', id, style),
    cell('TIME', 8, style),
    cell('LEFT', left, style),
    cell('QUEUE', queue, style),
    cell('CLASS', jobClass, style),
    span('ARGS', style),
  ]);
}

interface RowProps {
  readonly width: number;
  readonly columns: JobColumns;
  readonly isSelected: boolean;
  readonly nowMs: number;
  readonly stuck: StuckJob | null;
}

function jobRow(listed: ListedJob, { width, columns, isSelected, nowMs, stuck }: RowProps): Line {
  const { job } = listed;
  const left = listed.isRunning ? timeLeft(listed.job, nowMs) : null;
  const { queue, jobClass } = columns;
  const line = lineOf(width, [
    span(isSelected ? '▸ ' : '  '),
    stuck === null ? sign(listed) : span('! ', stuckStyle),
    cell(`#${job.id}`, columns.id, { dim: !isSelected }),
    cell(elapsed(listed.isRunning ? nowMs - job.startedAtMs : listed.job.durationMs), 8),
    cell(left?.text ?? '', columns.left, left?.style),
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

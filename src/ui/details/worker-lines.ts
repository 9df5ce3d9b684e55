/** Workers as rows of a table, and one in full. Pure. */
import { age as ageText, grouped } from '../../messages/quantities.ts';
import type { WorkerInfo, WorkerJob } from '../../protocol/redis-views.ts';
import { isStale } from '../../store/selectors.ts';
import { selected } from '../layout/framed.ts';
import { bodyLines, heading } from '../panels/detail-lines.ts';
import { elapsed } from '../text/figures.ts';
import { cutStart } from '../text/fit.ts';
import { cell, type Line, lineOf, type Part, restyled, type Style, span } from '../text/line.ts';
import { wrapWords } from '../text/wrap.ts';

const kindWords: Readonly<Record<WorkerInfo['kind'], string>> = {
  'resque-runner': 'runner',
  'node-resque': 'node',
  resque: 'resque',
};

const stateStyles: Readonly<Record<WorkerInfo['state'], Style>> = {
  idle: { dim: true },
  working: { color: 'green' },
  unknown: { color: 'yellow' },
  stale: { color: 'red', bold: true },
  dead: { color: 'red', bold: true },
};

interface WorkerColumns {
  readonly name: number;
  /** A narrow table leaves out the kind and how long a job has run. */
  readonly isNarrow: boolean;
}

function columnsFor(width: number): WorkerColumns {
  if (width < 70) return { name: 19, isNarrow: true };
  return { name: width >= 90 ? 34 : 24, isNarrow: false };
}

export function workerHeading(width: number): Line {
  const { name, isNarrow } = columnsFor(width);
  const style = { dim: true };
  return lineOf(width, [
    cell('', 4),
    cell('WORKER', name, style),
    ...(isNarrow ? [] : [cell('KIND', 7, style)]),
    cell('STATE', 8, style),
    cell('SEEN', 7, style, 'right'),
    ...(isNarrow ? [] : [cell('FOR', 8, style, 'right')]),
    span('  JOB', style),
  ]);
}

export function workerRow(worker: WorkerInfo, width: number, isSelected: boolean): Line {
  const { name, isNarrow } = columnsFor(width);
  const { kind, state, silentMs, job } = worker;
  const line = lineOf(width, [
    span(isSelected ? '▸ ' : '  '),
    span(isStale(worker) ? '! ' : state === 'unknown' ? '? ' : '  ', stateStyles[state]),
    // Hosts often begin with the same letters.
    cell(cutStart(nameOf(worker), name - 1), name, { bold: worker.isOwn }),
    ...(isNarrow ? [] : [cell(kindWords[kind], 7)]),
    cell(state, 8, stateStyles[state]),
    cell(silentMs === null ? '-' : ageText(silentMs), 7, {}, 'right'),
    ...(isNarrow ? [] : [cell(job === null || job.ageMs === null ? '' : elapsed(job.ageMs), 8, {}, 'right')]),
    span('  '),
    ...(job === null ? [span(worker.queues, { dim: true })] : jobParts(job)),
  ]);
  return isSelected ? restyled(line, selected) : line;
}

/** Without its queues: the job's own queue is more useful. */
function nameOf({ id, queues }: WorkerInfo): string {
  return queues !== '' && id.endsWith(`:${queues}`) ? id.slice(0, -queues.length - 1) : id;
}

function jobParts({ queue, jobClass, args, problem }: WorkerJob): Part[] {
  if (problem !== null) return [span(problem, { color: 'yellow' })];
  return [
    span(`${queue ?? '-'} `),
    span(jobClass ?? '(no class)', { bold: true }),
    ...(args === '' ? [] : [span(` ${args}`, { dim: true })]),
  ];
}

/** Everything that is known of a worker. */
export function workerDetail(worker: WorkerInfo, width: number): Line[] {
  const { id, kind, state, queues, ageMs, processed, failed, job, isOwn } = worker;
  const about = [
    `${kindWords[kind]}${isOwn ? ' (this one)' : ''}`,
    ...(ageMs === null ? [] : [`started ${ageText(ageMs)} ago`]),
    ...(processed === null ? [] : [`${grouped(processed)} processed`]),
    ...(failed === null ? [] : [`${grouped(failed)} failed`]),
  ];
  return [
    lineOf(width, [span(id, { bold: true })]),
    ...wrapWords(stateText(worker), width).map((line) => lineOf(width, [span(line, stateStyles[state])])),
    lineOf(width, [span(about.join(', '))]),
    lineOf(width, [span('queues ', { dim: true }), span(queues === '' ? '(none)' : queues)]),
    ...(job === null ? [] : jobLines(worker, job, width)),
  ];
}

function jobLines(worker: WorkerInfo, job: WorkerJob, width: number): Line[] {
  const { ageMs, args } = job;
  const isLeft = isStale(worker);
  const age = ageMs === null ? '' : isLeft ? `, started ${ageText(ageMs)} ago` : ` for ${ageText(ageMs)}`;
  return [
    lineOf(width, [
      span(isLeft ? 'left a job: ' : 'running ', { dim: true }),
      ...(job.problem === null ? [span(job.jobClass ?? '(no class)', { bold: true })] : jobParts(job)),
      ...(job.queue === null ? [] : [span(' of ', { dim: true }), span(job.queue)]),
      span(age),
    ]),
    ...(args === '' ? [] : [heading('args', width), ...bodyLines(args, width)]),
  ];
}

/** What the state is, and why. */
function stateText({ state, death, silentMs, job }: WorkerInfo): string {
  const silence = silentMs === null ? '' : ` for ${ageText(silentMs)}`;
  switch (state) {
    case 'stale':
      return `stale: no sign of life${silence}; the limit is 5 min`;
    case 'dead':
      return death === 'cut-off' ? 'dead: its container has ended' : 'dead: its process has ended';
    case 'unknown':
      return `unknown: no sign of life${silence}; its process can't be seen from the runner`;
    case 'idle':
    case 'working':
      if (silentMs === null) return `${state}; it sends no heartbeat, so it may have ended`;
      return `${state === 'working' && job === null ? 'idle' : state}, last sign of life ${ageText(silentMs)} ago`;
  }
}

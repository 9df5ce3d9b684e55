/** The three tables of `status`: queues, processes with their workers, running jobs. */
import { age, duration, grouped, lastSeen, plural } from '../../messages/quantities.ts';
import { limitsText, pauseReason } from '../../messages/queues.ts';
import { readWorkerId } from '../../resque/format/worker-id.ts';
import type { Style } from '../../ui/text/line.ts';
import { alarm, type Cell, type Column, faint, good, warning } from '../terminal/table.ts';
import type {
  PauseStatus,
  ProcessStatus,
  QueueStatus,
  RunningJob,
  SlotChange,
  StatusDocument,
  WindowStatus,
} from './document.ts';
import { rateText } from './rates.ts';

/** Starts a row that needs attention; color alone is not enough. */
const mark = '!';

export function queueColumns({ queues, totals }: StatusDocument): Column<QueueStatus>[] {
  const hasHeld = queues.some(({ held }) => held > 0);
  return [
    {
      title: '',
      isMark: true,
      cell: (queue) =>
        isUnstartable(queue)
          ? markCell(true, warning)
          : markCell(queue.isUnattended || queue.wrongType !== null, alarm),
    },
    {
      title: 'QUEUE',
      least: 12,
      cell: (queue) => ({ text: queue.name, ...(queue.isUnattended ? { style: alarm } : {}) }),
    },
    { title: 'WAITING', align: 'right', cell: ({ waiting }) => numberCell(waiting) },
    { title: 'WORKERS', align: 'right', cell: workersCell },
    ...(hasHeld
      ? [{ title: 'HELD', align: 'right' as const, cell: ({ held }: QueueStatus) => numberCell(held) }]
      : []),
    rateColumn(totals.jobsPerSecond !== null),
    { title: '', least: 8, cell: remarkCell },
  ];
}

/** Slots in use and all slots: `2/8`. */
function workersCell({ working, slots }: QueueStatus): Cell {
  return { text: `${grouped(working)}/${grouped(slots)}`, ...(slots === 0 ? { style: faint } : {}) };
}

function remarkCell(queue: QueueStatus): Cell {
  const { isUnattended, lostWorkers, wrongType } = queue;
  if (wrongType !== null) return { text: `a ${wrongType}, not a list`, style: alarm };
  if (!isUnattended) return withSlotChanges(queue);
  const text = lostWorkers === 0 ? 'no worker' : `only ${plural(lostWorkers, 'silent worker')}`;
  return { text, style: alarm };
}

function withSlotChanges(queue: QueueStatus): Cell {
  const { pauses, slotChanges } = queue;
  const remark: Cell = pauses.length > 0 ? { text: pauseRemark(queue), style: warning } : limitRemark(queue);
  if (slotChanges.length === 0) return remark;
  const changes = [...new Set(slotChanges.map(changeText))];
  return { text: [remark.text, ...changes].filter((text) => text !== '').join('; '), style: warning };
}

/** `slots 7 (config 2), by ann@pts/3` */
function changeText({ slots, configured, by }: SlotChange): string {
  return `slots ${grouped(slots)} (config ${grouped(configured)}), by ${by === '' ? 'hand' : by}`;
}

function pauseRemark({ pauses, isPaused }: QueueStatus): string {
  const [process = '', ...others] = new Set(pauses.map((pause) => pause.process));
  const where = others.length === 0 ? process : plural(others.length + 1, 'process').replace(/s$/, 'es');
  return `paused${isPaused ? '' : ` on ${where}`}: ${[...new Set(pauses.map(reasonOf))].join('; ')}`;
}

/** "at its limit" says why jobs wait even though slots are free. */
function limitRemark({ limit, rate, working, waiting }: QueueStatus): Cell {
  const isFull = limit !== null && working >= limit && (waiting ?? 0) > 0;
  return isFull
    ? { text: `at its limit of ${grouped(limit)}`, style: warning }
    : { text: limitsText(limit, rate), style: faint };
}

export function reasonOf({ kind, detail, since }: PauseStatus): string {
  return pauseReason({ kind, detail, sinceMs: Date.parse(since) });
}

function isUnstartable({ pauses }: QueueStatus): boolean {
  return pauses.some(({ kind }) => kind === 'unstartable');
}

export function processColumns({ processes, totals }: StatusDocument): Column<ProcessStatus>[] {
  const hasHeld = processes.some(({ held }) => held > 0);
  return [
    {
      title: '',
      isMark: true,
      cell: (process) => markCell(isLost(process) || lostIn(process) > 0, styleOf(process)),
    },
    { title: 'PROCESS', least: 18, keeps: 'end', cell: ({ name }) => ({ text: name }) },
    { title: 'KIND', cell: ({ kind }) => ({ text: kindWords[kind] }) },
    { title: 'STATE', least: 15, cell: (process) => ({ text: stateText(process), style: styleOf(process) }) },
    { title: 'UP', align: 'right', cell: ({ ageSeconds }) => ageCell(ageSeconds) },
    { title: 'DONE', align: 'right', cell: ({ finished }) => numberCell(finished) },
    { title: 'FAILED', align: 'right', isOptional: true, cell: ({ failed }) => numberCell(failed) },
    ...(hasHeld
      ? [
          {
            title: 'HELD',
            align: 'right' as const,
            isOptional: true,
            cell: ({ held }: ProcessStatus) => numberCell(held),
          },
        ]
      : []),
    rateColumn(totals.jobsPerSecond !== null),
    { title: 'QUEUES', least: 10, cell: ({ queues }) => ({ text: queues.join('  ') }) },
  ];
}

/** Short words: the table is wide already. */
const kindWords: Readonly<Record<ProcessStatus['kind'], string>> = {
  'resque-runner': 'runner',
  'node-resque': 'node',
  resque: 'resque',
};

/** `working`, `3/8 working`, `paused`, `unknown, last seen 52 s ago`, `idle, no heartbeat` */
function stateText(process: ProcessStatus): string {
  const { state, workers, working, slots, pauses, isPaused, heartbeatAgeSeconds } = process;
  if (isLost(process) || state === 'unknown') {
    return heartbeatAgeSeconds === null ? state : `${state}, ${lastSeen(heartbeatAgeSeconds * 1_000)}`;
  }
  const isIdle = working === 0;
  const word = isIdle && isPaused ? 'paused' : slots > 1 && !isIdle ? `${working}/${slots} working` : state;
  const remarks = [
    ...(pauses.length === 0 || word === 'paused' ? [] : [isPaused ? 'paused' : 'partly paused']),
    ...(workers.length === 0 ? ['unregistered'] : []),
    ...(lostIn(process) > 0 ? [`${lostIn(process)} stale`] : []),
    ...(heartbeatAgeSeconds === null ? ['no heartbeat'] : []),
  ];
  return [word, ...remarks].join(', ');
}

function isLost({ state }: ProcessStatus): boolean {
  return state === 'stale' || state === 'dead';
}

function lostIn({ workers }: ProcessStatus): number {
  return workers.filter(({ state }) => state === 'stale' || state === 'dead').length;
}

function styleOf(process: ProcessStatus): Style {
  if (process.state === 'dead') return alarm;
  if (['unknown', 'stale'].includes(process.state) || lostIn(process) > 0) return warning;
  if (process.pauses.length > 0) return warning;
  return process.state === 'working' ? good : faint;
}

export function jobColumns(): Column<RunningJob>[] {
  return [
    {
      title: '',
      isMark: true,
      cell: (job) => markCell(isLostJob(job) || job.problem !== null, jobStyle(job)),
    },
    { title: 'FOR', align: 'right', cell: ({ ageSeconds }) => ageCell(ageSeconds) },
    { title: 'QUEUE', least: 10, cell: ({ queue }) => ({ text: queue ?? '?' }) },
    // Without the worker's queues: the job's own queue is more useful.
    { title: 'WORKER', least: 18, keeps: 'end', cell: ({ worker }) => ({ text: readWorkerId(worker).name }) },
    { title: 'JOB', least: 24, cell: (job) => ({ text: jobText(job), style: jobStyle(job) }) },
  ];
}

function jobText(job: RunningJob): string {
  const { class: jobClass, argsText, problem, workerState } = job;
  const lost = isLostJob(job) ? `(worker ${workerState}) ` : '';
  if (problem !== null) return `${lost}${problem}`;
  return `${lost}${jobClass ?? '(no class)'}${argsText === '' ? '' : ` ${argsText}`}`;
}

function isLostJob({ workerState }: RunningJob): boolean {
  return workerState === 'stale' || workerState === 'dead';
}

function jobStyle(job: RunningJob): Style {
  if (job.workerState === 'dead') return alarm;
  return isLostJob(job) || job.problem !== null ? warning : {};
}

/** A queue of a runner that could be asked. */
interface Worked extends WindowStatus {
  readonly process: string;
}

/** Queues whose jobs finished in the last 15 minutes, the busiest first. */
export function workedOf({ processes }: StatusDocument): Worked[] {
  return processes
    .flatMap(({ name, statistics }) => statistics.map((each): Worked => ({ ...each, process: name })))
    .filter(({ window, finished }) => window === '15m' && finished > 0)
    .sort((a, b) => b.finished - a.finished);
}

export function windowColumns(rows: readonly Worked[]): Column<Worked>[] {
  const hasProcesses = new Set(rows.map(({ process }) => process)).size > 1;
  const hasWaits = rows.some(({ waitP95Ms }) => waitP95Ms !== null);
  const time = (title: string, ms: (row: Worked) => number | null): Column<Worked> => ({
    title,
    align: 'right',
    cell: (row) => ({ text: timeText(ms(row)) }),
  });
  return [
    { title: '', isMark: true, cell: () => ({ text: ' ' }) },
    { title: 'QUEUE', least: 10, cell: ({ queue }) => ({ text: queue }) },
    ...(hasProcesses
      ? [
          {
            title: 'PROCESS',
            least: 18,
            keeps: 'end' as const,
            cell: ({ process }: Worked) => ({ text: process }),
          },
        ]
      : []),
    { title: 'DONE', align: 'right', cell: ({ finished }) => numberCell(finished) },
    { title: 'PER MIN', align: 'right', cell: ({ perMinute }) => ({ text: rateText(perMinute) }) },
    { title: 'FAILED', align: 'right', cell: failedShare },
    time('P50', ({ p50Ms }) => p50Ms),
    time('P95', ({ p95Ms }) => p95Ms),
    time('LONGEST', ({ maxMs }) => maxMs),
    ...(hasWaits ? [time('WAIT P95', ({ waitP95Ms }) => waitP95Ms)] : []),
  ];
}

/** `0 %` only if none failed, and `100 %` only if all did. */
function failedShare({ failed, finished }: WindowStatus): Cell {
  if (failed === 0) return { text: '0 %', style: faint };
  const percent = (failed * 100) / finished;
  const rounded = failed === finished ? 100 : Math.min(99, Math.round(percent));
  return { text: percent < 1 ? '<1 %' : `${rounded} %`, style: warning };
}

function timeText(ms: number | null): string {
  return ms === null ? '-' : duration(ms);
}

interface Rated {
  readonly jobsPerMinute: number | null;
  readonly jobsPerSecond: number | null;
}

/** The rate since the previous reading; in the first one, the average since the start. */
function rateColumn(isMeasured: boolean): Column<Rated> {
  return isMeasured
    ? { title: 'PER S', align: 'right', cell: ({ jobsPerSecond }) => ({ text: rateText(jobsPerSecond) }) }
    : { title: 'PER MIN', align: 'right', cell: ({ jobsPerMinute }) => ({ text: rateText(jobsPerMinute) }) };
}

function markCell(isMarked: boolean, style: Style): Cell {
  return { text: isMarked ? mark : ' ', style };
}

function numberCell(number: number | null): Cell {
  return number === null
    ? { text: '?' }
    : { text: grouped(number), ...(number === 0 ? { style: faint } : {}) };
}

function ageCell(seconds: number | null): Cell {
  return { text: seconds === null ? '?' : age(seconds * 1_000) };
}

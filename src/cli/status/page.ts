/** The status as lines for people: problems first, then queues, processes and running jobs. */
import type { ScheduleCount } from '../../engine/scheduling/known-schedules.ts';
import { age, clock, grouped, plural } from '../../messages/quantities.ts';
import { visible, visibleWithin } from '../../messages/visible.ts';
import { isAlive } from '../../resque/workers/judge-workers.ts';
import { retriesCountedIn } from '../../resque/workers/read-status.ts';
import { type Line, type Span, span } from '../../ui/text/line.ts';
import { alarm, bold, type Column, cutLine, faint, table, warning } from '../terminal/table.ts';
import { jobColumns, processColumns, queueColumns, reasonOf, windowColumns, workedOf } from './columns.ts';
import type { AwayDocument, Delayed, ProcessStatus, StatusDocument } from './document.ts';
import { rateText } from './rates.ts';

export interface TextOptions {
  /** Columns of the terminal; `null`: no line is cut. */
  readonly width: number | null;
  /** Rows of the terminal; `null`: no limit. */
  readonly height: number | null;
  /** Turns a line into a string. */
  readonly paint: (line: Line) => string;
  /** Added to the end of the first line: the time, interval and key of a watch. */
  readonly remark?: string;
  /** Why the status is out of date. */
  readonly trouble?: string;
}

interface Section {
  readonly title: string;
  /** Notes on the whole section. */
  readonly notes: readonly Line[];
  readonly head: Line | null;
  /** At most as many as the screen could show. */
  readonly rows: readonly Line[];
  /** Number of rows that exist. */
  readonly count: number;
}

/** @returns lines without line breaks */
export function statusLines(document: StatusDocument, options: TextOptions): string[] {
  const { width, height, paint, remark, trouble } = options;
  const head = [
    firstLine(document, remark),
    ...(trouble === undefined ? [] : [[span(`! ${visible(trouble)}`, alarm)]]),
    ...packed(totalsOf(document), width),
    ...troubles(document),
  ];
  const sections = sectionsOf(document, options);
  const room = height === null ? null : height - head.length;
  const body = withinRoom(sections, room);
  const lines = [...head, ...body].map((line) => paint(cutLine(line, width)).trimEnd());
  return height === null ? lines : lines.slice(0, height);
}

function firstLine({ redis, namespace }: StatusDocument, remark: string | undefined): Span[] {
  const where = span(
    `${visible(redis)}  namespace ${namespace === '' ? '(none)' : visible(namespace)}`,
    bold,
  );
  return remark === undefined ? [where] : [where, span(`  ${remark}`, faint)];
}

const between = ' · ';
/** Characters of a schedule's name. */
const longestName = 30;

/** Puts the items on as few lines as possible. */
function packed(items: readonly string[], width: number | null): Line[] {
  const lines: string[] = [];
  for (const item of items) {
    const last = lines.at(-1);
    const longer = last === undefined ? item : `${last}${between}${item}`;
    if (last === undefined || (width !== null && longer.length > width)) lines.push(item);
    else lines[lines.length - 1] = longer;
  }
  return lines.map((line) => [span(line)]);
}

function totalsOf({ totals, processes, delayed, schedules, schedulers }: StatusDocument): string[] {
  const hosts = new Set(processes.map(({ host }) => host)).size;
  const rate = totals.jobsPerSecond === null ? '' : `, ${rateText(totals.jobsPerSecond)} a second`;
  return [
    `${grouped(totals.waiting)} waiting`,
    `${grouped(totals.running)} running`,
    ...(totals.held > 0 ? [`${grouped(totals.held)} held`] : []),
    workersText(totals.workers, processes.length, hosts),
    `${countText(totals.processed)} processed${rate}`,
    `${countText(totals.failed)} failed (${countText(totals.failures)} on the list)`,
    ...(delayed === null ? [] : [delayedText(delayed)]),
    ...(schedules === null ? [] : [schedulesText(schedules)]),
    ...schedulers
      .filter(({ holdsLock }) => holdsLock)
      .map(({ name, kind }) => `scheduler ${visible(name)} (${kind})`),
  ];
}

function workersText(workers: number, processes: number, hosts: number): string {
  if (processes === 0) return plural(workers, 'worker');
  const where = processes === 1 ? '1 process' : `${grouped(processes)} processes`;
  return `${plural(workers, 'worker')} in ${where} on ${plural(hosts, 'host')}`;
}

function delayedText({ jobs, isComplete, retries, nextInSeconds }: Delayed): string {
  const next =
    nextInSeconds === null
      ? ''
      : nextInSeconds >= 0
        ? `, next in ${age(nextInSeconds * 1_000)}`
        : `, next ${age(-nextInSeconds * 1_000)} overdue`;
  const ofFirst = jobs > retriesCountedIn ? ` of the next ${retriesCountedIn}` : '';
  const retried = retries ? ` (${retries === 1 ? '1 retry' : `${retries} retries`}${ofFirst})` : '';
  return `${isComplete ? '' : 'over '}${grouped(jobs)} delayed${retried}${next}`;
}

function schedulesText({ count, nextName, nextInSeconds }: ScheduleCount): string {
  const isKnown = nextName !== null && nextInSeconds !== null;
  const next = isKnown
    ? `, next ${visibleWithin(nextName, longestName)} in ${age(nextInSeconds * 1_000)}`
    : '';
  return `${plural(count, 'schedule')}${next}`;
}

/** Each reason once, even if several processes share it. */
function unstartable(processes: readonly ProcessStatus[]): Span[] {
  const texts = processes
    .filter(isAlive)
    .flatMap(({ pauses }) => pauses)
    .filter(({ kind }) => kind === 'unstartable')
    .map((pause) => `! ${pause.runner} is paused: ${reasonOf(pause)}`);
  return [...new Set(texts)].map((text) => span(visible(text), warning));
}

/** A scheduler looks at least every few seconds, node-resque's every five. */
const overdueSeconds = 30;

function schedulerTroubles({ delayed, schedulers }: StatusDocument): Span[] {
  const holders = schedulers.filter(({ holdsLock }) => holdsLock).map(({ name }) => visible(name));
  const isOverdue = (delayed?.nextInSeconds ?? 0) < -overdueSeconds;
  return [
    ...(holders.length > 1
      ? [span(`! two schedulers are running, which lose and repeat jobs: ${holders.join(' and ')}`, alarm)]
      : []),
    ...(isOverdue && schedulers.length === 0
      ? [span('! delayed jobs are overdue: no scheduler is running', warning)]
      : []),
  ];
}

function troubles(document: StatusDocument): Line[] {
  const { isPaused, wrongTypes, queues, processes, totals } = document;
  const unattended = queues.filter(({ isUnattended }) => isUnattended).length;
  const those = unattended === 1 ? '1 queue has' : `${grouped(unattended)} queues have`;
  const lost = [
    ...(totals.deadWorkers > 0 ? [`${plural(totals.deadWorkers, 'worker')} dead`] : []),
    ...(totals.staleWorkers > 0 ? [`${plural(totals.staleWorkers, 'worker')} silent for 5 min`] : []),
  ].join(', ');
  const unread = wrongTypes.filter(({ hides }) => hides === 'count' || hides === 'schedule');
  return [
    ...(isPaused ? [span('! pause-all-workers is set: no worker takes jobs', warning)] : []),
    ...unstartable(processes),
    ...(unattended > 0 ? [span(`! ${those} jobs and no worker`, alarm)] : []),
    ...schedulerTroubles(document),
    ...(lost === '' ? [] : [span(`! ${lost}: see resque-runner check`, warning)]),
    ...unread.map((wrong) => span(wrongTypeText(wrong), warning)),
  ].map((trouble) => [trouble]);
}

function wrongTypeText({ key, type, expected }: StatusDocument['wrongTypes'][number]): string {
  return `! key ${visible(key)} is a ${type} but should be a ${expected}`;
}

/** The data of each section that a key of the wrong type can hide. */
const hiding: Readonly<Record<string, string>> = { Queues: 'queues', Processes: 'workers' };

function sectionsOf(document: StatusDocument, { width, height }: TextOptions): Section[] {
  const { queues, processes, runningJobs, wrongTypes } = document;
  const notesOn = (title: string) =>
    wrongTypes
      .filter(({ hides }) => hides === hiding[title])
      .map((wrong): Line => [span(wrongTypeText(wrong), alarm)]);
  const worked = workedOf(document);
  const isMeasured = document.totals.jobsPerSecond !== null;
  const average = isMeasured ? '' : '; PER MIN is the average since the start';
  const section = <Row>(
    title: string,
    about: string,
    all: readonly Row[],
    columns: readonly Column<Row>[],
  ) => {
    const shown = all.slice(0, height ?? all.length);
    const { head, line } = table(shown, columns, width);
    return {
      title: `${title}: ${grouped(all.length)}${all.length > 0 ? about : ''}`,
      notes: notesOn(title),
      head: all.length === 0 ? null : head,
      rows: shown.map(line),
      count: all.length,
    };
  };
  return [
    section('Queues', '', queues, queueColumns(document)),
    section('Processes', average, processes, processColumns(document)),
    section('Running jobs', '', runningJobs, jobColumns()),
    ...(worked.length === 0
      ? []
      : [section('Last 15 minutes, runners on this machine', '', worked, windowColumns(worked))]),
  ];
}

/** Fits the sections into the room; the largest ones are cut first. */
function withinRoom(sections: readonly Section[], room: number | null): Line[] {
  const wants = sections.map(({ count }) => count);
  const all = sections.reduce((sum, each) => sum + each.count + headOf(each).length + 1, 0);
  const isTight = room !== null && all > room;
  // If room is tight, leave out the empty lines.
  const heads = sections.map((each) => (isTight ? headOf(each) : [[], ...headOf(each)]));
  const shares = isTight ? shared(wants, room - heads.flat().length) : wants;
  return sections.flatMap((each, at) => {
    const share = shares[at] ?? 0;
    // The line "… N more" replaces a row.
    const rows = each.count > share ? each.rows.slice(0, Math.max(0, share - 1)) : each.rows;
    const more = each.count - rows.length;
    return [
      ...(heads[at] ?? []),
      ...rows,
      ...(more > 0 && share > 0 ? [[span(`  … ${grouped(more)} more`, faint)]] : []),
    ];
  });
}

function headOf({ title, notes, head }: Section): Line[] {
  return [[span(title, bold)], ...notes, ...(head === null ? [] : [head])];
}

/** Divides rows fairly: no section gets more rows than another section that still needs rows. */
function shared(wants: readonly number[], room: number): number[] {
  const shares = wants.map(() => 0);
  for (let left = Math.max(0, room); left > 0; ) {
    const hungry = wants.flatMap((want, at) => (want > (shares[at] ?? 0) ? [at] : []));
    if (hungry.length === 0) break;
    const each = Math.max(1, Math.floor(left / hungry.length));
    for (const at of hungry) {
      const more = Math.min(each, left, (wants[at] ?? 0) - (shares[at] ?? 0));
      shares[at] = (shares[at] ?? 0) + more;
      left -= more;
    }
  }
  return shares;
}

function countText(count: number | null): string {
  return count === null ? '?' : grouped(count);
}

/** Says that Redis can't be read, since when, and why. */
export function awayText({ at, awaySince, reason }: AwayDocument): string {
  const sinceMs = Date.parse(awaySince);
  const since = `${clock(sinceMs)} (${age(Date.parse(at) - sinceMs)})`;
  return `Redis has been unreachable since ${since}: ${visible(reason)}; retrying`;
}

/** Jobs and Events: a list that fills the screen. */

import { glyphColors, type Level, wordingOf } from '../../messages/events.ts';
import { clock, grouped } from '../../messages/quantities.ts';
import type { EngineEvent } from '../../protocol/events.ts';
import type { AppState } from '../../store/app-store.ts';
import { indexOfKey, type ListedJob, listedEvents, listedJobs } from '../lists/selection.ts';
import { bodyRows, type Size, windowOf } from '../panels/layout.ts';
import { framed, innerHeight, innerWidth, type Panel, selected } from '../panels/panel.ts';
import { howItEnded } from '../panels/words.ts';
import { elapsed } from '../text/figures.ts';
import { cell, type Line, lineOf, type Part, restyled, type Span, type Style, span } from '../text/line.ts';

interface List {
  readonly title: string;
  readonly filter: string;
  readonly keys: readonly string[];
  readonly cursor: string | null;
  readonly none: string;
  readonly heading: (width: number) => readonly Line[];
  readonly row: (index: number, width: number, isSelected: boolean) => Line;
}

export function jobsScreen(state: AppState, size: Size, top: number, nowMs: number): Panel[] {
  const jobs = listedJobs(state);
  return listScreen(
    {
      title: `Jobs  ${jobs.filter(({ isRunning }) => isRunning).length} running`,
      filter: state.view.jobs.filter,
      keys: jobs.map(({ job }) => job.id),
      cursor: state.view.jobs.cursor,
      none: 'no jobs yet',
      heading: (width) => [jobHeading(width)],
      row: (index, width, isSelected) => {
        const job = jobs[index];
        return job === undefined ? [] : jobRow(job, width, isSelected, nowMs);
      },
    },
    size,
    top,
  );
}

export function eventsScreen(state: AppState, size: Size, top: number): Panel[] {
  const events = listedEvents(state);
  return listScreen(
    {
      title: 'Events',
      filter: state.view.events.filter,
      keys: events.map(({ seq }) => String(seq)),
      cursor: state.view.events.cursor,
      none: 'no events yet',
      heading: () => [],
      row: (index, width, isSelected) => {
        const event = events[index];
        return event === undefined ? [] : eventRow(event, width, isSelected);
      },
    },
    size,
    top,
  );
}

function listScreen(
  { title, filter, keys, cursor, none, heading, row }: List,
  size: Size,
  top: number,
): Panel[] {
  const { columns: width } = size;
  const height = bodyRows(size);
  const inner = innerWidth(width);
  const head = heading(inner);
  const at = indexOfKey(keys, cursor);
  const { from, to } = windowOf(keys.length, at, innerHeight(height) - head.length);
  const rows = keys.slice(from, to).map((_, index) => row(from + index, inner, from + index === at));
  const empty = lineOf(inner, [
    span(filter === '' ? none : 'nothing matches; Esc clears the filter', { dim: true }),
  ]);
  const parts: Part[] = [span(title, { bold: true })];
  if (filter !== '') parts.push(span(`  filter: ${filter}`, { color: 'yellow' }));
  const lines = framed({
    width,
    height,
    title: parts,
    foot: keys.length === 0 ? [] : [span(`${grouped(from + 1)}-${grouped(to)} of ${grouped(keys.length)}`)],
    isFocused: true,
    content: [...head, ...(keys.length === 0 ? [empty] : rows)],
  });
  return [{ key: 'list', left: 0, top, width, height, lines }];
}

/** `#1234567` */
const jobColumns = 9;
const queueColumns = 15;
const classColumns = 18;

function jobHeading(width: number): Line {
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

function jobRow(listed: ListedJob, width: number, isSelected: boolean, nowMs: number): Line {
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

const levelStyles: Readonly<Record<Level, Style>> = {
  info: {},
  warn: { color: 'yellow' },
  error: { color: 'red' },
};

/** Who did what, when: one row for each event, in the log's own words. */
function eventRow(event: EngineEvent, width: number, isSelected: boolean): Line {
  const wording = wordingOf(event, null);
  if (wording === null) return lineOf(width, []);
  const line = lineOf(width, [
    span(isSelected ? '▸ ' : '  '),
    span(`${clock(event.atMs)} `, { dim: true }),
    span(`${wording.glyph} `, { color: glyphColors[wording.glyph] }),
    cell(wording.subject, 14, { bold: true }),
    cell(wording.jobId === null ? '' : `#${wording.jobId}`, 9, { dim: true }),
    span(wording.text, levelStyles[wording.level]),
  ]);
  return isSelected ? restyled(line, selected) : line;
}

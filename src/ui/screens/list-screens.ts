/** Jobs and Events: a list that fills the screen. */
import { grouped } from '../../messages/quantities.ts';
import type { AppState } from '../../store/app-store.ts';
import { indexOfKey, listedEvents, listedJobs } from '../lists/selection.ts';
import { eventRow } from '../panels/event-rows.ts';
import { jobHeading, jobRow } from '../panels/job-rows.ts';
import { bodyRows, type Size, windowOf } from '../panels/layout.ts';
import { framed, innerHeight, innerWidth, type Panel } from '../panels/panel.ts';
import { type Line, lineOf, type Part, span } from '../text/line.ts';

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
      none: 'no job has run yet',
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
      none: 'nothing has happened yet',
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

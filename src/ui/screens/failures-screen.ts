/** The shared `failed` list, newest first, with the details of the failure under the cursor; or one failure in full. */
import { grouped, plural } from '../../messages/quantities.ts';
import type { FailureEntry } from '../../protocol/commands.ts';
import type { AppState } from '../../store/app-store.ts';
import { failureKeys, indexOfKey } from '../lists/selection.ts';
import { failureHeading, failureRows } from '../panels/failure-rows.ts';
import { bodyRows, failuresLayout, type Size, windowOf } from '../panels/layout.ts';
import { framed, innerHeight, innerWidth, type Panel, stacked } from '../panels/panel.ts';
import { howItEnded } from '../panels/words.ts';
import { type Line, lineOf, type Part, type Style, span } from '../text/line.ts';
import { wrap } from '../text/wrap.ts';

export function failuresScreen(state: AppState, size: Size, top: number, nowMs: number): Panel[] {
  const { listRows, detailRows } = failuresLayout(size);
  return stacked(
    [
      { key: 'list', lines: list(state, size.columns, listRows, nowMs) },
      { key: 'detail', lines: detail(state, size.columns, detailRows) },
    ],
    { left: 0, top, width: size.columns },
  );
}

function list(state: AppState, width: number, height: number, nowMs: number): Line[] {
  const { failurePages: pages, view } = state;
  const { entries } = pages;
  const { marked, isAllMarked } = view.failures;
  const keys = failureKeys(entries);
  const cursor = indexOfKey(keys, view.failures.cursor);
  const inner = innerWidth(width);
  const { from, to } = windowOf(entries.length, cursor, innerHeight(height) - 1);
  const lines = failureRows({
    entries,
    width: inner,
    from,
    to,
    cursor: entries.length === 0 ? -1 : cursor,
    isMarked: (index) => isAllMarked || marked.has(keys[index] ?? ''),
    nowMs,
  });
  const none = lineOf(inner, [span(nothing(state), { dim: true })]);
  const loaded = `${grouped(entries.length)}${pages.next === null ? '' : '+'}`;
  return framed({
    width,
    height,
    title: title(state),
    foot: entries.length === 0 ? [] : [span(`${grouped(from + 1)}-${grouped(to)} of ${loaded}`)],
    isFocused: true,
    content: [failureHeading(inner), ...(entries.length === 0 ? [none] : lines)],
  });
}

function title({ failurePages: pages, view, model }: AppState): Part[] {
  const { filter, marked, isAllMarked } = view.failures;
  const total = model.failedTotal ?? pages.total;
  const parts: Part[] = [span('Failures', { bold: true })];
  if (total !== null) parts.push(span(`  ${grouped(total)}`));
  if (filter !== '') parts.push(span(`  filter: ${filter}`, { color: 'yellow' }));
  if (isAllMarked) parts.push(span('  all matches are marked', { color: 'yellow', bold: true }));
  else if (marked.size > 0) parts.push(span(`  ${marked.size} marked`, { color: 'yellow', bold: true }));
  if (pages.isLoading) parts.push(span('  reading…', { dim: true }));
  return parts;
}

function nothing({ failurePages: pages, view }: AppState): string {
  if (pages.trouble !== null) return pages.trouble;
  if (pages.total === null || pages.isLoading) return 'reading…';
  return view.failures.filter === '' ? 'no failures' : 'no failure matches; Esc clears the filter';
}

/** The failure under the cursor, as far as there is room. Enter shows all of it. */
function detail({ failurePages: { entries }, view }: AppState, width: number, height: number): Line[] {
  const entry = entries[indexOfKey(failureKeys(entries), view.failures.cursor)];
  const inner = innerWidth(width);
  const lines = entry === undefined ? [] : failureDetail(entry, inner);
  const hidden = lines.length - innerHeight(height);
  return framed({
    width,
    height,
    title: [span('detail', { dim: true })],
    foot: hidden > 0 ? [span(`${plural(hidden, 'more line')}, Enter shows all`, { dim: true })] : [],
    isFocused: false,
    content: lines,
  });
}

/** The last position of scrolling in an open failure. */
function lastTopOf(lineCount: number, size: Size): number {
  return Math.max(0, lineCount - innerHeight(bodyRows(size)));
}

export function lastFailureTop(entry: FailureEntry, size: Size): number {
  return lastTopOf(failureDetail(entry, innerWidth(size.columns)).length, size);
}

/** The open failure. */
export function failureScreen({ view }: AppState, size: Size, top: number): Panel[] {
  if (view.opened?.kind !== 'failure') return [];
  const height = bodyRows(size);
  const lines = failureDetail(view.opened.entry, innerWidth(size.columns));
  const last = lastTopOf(lines.length, size);
  const first = Math.min(view.opened.top, last);
  const shown = lines.slice(first, first + innerHeight(height));
  const framedLines = framed({
    width: size.columns,
    height,
    title: [span('Failure', { bold: true })],
    foot: last === 0 ? [] : [span(`${first + 1}-${first + shown.length} of ${grouped(lines.length)}`)],
    isFocused: true,
    content: shown,
  });
  return [{ key: 'failure', left: 0, top, width: size.columns, height, lines: framedLines }];
}

/** One failure in full: the job, its arguments, the error and the output. */
/** More than a user would read. Wrapping a record of megabytes would block the screen. */
const longestTextUnits = 200_000;

function failureDetail(entry: FailureEntry, width: number): Line[] {
  const heading = (text: string) => lineOf(width, [span(text, { dim: true })]);
  const body = (text: string | null, style: Style = {}) =>
    text === null || text.trim() === ''
      ? []
      : wrapped(text, width - 2).map((line) => lineOf(width, [span('  '), span(line, style)]));
  const section = (title: string, lines: readonly Line[]) =>
    lines.length === 0 ? [] : [heading(title), ...lines];
  return [
    lineOf(width, summary(entry)),
    ...section('args', body(entry.args)),
    ...section('error', body(entry.error, { color: 'red' })),
    ...section(
      'backtrace',
      entry.backtrace.flatMap((line) => body(line)),
    ),
    ...section('stderr', body(entry.stderr)),
    ...section('stdout', body(entry.stdout)),
  ];
}

function summary(entry: FailureEntry): Part[] {
  const ended = howItEnded(entry);
  return [
    span(entry.jobClass ?? '(no class)', { bold: true }),
    span('  queue '),
    span(entry.queue ?? '(none)', { bold: true }),
    ...(entry.exception === null ? [] : [span('  '), span(entry.exception, { color: 'red' })]),
    ...(ended === '' ? [] : [span(`  ${ended}`)]),
    span(`  failed ${entry.failedAt ?? '(at an unknown time)'}`),
    ...(entry.retriedAt === null ? [] : [span(`  retried ${entry.retriedAt}`, { color: 'green' })]),
    ...(entry.worker === null ? [] : [span(`  worker ${entry.worker}`, { dim: true })]),
  ];
}

function wrapped(text: string, width: number): string[] {
  const cut = text.length > longestTextUnits ? `${text.slice(0, longestTextUnits)}\n…` : text;
  return wrap(cut.trimEnd(), width);
}

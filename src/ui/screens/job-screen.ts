/** One job: what is known of it, and its output, live. */
import type { EndedJob, RunningJob } from '../../protocol/snapshot.ts';
import type { AppState, OpenLog } from '../../store/app-store.ts';
import type { LogLine } from '../../store/log-buffer.ts';
import { findJob } from '../../store/selectors.ts';
import type { LogView } from '../../store/view.ts';
import type { JobLog } from '../job-log.ts';
import type { Size } from '../layout.ts';
import { type LogPane, logPane, logTimeColumns } from '../log-pane.ts';
import { logWindow } from '../log-window.ts';
import { framed, innerWidth, type Panel, stacked } from '../panels/panel.ts';
import { grouped, howItEnded, plural } from '../panels/words.ts';
import { clock } from '../text/clock.ts';
import { cell, gap, type Line, lineOf, type Part, type Span, span } from '../text/line.ts';

export function jobScreen(state: AppState, log: JobLog | null, size: Size, top: number): Panel[] {
  const { opened, log: view } = state.view;
  if (opened?.kind !== 'job' || log === null) return [];
  log.showUnfinished();
  const pane = logPane(size, view);
  return stacked(
    [
      { key: 'info', lines: info(state, opened.jobId, size.columns, pane.infoRows) },
      { key: 'rule', lines: [rule(state.openLog, log, view, size.columns)] },
      { key: 'log', lines: logLines(log, view, size.columns, pane, state.openLog) },
    ],
    { left: 0, top, width: size.columns },
  );
}

function info({ model }: AppState, jobId: string, width: number, height: number): Line[] {
  if (height === 0) return [];
  const job = findJob(model, jobId);
  const inner = innerWidth(width);
  const content =
    job === null
      ? [lineOf(inner, [span('what it was is no longer known; its output may be', { dim: true })])]
      : [lineOf(inner, what(job)), lineOf(inner, [span('args ', { dim: true }), span(job.args)])];
  return framed({ width, height, title: [span('job', { dim: true })], isFocused: false, content });
}

function what(job: RunningJob | EndedJob): Part[] {
  const parts: Part[] = [
    span(job.jobClass ?? '(no class)', { bold: true }),
    span('  queue ', { dim: true }),
    span(job.queue),
    span('  started ', { dim: true }),
    span(clock(job.startedAtMs)),
  ];
  if ('outcome' in job) {
    parts.push(span('  ended ', { dim: true }), span(`${clock(job.endedAtMs)} ${howItEnded(job)}`));
    if (job.failure !== null) {
      parts.push(span(`  ${job.failure.exception}: `, { color: 'red' }), span(job.failure.error));
    }
  } else if (job.killed !== null) {
    parts.push(span(`  was sent ${job.killed.signal} at ${clock(job.killed.atMs)}`, { color: 'yellow' }));
  }
  parts.push(gap, span(`worker ${job.worker}`, { dim: true }));
  return parts;
}

const streamNames = { both: 'stderr+stdout', stderr: 'stderr', stdout: 'stdout' } as const;

/** `── stderr+stdout  FOLLOW  wrap:off  18,204 lines  /bits 1 of 6 ──` */
function rule(openLog: OpenLog | null, log: JobLog, view: LogView, width: number): Line {
  const { buffer } = log;
  const matches = log.matchCount();
  const parts: Span[] = [
    span('── ', { dim: true }),
    span(streamNames[view.streams], { bold: true }),
    span(
      view.isFollowing ? '  FOLLOW' : '  PAUSED',
      view.isFollowing ? { color: 'green' } : { color: 'yellow' },
    ),
    span(`  wrap:${view.isWrapped ? 'on' : 'off'}`, { dim: true }),
    span(`  ${plural(buffer.end, 'line')}`),
  ];
  if (buffer.first > 0)
    parts.push(span(` (the last ${grouped(buffer.end - buffer.first)} are kept)`, { dim: true }));
  if (matches !== null) {
    const at = matches.at === null ? '' : `${grouped(matches.at)} of `;
    parts.push(span(`  /${view.search} `, { color: 'yellow' }));
    parts.push(span(matches.count === 0 ? 'no match' : `${at}${grouped(matches.count)}`, { bold: true }));
  }
  if (openLog?.state === 'ended') parts.push(span('  ended', { dim: true }));
  parts.push(span(' '));
  const used = parts.reduce((sum, part) => sum + part.width, 0);
  return lineOf(width, [...parts, span('─'.repeat(Math.max(0, width - used)), { dim: true })]);
}

function logLines(log: JobLog, view: LogView, width: number, pane: LogPane, openLog: OpenLog | null): Line[] {
  const { lines } = logWindow(log.buffer, view, pane.textColumns, pane.rows);
  const shown = lines.flatMap(({ number, line, rows }) =>
    rows.map((text, row) => logRow(line, text, row === 0, number === view.match, view, width)),
  );
  if (lines.length === 0) shown.push(lineOf(width, [span(` ${nothing(openLog)}`, { dim: true })]));
  const below = Array.from({ length: Math.max(0, pane.rows - shown.length) }, () => lineOf(width, []));
  return [...shown, ...below];
}

function nothing(openLog: OpenLog | null): string {
  switch (openLog?.state) {
    case 'gone':
      return 'the output of this job is no longer kept';
    case 'ended':
      return 'it has printed nothing';
    case 'live':
      return 'it has printed nothing yet';
    default:
      return 'reading…';
  }
}

function logRow(
  line: LogLine,
  text: string,
  isFirstRow: boolean,
  isMatch: boolean,
  { hasTimes, search }: LogView,
  width: number,
): Line {
  const margin = span(isMatch && isFirstRow ? '▸' : ' ', { color: 'yellow' });
  if (line.kind === 'mark') {
    return lineOf(width, [margin, span(`── mark ${clock(line.atMs)} ──`, { color: 'cyan' })]);
  }
  if (line.kind === 'skipped') {
    return lineOf(width, [
      margin,
      span(`── ${plural(line.skippedLines, 'line')} skipped ──`, { color: 'yellow' }),
    ]);
  }
  const time = hasTimes ? [cell(isFirstRow ? clock(line.atMs) : '', logTimeColumns, { dim: true })] : [];
  const name = line.stream === 'stderr' ? 'err ' : 'out ';
  const stream = isFirstRow
    ? span(name, line.stream === 'stderr' ? { color: 'yellow' } : { dim: true })
    : span('    ');
  return lineOf(width, [margin, ...time, stream, ...highlighted(text, search)]);
}

/** What matches, inverse. */
function highlighted(text: string, search: string): Span[] {
  if (search === '') return [span(text)];
  // As the search itself: letters of any case, unless a capital was typed.
  const isExact = search !== search.toLowerCase();
  const haystack = isExact ? text : text.toLowerCase();
  const needle = isExact ? search : search.toLowerCase();
  // Where lower case has another length, places would be wrong: better no highlight.
  if (haystack.length !== text.length) return [span(text)];
  const spans: Span[] = [];
  let at = 0;
  for (let found = haystack.indexOf(needle); found !== -1; found = haystack.indexOf(needle, at)) {
    spans.push(
      span(text.slice(at, found)),
      span(text.slice(found, found + needle.length), { inverse: true }),
    );
    at = found + needle.length;
  }
  return [...spans, span(text.slice(at))];
}

/** One job: its details and its live output. */
import { clock, grouped, nextRunText, plural } from '../../messages/quantities.ts';
import type { EndedJob, RunningJob } from '../../protocol/snapshot.ts';
import type { AppState, OpenLog } from '../../store/app-store.ts';
import { type Needle, needleOf } from '../../store/search.ts';
import { findJob } from '../../store/selectors.ts';
import type { LogView } from '../../store/view.ts';
import type { JobLog } from '../log/job-log.ts';
import { logWindow, type SeenLine } from '../log/log-window.ts';
import { type LogPane, logPane, logTimeColumns, type Size } from '../panels/layout.ts';
import { framed, innerWidth, type Panel, stacked } from '../panels/panel.ts';
import { howItEnded } from '../panels/words.ts';
import { columns } from '../text/columns.ts';
import { cutStart } from '../text/fit.ts';
import { cell, type Line, lineOf, type Part, type Span, span } from '../text/line.ts';

export function jobScreen(state: AppState, log: JobLog | null, size: Size, top: number): Panel[] {
  const { opened, log: view } = state.view;
  if (opened?.kind !== 'job' || log === null) return [];
  log.showUnfinished();
  const pane = logPane(size, view);
  return stacked(
    [
      { key: 'info', lines: info(state, opened.jobId, size.columns, pane.infoRows) },
      { key: 'rule', lines: [rule(state.openLog, log, view, size.columns)] },
      { key: 'log', lines: logLines(state, log, size.columns, pane) },
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
      ? [lineOf(inner, [span('details of this job are no longer kept; its output may be', { dim: true })])]
      : [lineOf(inner, what(job)), lineOf(inner, [span('args ', { dim: true }), span(job.args)])];
  return framed({
    width,
    height,
    title: [span('job', { dim: true })],
    foot: job === null ? [] : [span(`worker ${job.worker}`, { dim: true })],
    isFocused: false,
    content,
  });
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
    if (job.next !== undefined) {
      parts.push(span(`  ${nextRunText(job.next, job.outcome === 'snoozed')}`, { color: 'yellow' }));
    }
    if (job.failure !== null) {
      parts.push(span(`  ${job.failure.exception}: `, { color: 'red' }), span(job.failure.error));
    }
  } else if (job.killed !== null) {
    parts.push(span(`  sent ${job.killed.signal} at ${clock(job.killed.atMs)}`, { color: 'yellow' }));
  }
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
      view.isFollowing ? '  FOLLOW' : '  follow:off',
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

function logLines(state: AppState, log: JobLog, width: number, pane: LogPane): Line[] {
  const { log: view } = state.view;
  const { lines } = logWindow(log.buffer, view, pane.textColumns, pane.rows);
  const needle = needleOf(view.search);
  const shown = lines.flatMap((seen) => logRows(seen, view, needle, pane.textColumns, width));
  if (lines.length === 0) shown.push(lineOf(width, [span(` ${nothing(state, log)}`, { dim: true })]));
  const below = Array.from({ length: Math.max(0, pane.rows - shown.length) }, () => lineOf(width, []));
  return [...shown, ...below];
}

function nothing({ openLog, model, view }: AppState, { buffer }: JobLog): string {
  if (buffer.end > 0) return `nothing on ${streamNames[view.log.streams]}; o switches streams`;
  const nothingYet = 'no output yet';
  switch (openLog?.state) {
    case 'gone':
      return 'the output of this job is no longer kept';
    case 'ended':
      return 'no output';
    case 'live':
      return nothingYet;
    default: {
      // No output is coming.
      const job = openLog === null ? undefined : model.jobs.find(({ id }) => id === openLog.jobId);
      return job?.lastLine === null ? nothingYet : 'reading…';
    }
  }
}

function logRows(
  { number, line, rows, rowsAbove }: SeenLine,
  { hasTimes, isWrapped, match }: LogView,
  needle: Needle,
  textColumns: number,
  width: number,
): Line[] {
  if (line.kind === 'mark') {
    return [lineOf(width, [span(' '), span(`── mark ${clock(line.atMs)} ──`, { color: 'cyan' })])];
  }
  if (line.kind === 'skipped') {
    const text = `── ${plural(line.skippedLines, 'line')} skipped ──`;
    return [lineOf(width, [span(' '), span(text, { color: 'yellow' })])];
  }
  const name = line.stream === 'stderr' ? span('err ', { color: 'yellow' }) : span('out ', { dim: true });
  return rows.map((text, at) => {
    const isFirst = rowsAbove + at === 0;
    const margin = span(number === match && at === 0 ? '▸' : ' ', { color: 'yellow' });
    const time = hasTimes ? [cell(isFirst ? clock(line.atMs) : '', logTimeColumns, { dim: true })] : [];
    const shown = isWrapped ? highlighted(text, needle) : inSight(text, needle, textColumns);
    return lineOf(width, [margin, ...time, isFirst ? name : span('    '), ...shown]);
  });
}

/** The text with its matches inverse. */
function highlighted(text: string, needle: Needle): Span[] {
  const spans: Span[] = [];
  let at = 0;
  for (const [start, end] of needle.rangesIn(text)) {
    spans.push(span(text.slice(at, start)), span(text.slice(start, end), { inverse: true }));
    at = end;
  }
  return [...spans, span(text.slice(at))];
}

/** The same. If the first match is beyond the right edge, the text far to the left of it is omitted. */
function inSight(text: string, needle: Needle, width: number): Span[] {
  const [first] = needle.rangesIn(text);
  if (first === undefined || columns(text.slice(0, first[1])) < width) return highlighted(text, needle);
  const before = cutStart(text.slice(0, first[0]), Math.floor(width / 2));
  return [span(before), ...highlighted(text.slice(first[0]), needle)];
}

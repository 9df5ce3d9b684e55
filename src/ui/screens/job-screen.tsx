/** One job: its details and its live output. */
import type { ReactNode } from 'react';
import { clock, grouped, nextRunText, plural, usageText } from '../../messages/quantities.ts';
import type { EndedJob, RunningJob } from '../../protocol/snapshot.ts';
import type { OpenLog } from '../../store/app-store.ts';
import { needleOf } from '../../store/search.ts';
import { findJob, type StuckJob, stuckJob } from '../../store/selectors.ts';
import type { LogView } from '../../store/view.ts';
import { Canvas } from '../frame/canvas.tsx';
import { Panel } from '../frame/panel.tsx';
import { useFrame } from '../frame/use-frame.ts';
import { innerHeight, innerWidth } from '../layout/framed.ts';
import { logPane } from '../layout/layout.ts';
import type { JobLog } from '../log/job-log.ts';
import { stuckStyle, stuckText, timeLeft, unfoldedArgs } from '../log/job-words.ts';
import { logWindow } from '../log/log-window.ts';
import { howItEnded } from '../panels/words.ts';
import { type Line, lineOf, type Part, type Span, span } from '../text/line.ts';
import { logRows } from './log-rows.ts';

export function JobScreen({ jobId }: { readonly jobId: string }): ReactNode {
  const { log, size, view } = useFrame((frame) => ({
    log: frame.log,
    size: frame.size,
    view: frame.view.log,
  }));
  if (log === null) return null;
  const { infoRows } = logPane(size, view);
  return (
    <>
      {infoRows > 0 && <JobInfo jobId={jobId} height={infoRows} />}
      <LogRule log={log} />
      <LogLines log={log} />
    </>
  );
}

function JobInfo({ jobId, height }: { readonly jobId: string; readonly height: number }): ReactNode {
  const { job, nowMs, stuck, isUnfolded, width } = useFrame(({ model, view, nowMs, size }) => {
    const found = findJob(model, jobId);
    const isRunning = found !== null && !('outcome' in found);
    return {
      job: found,
      // Only a running job changes with the time.
      nowMs: isRunning ? nowMs : 0,
      stuck: isRunning ? stuckJob(model, found, nowMs) : null,
      isUnfolded: view.log.argsRows > 0,
      width: size.columns,
    };
  });
  const inner = innerWidth(width);
  const content =
    job === null
      ? [lineOf(inner, [span('details of this job are no longer kept; its output may be', { dim: true })])]
      : [
          lineOf(inner, what(job, stuck, nowMs)),
          ...(isUnfolded ? allArgs(job.args, inner, innerHeight(height) - 1) : [foldedArgs(job.args, inner)]),
        ];
  return (
    <Panel
      width={width}
      height={height}
      title={[span('job', { dim: true })]}
      foot={job === null ? [] : [span(footText(job), { dim: true })]}
      isFocused={false}
      content={content}
    />
  );
}

function foldedArgs(args: string, width: number): Line {
  return lineOf(width, [span('args ', { dim: true }), span(args)]);
}

function allArgs(args: string, width: number, rows: number): Line[] {
  const lines = unfoldedArgs(args, width);
  if (lines.length <= rows) return lines.map((line) => lineOf(width, [span(line)]));
  const shown = lines.slice(0, Math.max(0, rows - 1)).map((line) => lineOf(width, [span(line)]));
  return [
    ...shown,
    lineOf(width, [span(`… ${plural(lines.length - shown.length, 'more line')}`, { dim: true })]),
  ];
}

function what(job: RunningJob | EndedJob, stuck: StuckJob | null, nowMs: number): Part[] {
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
    return parts;
  }
  const left = timeLeft(job, nowMs);
  if (job.killed !== null) {
    parts.push(span(`  sent ${job.killed.signal} at ${clock(job.killed.atMs)}`, { color: 'yellow' }));
  } else if (left !== null) {
    parts.push(span('  time left ', { dim: true }), left);
  }
  if (stuck !== null) parts.push(span(`  stuck? ${stuckText(stuck)}`, stuckStyle));
  return parts;
}

/** `worker web1.runner:4711-0:mail, CPU 1.2 s` */
function footText(job: RunningJob | EndedJob): string {
  const usage = 'outcome' in job ? usageText(job) : '';
  return usage === '' ? `worker ${job.worker}` : `worker ${job.worker}, ${usage}`;
}

const streamNames = { both: 'stderr+stdout', stderr: 'stderr', stdout: 'stdout' } as const;

function LogRule({ log }: { readonly log: JobLog }): ReactNode {
  const { openLog, view, width } = useFrame((frame) => ({
    openLog: frame.openLog,
    view: frame.view.log,
    width: frame.size.columns,
  }));
  return <Canvas width={width} lines={[rule(openLog, log, view, width)]} />;
}

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

/** The visible rows. */
function LogLines({ log }: { readonly log: JobLog }): ReactNode {
  const { openLog, lastLine, view, size } = useFrame((frame) => ({
    openLog: frame.openLog,
    lastLine: frame.model.jobs.find(({ id }) => id === log.jobId)?.lastLine,
    view: frame.view.log,
    size: frame.size,
  }));
  const { columns: width } = size;
  const { textColumns, rows } = logPane(size, view);
  const { lines } = logWindow(log.buffer, view, textColumns, rows);
  const needle = needleOf(view.search);
  const shown = lines.flatMap((seen) => logRows(seen, view, needle, textColumns, width));
  if (lines.length === 0) {
    const why = log.buffer.end > 0 ? hiddenStream(view) : nothing(openLog, lastLine === null);
    shown.push(lineOf(width, [span(` ${why}`, { dim: true })]));
  }
  const below = Array.from({ length: Math.max(0, rows - shown.length) }, () => lineOf(width, []));
  return <Canvas width={width} lines={[...shown, ...below]} wheel={() => ({})} />;
}

function hiddenStream({ streams }: LogView): string {
  return `nothing on ${streamNames[streams]}; o switches streams`;
}

/** @param isSilent the job runs and has printed nothing */
function nothing(openLog: OpenLog | null, isSilent: boolean): string {
  const nothingYet = 'no output yet';
  switch (openLog?.state) {
    case 'gone':
      return 'the output of this job is no longer kept';
    case 'ended':
      return 'no output';
    case 'live':
      return nothingYet;
    default:
      return isSilent ? nothingYet : 'reading…';
  }
}

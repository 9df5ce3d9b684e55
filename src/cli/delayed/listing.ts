/** Formats for a list of delayed jobs: a table for a terminal, tab-separated lines, and JSON. */
import { age, utcTime } from '../../messages/quantities.ts';
import { visible, visibleArgs, visibleJson, visibleWithin } from '../../messages/visible.ts';
import type { DelayedView } from '../../protocol/redis-views.ts';
import { type DelayedJob, viewDelayed } from '../../resque/delayed/delayed-list.ts';
import { type Line, span } from '../../ui/text/line.ts';
import type { Io } from '../command-line/io.ts';
import { print } from '../terminal/output.ts';
import { alarm, type Column, linePainter, outputWidth, type Table, table } from '../terminal/table.ts';

/** Characters to show of a job that is not a JSON object. */
const longestRaw = 64 * 1024;
/** Characters per cell: more than any terminal has columns. */
const longestCell = 1_000;
/** For a terminal that reports no width. */
const columnsUnknown = 80;

export interface DelayedListing {
  /** @returns false if the reader has closed STDOUT */
  add(jobs: readonly DelayedJob[]): Promise<boolean>;
  /** @param next where the next page begins */
  end(next: string | null): Promise<boolean>;
}

export function listingFor(io: Io, isJson: boolean, nowMs: number): DelayedListing {
  if (isJson) return jsonListing(io, nowMs);
  return io.stdout.isTTY === true ? tableListing(io, nowMs) : plainListing(io);
}

function tableListing(io: Io, nowMs: number): DelayedListing {
  const paint = linePainter(io);
  const printLines = (lines: readonly Line[]) =>
    print(io, lines.map((line) => `${paint(line).trimEnd()}\n`).join(''));
  let layout: Table<DelayedJob> | null = null;
  return {
    add(jobs) {
      if (layout !== null) return printLines(jobs.map(layout.line));
      // The first batch sets the column widths, so a long list needn't be in memory.
      const hasRetries = jobs.some(({ retry }) => retry);
      const columns = columnsAt(nowMs).filter(({ title }) => hasRetries || title !== 'RETRY');
      layout = table(jobs, columns, outputWidth(io) ?? columnsUnknown);
      return printLines([layout.head, ...jobs.map(layout.line)]);
    },
    end: () => Promise.resolve(true),
  };
}

function columnsAt(nowMs: number): Column<DelayedJob>[] {
  const cell = (text: (view: DelayedView, job: DelayedJob) => string) => (job: DelayedJob) => ({
    text: visibleWithin(text(viewDelayed(job), job), longestCell),
  });
  return [
    { title: 'ID', cell: cell(({ id }) => id) },
    { title: 'DUE AT, UTC', cell: cell(({ dueAtMs }) => dueText(dueAtMs)) },
    { title: 'IN', align: 'right', isOptional: true, cell: (job) => inCell(viewDelayed(job), nowMs) },
    { title: 'QUEUE', least: 6, cell: cell(({ queue }) => queue ?? '-') },
    { title: 'RETRY', least: 6, cell: cell((_, job) => retryText(job)) },
    { title: 'JOB', least: 10, cell: cell(jobText) },
  ];
}

function dueText(dueAtMs: number | null): string {
  return dueAtMs === null ? 'never' : utcTime(dueAtMs).replace(' UTC', '');
}

function inCell({ dueAtMs }: DelayedView, nowMs: number) {
  if (dueAtMs === null) return { text: '-' };
  const leftMs = dueAtMs - nowMs;
  if (leftMs >= 0) return { text: age(leftMs) };
  return { text: `${age(-leftMs)} ago`, mark: span('! ', alarm) };
}

function jobText({ jobClass, args, isReadable }: DelayedView, job: DelayedJob): string {
  if (!isReadable) return `(not a JSON object) ${job.item.toString('utf8', 0, 4 * longestCell)}`;
  return `${jobClass ?? '-'} ${args}`;
}

function retryText({ retry }: DelayedJob): string {
  if (!retry) return '';
  return retry.lastError === null ? `run ${retry.attempt}` : `run ${retry.attempt}, ${retry.lastError}`;
}

/**
 * For `cut`, `awk` and similar tools: one uncut line per job and nothing else. The fields are ID, due at, queue, class and
 * args; for a retry also the number of its next run, and its last error. Tabs and line breaks inside a field are escaped.
 */
function plainListing(io: Io): DelayedListing {
  return {
    add: (jobs) => print(io, jobs.map((job) => `${plainLine(job)}\n`).join('')),
    end: () => Promise.resolve(true),
  };
}

function plainLine(job: DelayedJob): string {
  const { id, dueAtMs, queue, jobClass, args, isReadable } = viewDelayed(job);
  const due = dueAtMs === null ? '' : new Date(dueAtMs).toISOString();
  const rest = isReadable ? args : `(not a JSON object) ${rawText(job)}`;
  const retry = job.retry ? [String(job.retry.attempt), job.retry.lastError ?? ''] : [];
  return [id, due, queue ?? '', jobClass ?? '', rest, ...retry].map(visible).join('\t');
}

function rawText({ item }: DelayedJob): string {
  return item.toString('utf8', 0, longestRaw).toWellFormed();
}

/** One document. Each job is on its own line, for `grep` and for people. */
function jsonListing(io: Io, nowMs: number): DelayedListing {
  let isFirst = true;
  return {
    add(jobs) {
      const lines = jobs.map((job) => jsonJob(job, nowMs)).join(',\n');
      const start = isFirst ? '{"jobs":[\n' : ',\n';
      isFirst = false;
      return print(io, start + lines);
    },
    end: (next) =>
      print(io, `${isFirst ? '{"jobs":[' : '\n'}],"next":${next === null ? 'null' : visibleJson(next)}}\n`),
  };
}

function jsonJob(job: DelayedJob, nowMs: number): string {
  const { id, dueAtMs, queue, jobClass, args, isReadable } = viewDelayed(job);
  const due = {
    dueAt: dueAtMs === null ? null : new Date(dueAtMs).toISOString(),
    dueInSeconds: dueAtMs === null ? null : Math.round((dueAtMs - nowMs) / 1_000),
  };
  const raw = isReadable ? {} : { raw: rawText(job) };
  const retry = job.retry ? { retry: job.retry } : {};
  const members = [
    { id, ...due, queue, class: jobClass },
    { isReadable, ...raw, ...retry },
  ];
  const [before, after] = members.map((object) => visibleJson(object).slice(1, -1));
  return `{${before},"args":${visibleArgs(args)},${after}}`;
}

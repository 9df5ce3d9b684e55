/** One failure in full: the job, its arguments, the error and the output. */
import type { FailureEntry } from '../../protocol/commands.ts';
import { innerHeight, innerWidth } from '../layout/framed.ts';
import { bodyRows, type Size } from '../layout/layout.ts';
import { type Line, lineOf, type Part, type Style, span } from '../text/line.ts';
import { wrap } from '../text/wrap.ts';
import { howItEnded } from './words.ts';

/** The last position of scrolling in an open failure. */
export function lastFailureTop(entry: FailureEntry, size: Size): number {
  const lines = failureDetail(entry, innerWidth(size.columns));
  return Math.max(0, lines.length - innerHeight(bodyRows(size)));
}

/** More than a user would read. Wrapping a record of megabytes would block the screen. */
const longestTextUnits = 200_000;

export function failureDetail(entry: FailureEntry, width: number): Line[] {
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

/** One failure in full: the job, its arguments, the error and the output. */
import type { FailureEntry } from '../../protocol/commands.ts';
import { type Line, lineOf, type Part, type Style, span } from '../text/line.ts';
import { bodyLines, heading } from './detail-lines.ts';
import { howItEnded } from './words.ts';

export function failureDetail(entry: FailureEntry, width: number): Line[] {
  const body = (text: string | null, style: Style = {}) => bodyLines(text, width, style);
  const section = (title: string, lines: readonly Line[]) =>
    lines.length === 0 ? [] : [heading(title, width), ...lines];
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

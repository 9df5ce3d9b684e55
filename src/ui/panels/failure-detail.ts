/** One failure in full: the job, its arguments, the error and the output. */
import { usageText } from '../../messages/quantities.ts';
import type { FailureEntry } from '../../protocol/commands.ts';
import { type Line, lineOf, type Span, type Style, span } from '../text/line.ts';
import { bodyLines, flowing, heading } from './detail-lines.ts';
import { howItEnded } from './words.ts';

/** @param isOpen whether it has the whole screen; below a list, its first lines are worth more than the end of a line */
export function failureDetail(entry: FailureEntry, width: number, isOpen: boolean): Line[] {
  const body = (text: string | null, style: Style = {}) => bodyLines(text, width, style);
  const section = (title: string, lines: readonly Line[]) =>
    lines.length === 0 ? [] : [heading(title, width), ...lines];
  return [
    ...(isOpen
      ? flowing(summary(entry), width)
      : [
          lineOf(
            width,
            summary(entry).flatMap((item) => [...item, span('  ')]),
          ),
        ]),
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

function summary(entry: FailureEntry): Span[][] {
  const ended = howItEnded(entry);
  const usage = usageText(entry);
  return [
    [span(entry.jobClass ?? '(no class)', { bold: true })],
    [span('queue '), span(entry.queue ?? '(none)', { bold: true })],
    ...(entry.exception === null ? [] : [[span(entry.exception, { color: 'red' })]]),
    ...(ended === '' ? [] : [[span(ended)]]),
    ...(usage === '' ? [] : [[span(usage)]]),
    [span(`failed ${entry.failedAt ?? '(at an unknown time)'}`)],
    ...(entry.retriedAt === null ? [] : [[span(`retried ${entry.retriedAt}`, { color: 'green' })]]),
    ...(entry.worker === null ? [] : [[span(`worker ${entry.worker}`, { dim: true })]]),
  ];
}

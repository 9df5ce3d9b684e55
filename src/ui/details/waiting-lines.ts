/** A waiting job in full, as far as the engine sends it. */
import { grouped } from '../../messages/quantities.ts';
import type { WaitingJob } from '../../protocol/redis-views.ts';
import { bodyLines, flowing, heading } from '../panels/detail-lines.ts';
import { type Line, span } from '../text/line.ts';

export function waitingDetail(queue: string, job: WaitingJob, width: number): Line[] {
  const part = (title: string, text: string) => {
    const lines = bodyLines(text, width);
    return lines.length === 0 ? [] : [heading(title, width), ...lines];
  };
  return [
    ...flowing(
      [
        [span(job.jobClass ?? '(no class)', { bold: true })],
        [span('queue '), span(queue, { bold: true })],
        [span(`place ${grouped(job.index + 1)} when it was read`)],
        [span(`${grouped(job.size)} bytes`)],
      ],
      width,
    ),
    ...part('args', prettyArgs(job.args)),
    ...part(job.isWhole ? 'payload' : 'the beginning of the payload', job.payload),
  ];
}

/** With a line for each member, unless that would change them: JavaScript rounds long numbers. */
function prettyArgs(args: string): string {
  try {
    const value: unknown = JSON.parse(args);
    return JSON.stringify(value) === args ? JSON.stringify(value, null, 2) : args;
  } catch {
    return args; // Cut, or none.
  }
}

/** The headless log: one line for each event that matters to an operator. */
import { type Level, lostLines, wordingOf } from '../../messages/events.ts';
import type { EngineEvent } from '../../protocol/events.ts';
import type { JobView } from '../../protocol/job.ts';
import { type LineOptions, lineOf } from './log-line.ts';

export interface LogOptions extends LineOptions {
  readonly stream: LogStream;
  /** Lines below this level are left out; none unless given. */
  readonly level?: Level;
}

export interface LogStream {
  /** Takes one line. Must not throw. */
  write(line: string): void;
}

const ranks = { info: 0, warn: 1, error: 2 } as const satisfies Record<Level, number>;

/** @returns a function that takes the engine's events, in order */
export function createLog({ stream, level = 'info', ...options }: LogOptions): (event: EngineEvent) => void {
  const line = lineOf(options);
  const least = ranks[level];
  /** Running jobs, because later events don't repeat a job's arguments. */
  const running = new Map<string, JobView>();
  return (event) => {
    if (event.type === 'job.started') running.set(event.job.id, event.job);
    const jobId = event.type === 'job.started' ? event.job.id : 'jobId' in event ? event.jobId : null;
    const job = jobId === null ? null : (running.get(jobId) ?? null);
    if (event.type === 'job.finished') running.delete(event.jobId);
    const wording = wordingOf(event, job);
    if (wording === null || ranks[wording.level] < least) return;
    stream.write(line(event, wording, job?.traceId ?? null));
  };
}

/** @returns makes the line that tells how many lines are missing before it */
export function lossLine(options: LineOptions): (lines: number) => string {
  const line = lineOf(options);
  return (lines) =>
    line({ type: 'log.lost', ...{ lines }, seq: 0, atMs: Date.now() }, lostLines(lines), null);
}

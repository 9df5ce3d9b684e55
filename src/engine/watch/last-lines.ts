/**
 * Publishes the latest line of each running job after it has changed, at most a few times a second. A flood costs one flag
 * for each piece; the text is read only for publishing.
 */
import { type EngineFact, printedLineLimit } from '../../protocol/events.ts';
import type { OutputStream } from '../../protocol/job.ts';
import type { Job, JobWatcher } from '../jobs/job.ts';
import { withoutPartEnd, withoutPartStart } from '../output/output-tail.ts';

/** Bytes at the end of a stream that are searched for its last line. */
export const lastLineBytes = 4_096;

/** Sequences that a terminal doesn't draw, though they contain letters: colors, cursor movements, window titles. */
const escapes = /\u001b(?:\[[0-?]*[ -/]*[@-~]|\][^\u0007\u001b]*|[^[\]])/g;

const pauseMs = 250;
const marks = { stdout: 1, stderr: 2 } as const;

interface Line {
  readonly stream: OutputStream;
  readonly text: string;
}

export class LastLines implements JobWatcher {
  readonly #publish: (fact: EngineFact) => void;
  /** The last published line of each job. */
  readonly #told = new Map<Job, Line>();
  /** Jobs that have printed since, with the marks of the streams. */
  readonly #printed = new Map<Job, number>();
  #timer: NodeJS.Timeout | null = null;
  #toldAt = 0;

  constructor(publish: (fact: EngineFact) => void) {
    this.#publish = publish;
  }

  /** Publishes the present lines of these jobs. */
  begin(running: Iterable<Job>): void {
    for (const job of running) {
      const [stdout, stderr] = [job.printedAtMs('stdout'), job.printedAtMs('stderr')];
      // If both printed within one pause, stderr wins, as it does later.
      const latest = Math.max(stdout, stderr) - pauseMs;
      this.#tell(job, (stdout > latest ? marks.stdout : 0) | (stderr > latest ? marks.stderr : 0));
    }
  }

  printed(job: Job, stream: OutputStream): void {
    this.#printed.set(job, (this.#printed.get(job) ?? 0) | marks[stream]);
    if (this.#timer !== null) return;
    // Newer versions of Node warn of a negative time.
    const restMs = Math.max(0, this.#toldAt + pauseMs - performance.now());
    this.#timer = setTimeout(() => this.#tellAll(), restMs).unref();
  }

  ended(job: Job): void {
    this.#told.delete(job);
    this.#printed.delete(job);
  }

  stop(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    this.#told.clear();
    this.#printed.clear();
  }

  #tellAll(): void {
    this.#timer = null;
    this.#toldAt = performance.now();
    const printed = [...this.#printed];
    this.#printed.clear();
    for (const [job, streams] of printed) this.#tell(job, streams);
  }

  #tell(job: Job, streams: number): void {
    const line = lineOf(job, 'stderr', streams) ?? lineOf(job, 'stdout', streams);
    const told = this.#told.get(job);
    if (line === null || (told?.text === line.text && told.stream === line.stream)) return;
    this.#told.set(job, line);
    this.#publish({ type: 'job.printed', jobId: job.id, stream: line.stream, line: line.text });
  }
}

function lineOf(job: Job, stream: OutputStream, streams: number): Line | null {
  if ((streams & marks[stream]) === 0) return null;
  const text = lastLine(job.lastOutput(stream, lastLineBytes));
  return text === null ? null : { stream, text };
}

/**
 * The last line of a stream with visible text, finished or not. Of a line that rewrites itself with CR, such as a progress
 * bar, the last text.
 *
 * @param end the last `lastLineBytes` bytes of the stream, which may begin and end inside a character
 * @returns at most `printedLineLimit` characters; `null` if nothing is visible
 */
export function lastLine(end: Buffer): string | null {
  const text = withoutPartEnd(withoutPartStart(end)).toString('utf8');
  for (let to = text.length; to > 0; ) {
    const from = Math.max(text.lastIndexOf('\n', to - 1), text.lastIndexOf('\r', to - 1)) + 1;
    const line = text.slice(from, to);
    if (/[^\s\p{Cc}]/u.test(line.replace(escapes, ''))) {
      // If the start of a line is missing, its end says more.
      const hasStart = from > 0 || end.length < lastLineBytes;
      return hasStart
        ? line.slice(0, printedLineLimit).replace(/[\ud800-\udbff]$/, '')
        : line.slice(-printedLineLimit).replace(/^[\udc00-\udfff]/, '');
    }
    to = from - 1;
  }
  return null;
}

/**
 * Tells the latest line of each running job whenever it has changed, a few times a second at most. A flood
 * costs a mark per piece here: text is looked at only when it is told.
 */
import type { EngineFact } from '../../protocol/events.ts';
import type { OutputStream } from '../../protocol/job.ts';
import type { Job, JobWatcher } from '../jobs/job.ts';
import { lastLine, lastLineBytes } from './last-line.ts';

const pauseMs = 250;
const marks = { stdout: 1, stderr: 2 } as const;

interface Line {
  readonly stream: OutputStream;
  readonly text: string;
}

export class LastLines implements JobWatcher {
  readonly #publish: (fact: EngineFact) => void;
  /** What was told last of each job. */
  readonly #told = new Map<Job, Line>();
  /** Jobs that printed since, with the marks of the streams. */
  readonly #printed = new Map<Job, number>();
  #timer: NodeJS.Timeout | null = null;
  #toldAt = 0;

  constructor(publish: (fact: EngineFact) => void) {
    this.#publish = publish;
  }

  /** Tells where these jobs are now. */
  begin(running: Iterable<Job>): void {
    for (const job of running) {
      const [stdout, stderr] = [job.printedAtMs('stdout'), job.printedAtMs('stderr')];
      // Both as if in one pause, where they came so close.
      const latest = Math.max(stdout, stderr) - pauseMs;
      this.#tell(job, (stdout > latest ? marks.stdout : 0) | (stderr > latest ? marks.stderr : 0));
    }
  }

  printed(job: Job, stream: OutputStream): void {
    this.#printed.set(job, (this.#printed.get(job) ?? 0) | marks[stream]);
    this.#timer ??= setTimeout(() => this.#tellAll(), this.#toldAt + pauseMs - performance.now()).unref();
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

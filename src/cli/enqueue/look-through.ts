/** Checks a whole file before any job is enqueued, so that an invalid line is found before anything has changed. */
import { grouped } from '../../messages/quantities.ts';
import { UsageError } from '../command-line/exit-codes.ts';
import { type FileLine, FileLines } from './file-lines.ts';
import { readJobLine, type WrongLine } from './job-line.ts';
import type { ResumePoint } from './resume-point.ts';
import { type LineCursor, sha1Of } from './resume-point.ts';

/** Limits of one atomic step: other clients of Redis wait until it ends. */
const mostHeadLines = 100_000;
const mostHeadBytes = 64 * 1024 * 1024;
const shownWrongLines = 10;

export interface Looked {
  /** All lines, including those before the first line to enqueue. */
  readonly lines: number;
  readonly jobs: number;
  /** Of the payloads. */
  readonly bytes: number;
  readonly wrong: readonly WrongLine[];
  /** Invalid lines beyond the listed ones. */
  readonly moreWrong: number;
  /** Offset of the first line to enqueue. */
  readonly start: number;
  /** Offset after the last line. */
  readonly end: number;
  /** Cursor after the last job; `null` if there is none. */
  readonly last: LineCursor | null;
}

export interface LookOptions {
  readonly name: string;
  readonly resumePoint: ResumePoint;
  /** Collects every payload if all go in one step; otherwise `null`. */
  readonly kept: Buffer[] | null;
  /** Gets the number of bytes read so far. @returns false to stop; the result is then discarded */
  readonly onRead: (bytes: number) => boolean;
}

/** @throws UsageError if the file has changed, is too short, or is too large for one step */
export async function lookThrough(chunks: AsyncIterable<Buffer>, options: LookOptions): Promise<Looked> {
  const lines = new FileLines();
  const look = new Look(options);
  let read = 0;
  for await (const chunk of chunks) {
    for (const line of lines.in(chunk)) look.at(line);
    read += chunk.length;
    if (!options.onRead(read)) return look.result(lines.count, read);
  }
  for (const line of lines.last()) look.at(line);
  options.resumePoint.endAt(lines.count);
  return look.result(lines.count, read);
}

class Look {
  readonly #options: LookOptions;
  readonly #wrong: WrongLine[] = [];
  #wrongCount = 0;
  #jobs = 0;
  #bytes = 0;
  #start = 0;
  #last: FileLine | null = null;

  constructor(options: LookOptions) {
    this.#options = options;
  }

  at(line: FileLine): void {
    if (this.#options.resumePoint.isBefore(line)) {
      // After its line feed.
      this.#start = line.end + 1;
      return;
    }
    const job = readJobLine(line);
    if (job.kind === 'empty') return;
    if (job.kind === 'wrong') {
      this.#wrongCount += 1;
      if (this.#wrong.length < shownWrongLines) this.#wrong.push(job.wrong);
      return;
    }
    this.#jobs += 1;
    this.#bytes += job.payload.length;
    this.#last = line;
    if (this.#options.kept !== null) this.#keep(job.payload, this.#options.kept);
  }

  result(lines: number, end: number): Looked {
    const last = this.#last;
    return {
      lines,
      jobs: this.#jobs,
      bytes: this.#bytes,
      wrong: this.#wrong,
      moreWrong: this.#wrongCount - this.#wrong.length,
      start: Math.min(this.#start, end),
      end,
      last: last?.bytes == null ? null : { line: last.number, end: last.end, sha1: sha1Of(last.bytes) },
    };
  }

  #keep(payload: Buffer, kept: Buffer[]): void {
    if (this.#jobs > mostHeadLines || this.#bytes > mostHeadBytes) {
      throw new UsageError(
        `--at-head enqueues a file in one step, with at most ${grouped(mostHeadLines)} jobs and ${mostHeadBytes / 1024 / 1024} MiB in total; ${this.#options.name} has more: omit --at-head, or split the file`,
      );
    }
    // A copy: a slice would keep the whole chunk in memory.
    kept.push(Buffer.from(payload));
  }
}

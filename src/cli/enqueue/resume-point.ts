/**
 * Where to resume an enqueue. The cursor in Redis says how far an earlier process got, and has enough to notice if the file or
 * the job has changed since.
 */
import { createHash } from 'node:crypto';
import { grouped } from '../../messages/quantities.ts';
import { UsageError } from '../command-line/exit-codes.ts';
import type { FileLine } from './file-lines.ts';

/** The end of a line. */
export interface LineCursor {
  /** Number of the line; 0 before the first. */
  readonly line: number;
  /** Offset after its last byte, without its line feed. */
  readonly end: number;
  /** SHA-1 of the line; '' if there is nothing to compare. */
  readonly sha1: string;
}

/** Which lines of a file to enqueue: all from the first one on. Of those before it, only the last is looked at. */
export class ResumePoint {
  /** The first line to enqueue. */
  readonly first: number;
  readonly #name: string;
  readonly #cursor: LineCursor | null;

  /**
   * @param name of the file
   * @param cursor where an earlier process stopped; `null` without one
   */
  constructor(name: string, first: number, cursor: LineCursor | null) {
    this.#name = name;
    this.first = first;
    this.#cursor = cursor;
  }

  /**
   * Whether the line comes before the first line to enqueue.
   *
   * @throws UsageError if the last line of an earlier process has changed
   */
  isBefore(line: FileLine): boolean {
    if (line.number >= this.first) return false;
    const cursor = this.#cursor;
    if (cursor === null || line.number !== cursor.line || cursor.sha1 === '') return true;
    if (line.bytes !== null && line.end === cursor.end && sha1Of(line.bytes) === cursor.sha1) return true;
    throw new UsageError(
      `${this.#name} has changed: line ${grouped(cursor.line)}, the last one enqueued, is different now; to continue anyway, use --from-line ${cursor.line + 1} without --resume`,
    );
  }

  /** @throws UsageError if the file ends before the first line to enqueue */
  endAt(lines: number): void {
    if (lines >= this.first - 1) return;
    const has = lines === 1 ? 'only 1 line' : `only ${grouped(lines)} lines`;
    throw new UsageError(
      this.#cursor === null
        ? `${this.#name} has ${has}; --from-line ${this.first} is after the end`
        : `${this.#name} has changed: it has ${has}, but ${grouped(this.first - 1)} were enqueued`,
    );
  }
}

export function lineCursorText({ line, end, sha1 }: LineCursor): string {
  return `line ${line} ${end} ${sha1}`;
}

/** @returns `null` if the cursor is not one of a file */
export function readLineCursor(text: string): LineCursor | null {
  const [, line, end, sha1 = ''] = /^line (\d+) (\d+) ([0-9a-f]*)$/.exec(text) ?? [];
  return line === undefined ? null : { line: Number(line), end: Number(end), sha1 };
}

/** The same for all copies of a job. Redis keeps their number beside it. */
export function jobCursorText(payload: Buffer): string {
  return `job ${sha1Of(payload)}`;
}

export function sha1Of(bytes: Buffer): string {
  return createHash('sha1').update(bytes).digest('hex');
}

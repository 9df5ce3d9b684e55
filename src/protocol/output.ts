/** A job's output, on its way from the engine to a client that watches the job. Plain data, JSON-safe. */
import type { OutputStream } from './job.ts';

/** Output of one stream, from one read or several in a short time. */
export interface OutputPiece {
  readonly stream: OutputStream;
  /** When it was read, milliseconds since the epoch. */
  readonly atMs: number;
  /** Any part of the stream, decoded as UTF-8; lines may be cut. Hostile until sanitized. */
  readonly text: string;
}

export interface OutputBatch {
  readonly pieces: readonly OutputPiece[];
  /**
   * Lines before `pieces` that are no longer kept, or that were skipped for a slow client. An estimate if they were dropped
   * before the first read.
   */
  readonly skippedLines: number;
  /** The job has ended, and no more output follows. */
  readonly isEnd: boolean;
}

/** Reads the kept output of one job from its start, at the reader's pace. */
export interface OutputReader {
  /**
   * Reads the next output.
   *
   * @param maxBytes approximate; returns at least one piece of any size
   * @returns a batch without pieces and without `isEnd` if there is nothing new
   */
  read(maxBytes: number): OutputBatch;
  /** Kept bytes that have not been read. */
  readonly behindBytes: number;
  /** Skips to the last `bytes` of the kept output and counts the lines for the next `read`. */
  skipTo(bytes: number): void;
  close(): void;
}

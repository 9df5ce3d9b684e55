/** What a job prints, on its way from the engine to whoever looks at that job. Plain data, JSON-safe. */
import type { OutputStream } from './job.ts';

/** What one stream brought, in one go or in several shortly after each other. */
export interface OutputPiece {
  readonly stream: OutputStream;
  /** When it was read, milliseconds since the epoch. */
  readonly atMs: number;
  /** Any part of the stream, decoded as UTF-8, lines not whole: hostile until sanitised. */
  readonly text: string;
}

export interface OutputBatch {
  /** In the order in which they were read. */
  readonly pieces: readonly OutputPiece[];
  /**
   * Lines that came before `pieces` and are no longer kept, or that there was no time to send; an estimate where
   * they had gone before anyone read.
   */
  readonly skippedLines: number;
  /** The job has ended and this was the last of it. */
  readonly isEnd: boolean;
}

/** Reads what is kept of one job's output, from its start on, at its own pace. */
export interface OutputReader {
  /**
   * What comes next.
   *
   * @param maxBytes of output, about; one piece is given whatever its size
   * @returns no pieces and not the end: nothing new yet
   */
  read(maxBytes: number): OutputBatch;
  /** Bytes that are kept and not yet read. */
  readonly behindBytes: number;
  /** Skips what is kept up to its last `bytes`, and counts the lines; the next `read` tells. */
  skipTo(bytes: number): void;
  close(): void;
}

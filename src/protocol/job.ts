/** Running jobs and their output, as engine and screen describe them. Plain data, JSON-safe. */

export interface JobView {
  /** Short and unique within one run of the engine, easy to read and type: `a91f`. */
  readonly id: string;
  readonly queue: string;
  /** Key of the pool whose slot the job holds. */
  readonly runner: string;
  /** Resque worker id, `HOST:PID-SLOT:QUEUE`. */
  readonly worker: string;
  /** The payload's `class`; `null` unless it is a string. */
  readonly jobClass: string | null;
  /** JSON text of the payload's `args`, at most `argsTextLimit` characters, cut with `…`. */
  readonly args: string;
  readonly payloadBytes: number;
  /** Milliseconds since the epoch, this machine's clock. */
  readonly startedAtMs: number;
  /**
   * When it was put on its queue, by the clock of the program that did it. Left out if its payload doesn't say, and for retries,
   * which say when they were enqueued at first.
   */
  readonly enqueuedAtMs?: number;
  readonly pid: number;
  /** How long it may run. Left out if that isn't limited. */
  readonly timeoutSeconds?: number;
  /** Left out for pools that don't retry jobs. */
  readonly attempt?: AttemptView;
  /** Of the `traceparent` in its payload, 32 hexadecimal digits; left out if there is none. */
  readonly traceId?: string;
}

/**
 * How a job ended, for people; Redis gets the Resque record. `requeued`: back on its queue, as if it had not run. `retried`: it failed and waits for its next run. `snoozed`: it asked to
 * run again later.
 */
export const jobOutcomes = ['succeeded', 'failed', 'requeued', 'retried', 'snoozed'] as const;
export type JobOutcome = (typeof jobOutcomes)[number];

/** What a job's program has used, with the children that it waited for. Left out if unknown, as for persistent children. */
export interface JobUsage {
  /** User and system time. */
  readonly cpuMs?: number;
  /** The most memory of one of these processes. Left out also if it is not above the runner's own peak. */
  readonly peakMemoryBytes?: number;
}

export interface NextRun extends AttemptView {
  readonly inSeconds: number;
}

export interface AttemptView {
  /** From 1. */
  readonly number: number;
  /** How many runs the policy allows. */
  readonly of: number;
}

export type OutputStream = 'stdout' | 'stderr';

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
   * @param maxBytes most bytes of output; at least 1 is read
   * @returns a batch without pieces and without `isEnd` if there is nothing new
   */
  read(maxBytes: number): OutputBatch;
  /** Kept bytes that have not been read. */
  readonly behindBytes: number;
  /** Skips to the last `bytes` of the kept output and counts the lines for the next `read`. */
  skipTo(bytes: number): void;
  close(): void;
}

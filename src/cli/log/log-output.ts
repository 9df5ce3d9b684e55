/**
 * Hands the lines of the log to STDOUT, in order, without ever making the jobs wait for its reader.
 *
 *     line ──▶ batch ──10 ms, or at once after a pause──▶ waiting ──▶ STDOUT
 *                                                         at most 4 MiB
 *
 * A write wakes the reader, which takes the processor from the jobs. So under load there are few writes: the first line after
 * a pause goes out at once, the following ones together. If the reader is slow or has stopped, lines wait. When they fill
 * their memory, newer ones are lost until half of it is free, and a line tells how many. A reader that is gone, or a full
 * disk, loses lines, too; later ones are tried again.
 *
 * It writes to the descriptor itself, because a stream of Node has no limit, and loses what it holds when the process exits.
 */
import { writeSync } from 'node:fs';
import { countLines } from '../../engine/output/output-tail.ts';
import type { OutputStream } from '../command-line/io.ts';

/** Between two writes under load: long for a computer, and too short to be noticed. */
const intervalMs = 10;
/** Characters after which a batch doesn't wait: what a pipe holds. */
const batchLimit = 64 * 1024;
/** Some seconds of thousands of jobs a second. */
const waitingLimitBytes = 4 * 1024 * 1024;
/** Between two attempts while the reader takes nothing; the pause doubles up to the second one. */
const firstRetryMs = 5;
const lastRetryMs = 100;
/** At the end of the process, for a reader that is only slow: all of the time, and without any progress. */
const endLimitMs = 1_000;
const endPatienceMs = 250;
const endPauseMs = 5;

const newline = 0x0a;

export interface LogOutputOptions {
  /** @returns how many bytes were written. Throws EAGAIN while the reader has no room, other errors if the bytes are lost */
  readonly take: (bytes: Buffer) => number;
  /** The line that tells how many lines are missing before it. */
  readonly lossLine: (lines: number) => string;
}

export class LogOutput {
  readonly #options: LogOutputOptions;
  /** Lines that have not been handed over yet. */
  #batch = '';
  #timer: NodeJS.Timeout | null = null;
  #isScheduled = false;
  #handedAtMs = Number.NEGATIVE_INFINITY;
  /** What could not be written yet, oldest first; the first one may have lost its start. */
  #waiting: Buffer[] = [];
  #waitingBytes = 0;
  #retryMs = firstRetryMs;
  /** Whether new lines are lost, because too many wait. */
  #isFull = false;
  #lostLines = 0;
  /** The line about lost ones, which may get lost itself. */
  #loss: { readonly bytes: Buffer; readonly lines: number } | null = null;
  /** Whether the last byte that was written ended a line. */
  #isLineOver = true;

  constructor(options: LogOutputOptions) {
    this.#options = options;
  }

  /** @param line ends with a line feed */
  write(line: string): void {
    if (this.#isFull) {
      this.#lostLines += 1;
      return;
    }
    this.#batch += line;
    if (this.#batch.length >= batchLimit) this.#hand();
    else if (!this.#isScheduled) this.#schedule();
  }

  /**
   * Writes everything now, because the process ends. Waits for a slow reader, but not for long: a process manager that waits
   * for the end has a limit, too.
   */
  end(): void {
    this.#hand();
    const startedAt = performance.now();
    let progressAt = startedAt;
    let before = this.#waitingBytes;
    for (let now = startedAt; this.#waitingBytes > 0; now = performance.now()) {
      if (now - startedAt > endLimitMs || now - progressAt > endPatienceMs) return;
      pause(endPauseMs);
      this.#hand();
      if (this.#waitingBytes < before) progressAt = performance.now();
      before = this.#waitingBytes;
    }
  }

  #schedule(): void {
    this.#isScheduled = true;
    const restMs = this.#handedAtMs + intervalMs - performance.now();
    // After the other lines of this turn of the loop.
    if (restMs <= 0) queueMicrotask(() => this.#hand());
    else this.#handAfter(restMs);
  }

  #handAfter(ms: number): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#isScheduled = true;
    // The end of the process writes the rest.
    this.#timer = setTimeout(() => this.#hand(), ms).unref();
  }

  #hand(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    this.#isScheduled = false;
    if (this.#batch !== '') this.#enqueue();
    if (this.#waiting.length === 0) return;
    this.#handedAtMs = performance.now();
    const before = this.#waitingBytes;
    this.#writeWaiting();
    if (this.#isFull && this.#waitingBytes <= waitingLimitBytes / 2) {
      this.#isFull = false;
      this.#enqueue();
      this.#writeWaiting();
    }
    if (this.#waitingBytes === 0) return;
    // The reader is slow or has stopped.
    this.#retryMs = this.#waitingBytes < before ? firstRetryMs : Math.min(2 * this.#retryMs, lastRetryMs);
    this.#handAfter(this.#retryMs);
  }

  #enqueue(): void {
    if (this.#lostLines > 0) {
      // An error may have lost the rest of a line.
      const start = this.#isLineOver || this.#waiting.length > 0 ? '' : '\n';
      const text = start + this.#options.lossLine(this.#lostLines);
      this.#loss = { bytes: this.#push(text), lines: this.#lostLines };
      this.#lostLines = 0;
    }
    if (this.#batch !== '') this.#push(this.#batch);
    this.#batch = '';
    this.#isFull = this.#waitingBytes > waitingLimitBytes;
  }

  #push(text: string): Buffer {
    const bytes = Buffer.from(text);
    this.#waiting.push(bytes);
    this.#waitingBytes += bytes.length;
    return bytes;
  }

  #writeWaiting(): void {
    try {
      for (let first = this.#waiting[0]; first !== undefined; first = this.#waiting[0]) {
        const taken = this.#options.take(first);
        if (taken > 0) this.#isLineOver = first[taken - 1] === newline;
        this.#waitingBytes -= taken;
        if (taken < first.length) this.#waiting[0] = first.subarray(taken);
        else this.#waiting.shift();
      }
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') this.#lose();
    }
  }

  /** EPIPE, EIO, ENOSPC: nobody can be told, and the next write may succeed again. */
  #lose(): void {
    for (const bytes of this.#waiting) {
      const isLoss = bytes === this.#loss?.bytes;
      this.#lostLines += isLoss ? (this.#loss?.lines ?? 0) : countLines(bytes);
    }
    this.#waiting = [];
    this.#waitingBytes = 0;
    this.#isFull = false;
  }
}

/** Blocks this process. */
function pause(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

/** What takes the bytes for this stream. Node has opened it already, so its pipes don't block. */
export function takerFor(stdout: OutputStream): LogOutputOptions['take'] {
  const { fd } = stdout;
  if (fd !== undefined) return (bytes) => writeSync(fd, bytes);
  // Not a descriptor of this process. Its errors are reported this way, too.
  stdout.on('error', () => {});
  return (bytes) => {
    stdout.write(bytes);
    return bytes.length;
  };
}

/**
 * The kept output of one job: all of it while it is small, then its newest part. A flood costs writes into the page cache,
 * but no memory.
 *
 *     ├── file: at most two segments ──┤├── memory: at most `memoryBytes` ──▶
 *
 * Positions count bytes of frames (`frames.ts`) from the job's start and never repeat, so a reader is little more than a
 * position. If no file can be created or written, only the memory is kept.
 */
import { tmpdir } from 'node:os';
import type { OutputStream } from '../../protocol/job.ts';
import { JobOutputReader, type ReadableJobOutput } from './job-output-reader.ts';
import {
  firstFrameBytes,
  frameAt,
  headerBytes,
  linesPerByte,
  mergeMs,
  setLength,
  writeHeader,
} from './output-frames.ts';
import { SegmentFile } from './segment-file.ts';

export interface JobOutputOptions {
  readonly memoryBytes: number;
  /** The file holds two of these; each is more than twice `memoryBytes`. */
  readonly segmentBytes: number;
  readonly directory: string;
  /** Called once, before the file is created: there may be too many already. */
  readonly mayMakeFile: () => boolean;
}

const defaults: JobOutputOptions = {
  memoryBytes: 16 * 1024,
  segmentBytes: 4 * 1024 * 1024,
  directory: tmpdir(),
  mayMakeFile: () => true,
};

/** The memory of a job that prints one line. */
const firstMemoryBytes = 256;
/** How much of the oldest kept output is used to estimate the length of earlier lines. */
const sampleBytes = 64 * 1024;
const nothing = Buffer.alloc(0);

export class JobOutput implements ReadableJobOutput {
  readonly #options: JobOutputOptions;
  #memory: Buffer = nothing;
  /** Position of the first byte in memory. */
  #memoryPosition = 0;
  #memoryUsed = 0;
  #memoryContentBytes = 0;
  /** Offset in memory of the last frame while it may grow; otherwise -1. */
  #openFrame = -1;
  #file: SegmentFile | null = null;
  #mayUseFile = true;
  #printedBytes = 0;
  #isEnded = false;
  #isReleased = false;
  readonly #readers = new Set<JobOutputReader>();

  constructor(options: Partial<JobOutputOptions> = {}) {
    this.#options = { ...defaults, ...options };
  }

  /** Appends output of a stream. */
  push(stream: OutputStream, chunk: Buffer, atMs: number): void {
    const most = this.#options.segmentBytes >> 1;
    if (chunk.length <= most) this.#push(stream, chunk, atMs);
    else
      for (let at = 0; at < chunk.length; at += most) this.#push(stream, chunk.subarray(at, at + most), atMs);
  }

  #push(stream: OutputStream, chunk: Buffer, atMs: number): void {
    this.#printedBytes += chunk.length;
    if (this.#fits(chunk.length)) {
      this.#remember(stream, chunk, atMs);
      return;
    }
    // Small pieces are gathered in memory first, for one write.
    const isLarge = chunk.length >= this.#options.memoryBytes >> 1;
    if (this.#spill(isLarge ? { stream, chunk, atMs } : null)) {
      if (!isLarge) this.#remember(stream, chunk, atMs);
      return;
    }
    for (let at = 0; at < chunk.length; at += this.#frameLimit) {
      const part = chunk.subarray(at, at + this.#frameLimit);
      while (!this.#fits(part.length)) this.#forgetFrame();
      this.#remember(stream, part, atMs);
    }
  }

  /** The most content of a frame in memory: little, so that the oldest can be dropped in small steps. */
  get #frameLimit(): number {
    return this.#options.memoryBytes >> 3;
  }

  #fits(contentBytes: number): boolean {
    const headers = headerBytes * (Math.ceil(contentBytes / this.#frameLimit) + 1);
    return this.#memoryUsed + contentBytes + headers <= this.#options.memoryBytes;
  }

  /** Appends to the memory, which must have room. */
  #remember(stream: OutputStream, chunk: Buffer, atMs: number): void {
    for (let at = 0; at < chunk.length; ) {
      const room = this.#continueFrame(stream, atMs, chunk.length - at);
      this.#memoryUsed += chunk.copy(this.#memory, this.#memoryUsed, at, at + room);
      at += room;
    }
    this.#memoryContentBytes += chunk.length;
  }

  /** Extends the last frame or begins another. @returns how many bytes of content fit */
  #continueFrame(stream: OutputStream, atMs: number, wanted: number): number {
    const last = this.#openFrame === -1 ? null : frameAt(this.#memory, this.#openFrame);
    const length = last === null ? 0 : last.end - last.start;
    if (last?.stream === stream && atMs - last.atMs < mergeMs && length < this.#frameLimit) {
      const more = Math.min(wanted, this.#frameLimit - length);
      this.#grow(this.#memoryUsed + more);
      setLength(this.#memory, this.#openFrame, length + more);
      return more;
    }
    const first = Math.min(wanted, this.#frameLimit);
    this.#grow(this.#memoryUsed + headerBytes + first);
    this.#openFrame = this.#memoryUsed;
    writeHeader(this.#memory, this.#memoryUsed, stream, atMs, first);
    this.#memoryUsed += headerBytes;
    return first;
  }

  #grow(wanted: number): void {
    if (wanted <= this.#memory.length) return;
    const doubled = Math.min(this.#options.memoryBytes, 2 * this.#memory.length);
    // Not from Node's pool: this would keep a whole slab alive.
    const memory = Buffer.alloc(Math.max(wanted, doubled, firstMemoryBytes));
    this.#memory.copy(memory, 0, 0, this.#memoryUsed);
    this.#memory = memory;
  }

  /** Moves the memory, followed by this piece, into the file. @returns false if there is no file */
  #spill(piece: { stream: OutputStream; chunk: Buffer; atMs: number } | null): boolean {
    const parts = this.#memoryUsed > 0 ? [this.#memory.subarray(0, this.#memoryUsed)] : [];
    if (piece !== null) {
      const header = Buffer.allocUnsafe(headerBytes);
      writeHeader(header, 0, piece.stream, piece.atMs, piece.chunk.length);
      parts.push(header, piece.chunk);
    }
    try {
      const file = this.#openFile();
      if (file === null) return false;
      file.append(parts, this.#memoryContentBytes + (piece?.chunk.length ?? 0));
    } catch {
      // A full disk, too many files, no permission: it must not affect the job, and won't be over soon.
      this.#loseFile();
      return false;
    }
    for (const { length } of parts) this.#memoryPosition += length;
    this.#memoryUsed = 0;
    this.#memoryContentBytes = 0;
    this.#openFrame = -1;
    return true;
  }

  #openFile(): SegmentFile | null {
    if (this.#file !== null || !this.#mayUseFile) return this.#file;
    const { directory, segmentBytes, mayMakeFile } = this.#options;
    this.#mayUseFile = mayMakeFile();
    if (!this.#mayUseFile) return null;
    this.#file = new SegmentFile(directory, segmentBytes, this.#memoryPosition, (end) =>
      this.#warnReaders(end),
    );
    return this.#file;
  }

  /** Continues with the memory alone. */
  #loseFile(): void {
    this.#mayUseFile = false;
    if (this.#file === null) return;
    this.#warnReaders(this.#memoryPosition);
    this.#file.close();
    this.#file = null;
  }

  #forgetFrame(): void {
    const frame = frameAt(this.#memory, 0);
    if (frame === null || this.#memoryUsed === 0) throw new Error('the memory is smaller than a piece');
    this.#warnReaders(this.#memoryPosition + frame.end);
    this.#memory.copyWithin(0, frame.end, this.#memoryUsed);
    this.#memoryPosition += frame.end;
    this.#memoryUsed -= frame.end;
    this.#memoryContentBytes -= frame.end - frame.start;
    this.#openFrame = Math.max(-1, this.#openFrame - frame.end);
  }

  /** Everything before this position is about to be dropped; readers count the lines that they miss. */
  #warnReaders(end: number): void {
    for (const reader of this.#readers) reader.loseUpTo(end);
  }

  /** The job has ended; no more output follows. */
  end(): void {
    this.#isEnded = true;
    if (this.#memoryUsed < this.#memory.length) {
      const used = Buffer.alloc(this.#memoryUsed);
      this.#memory.copy(used);
      this.#memory = used;
    }
  }

  /** No more readers will be opened. The file is closed after the last reader. */
  release(): void {
    this.#isReleased = true;
    if (this.#readers.size === 0) this.close();
  }

  /** Closes the file at once; readers continue with the memory. */
  close(): void {
    this.#loseFile();
  }

  /**
   * Reads from the oldest kept output. Estimates the number of earlier lines from the length of kept ones.
   */
  openReader(): JobOutputReader {
    const position = this.#file?.start ?? this.#memoryPosition;
    const keptBytes = this.#memoryContentBytes + (this.#file?.contentBytes ?? 0);
    const contentBytes = this.#printedBytes - keptBytes;
    const density = contentBytes === 0 ? 0 : linesPerByte(this.framesAt(position, sampleBytes));
    const skippedLines = contentBytes === 0 ? 0 : Math.max(1, Math.round(contentBytes * density));
    const reader = new JobOutputReader(this, { position, contentBytes, skippedLines });
    this.#readers.add(reader);
    return reader;
  }

  leave(reader: JobOutputReader): void {
    this.#readers.delete(reader);
    if (this.#isReleased && this.#readers.size === 0) this.close();
  }

  framesAt(position: number, wantedBytes: number): Buffer {
    if (position >= this.#memoryPosition || this.#file === null) {
      return this.#memory.subarray(position - this.#memoryPosition, this.#memoryUsed);
    }
    try {
      const frames = this.#file.read(position, Math.max(wantedBytes, headerBytes));
      const needed = firstFrameBytes(frames);
      return needed <= frames.length ? frames : this.#file.read(position, needed);
    } catch {
      // The disk is broken. The reader reports missing output.
      return nothing;
    }
  }

  seal(): void {
    this.#openFrame = -1;
  }

  get hasFile(): boolean {
    return this.#file !== null;
  }

  /** Including headers. */
  get memoryBytes(): number {
    return this.#memory.length;
  }

  get fileBytes(): number {
    return this.#file?.bytes ?? 0;
  }

  get isEnded(): boolean {
    return this.#isEnded;
  }

  get nextPosition(): number {
    return this.#memoryPosition + this.#memoryUsed;
  }

  get memoryPosition(): number {
    return this.#memoryPosition;
  }

  get printedBytes(): number {
    return this.#printedBytes;
  }

  get memoryContentBytes(): number {
    return this.#memoryContentBytes;
  }
}

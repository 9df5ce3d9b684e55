/**
 * The kept output of one job: all of it while it is small, then its newest part. A flood costs writes into the page cache,
 * but no memory.
 *
 *     … dropped … ├── blocks in a file: at most `fileBytes` ──┤├── memory: at most `memoryBytes` ──▶
 *
 * Positions count bytes of output from the job's start, so a reader is little more than a position. When the memory is full,
 * it becomes a block: its index, then its bytes, written at once. At the end of the file, blocks begin again at its start and
 * replace the oldest ones. If no file can be created or written, only the memory is kept.
 */
import { closeSync, readSync, writevSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { StringDecoder } from 'node:string_decoder';
import type { OutputBatch, OutputPiece, OutputReader, OutputStream } from '../../protocol/job.ts';
import { assertDescriptors, openUnnamedFile, spareDescriptors } from '../machine/descriptors.ts';
import { countLines, joinedBytes, withoutPartStart } from './output-tail.ts';

export interface JobOutputOptions {
  readonly memoryBytes: number;
  readonly fileBytes: number;
  readonly directory: string;
  /** Called once, before the file is created: there may be too many already. */
  readonly mayMakeFile: () => boolean;
}

const defaults: JobOutputOptions = {
  memoryBytes: 16 * 1024,
  fileBytes: 8 * 1024 * 1024,
  directory: tmpdir(),
  mayMakeFile: () => true,
};

/** Output of one stream within this time counts as one piece, if the other stream prints nothing between. */
const mergeMs = 100;
/** A job whose streams take turns with every byte needs no more memory than others. */
const piecesLimit = 256;
/** More chunks than this are joined, because each has an overhead. */
const manyChunks = 64;
/** How much of the oldest kept output is used to estimate the length of earlier lines. */
const sampleBytes = 64 * 1024;

interface Piece {
  readonly stream: OutputStream;
  readonly atMs: number;
  /** Position of its first byte. Its end is where the next piece begins. */
  readonly start: number;
}

/** In the file: `pieces` as JSON, then the bytes between two positions. */
interface Block {
  readonly start: number;
  readonly end: number;
  readonly offset: number;
  readonly indexBytes: number;
  readonly size: number;
}

/** Output of one stream without a gap; the content is `null` if the file can't be read. */
interface Slice {
  readonly stream: OutputStream;
  readonly atMs: number;
  readonly content: Buffer | null;
  readonly end: number;
}

export class JobOutput {
  readonly #options: JobOutputOptions;
  /** What is in memory: chunks as they came, and where pieces begin in them. */
  #chunks: Buffer[] = [];
  #pieces: Piece[] = [];
  #memoryPosition = 0;
  #printedBytes = 0;
  #fd: number | null = null;
  #mayUseFile = true;
  /** Oldest first. */
  #blocks: Block[] = [];
  #fileBytes = 0;
  #isEnded = false;
  #isReleased = false;
  readonly #readers = new Set<JobOutputReader>();

  constructor(options: Partial<JobOutputOptions> = {}) {
    this.#options = { ...defaults, ...options };
  }

  /** Appends output of a stream. The chunk must not change afterwards. */
  push(stream: OutputStream, chunk: Buffer, atMs: number): void {
    const last = this.#pieces.at(-1);
    if (last?.stream !== stream || atMs - last.atMs >= mergeMs) {
      this.#pieces.push({ stream, atMs, start: this.#printedBytes });
    }
    this.#chunks.push(chunk);
    this.#printedBytes += chunk.length;
    if (this.#chunks.length > manyChunks) this.#chunks = [joinedBytes(this.#chunks)];
    const excess = this.#printedBytes - this.#memoryPosition - this.#options.memoryBytes;
    if (excess < 0 && this.#pieces.length < piecesLimit) return;
    if (!this.#moveToFile()) this.#shorten(excess);
  }

  /** @returns whether the output is in the file now */
  #moveToFile(): boolean {
    try {
      this.#fd ??= this.#createFile();
      if (this.#fd === null) return false;
      const index = Buffer.from(JSON.stringify(this.#pieces));
      const [start, end] = [this.#memoryPosition, this.#printedBytes];
      const size = index.length + end - start;
      const offset = this.#roomFor(size);
      const written = writevSync(this.#fd, [index, ...this.#chunks], offset);
      if (written !== size) throw new Error('the disk is full');
      this.#blocks.push({ start, end, offset, indexBytes: index.length, size });
      this.#fileBytes = Math.max(this.#fileBytes, offset + size);
    } catch {
      // A full disk, too many files, no permission: it must not affect the job, and won't be over soon.
      this.close();
      return false;
    }
    this.#chunks = [];
    this.#pieces = [];
    this.#memoryPosition = this.#printedBytes;
    return true;
  }

  #createFile(): number | null {
    this.#mayUseFile &&= this.#options.mayMakeFile();
    if (!this.#mayUseFile) return null;
    assertDescriptors(spareDescriptors);
    return openUnnamedFile(this.#options.directory);
  }

  /** @returns the offset of the next block. Blocks that were there are dropped */
  #roomFor(size: number): number {
    const last = this.#blocks.at(-1);
    const next = last === undefined ? 0 : last.offset + last.size;
    const offset = next + size > this.#options.fileBytes ? 0 : next;
    // Blocks between the newest one and the end of the file are the oldest ones.
    const isInTheWay = (block: Block) =>
      (block.offset < offset + size && offset < block.offset + block.size) ||
      (offset < next && next <= block.offset);
    const first = this.#blocks.findIndex((block) => !isInTheWay(block));
    const lost = first === -1 ? this.#blocks.length : first;
    if (lost > 0) {
      this.#warnReaders(this.#blocks[lost - 1]?.end ?? 0);
      this.#blocks.splice(0, lost);
    }
    return offset;
  }

  /** Drops the oldest output in memory: at least `bytes`, and pieces beyond half of their limit. */
  #shorten(bytes: number): void {
    const firstPiece = this.#pieces.at(-piecesLimit / 2)?.start ?? 0;
    const start = Math.max(this.#memoryPosition + bytes, firstPiece);
    this.#warnReaders(start);
    const memory = joinedBytes(this.#chunks);
    this.#chunks = [joinedBytes([memory.subarray(start - this.#memoryPosition)])];
    this.#pieces = this.#pieces
      .filter((_, at) => (this.#pieces[at + 1]?.start ?? this.#printedBytes) > start)
      .map((piece) => ({ ...piece, start: Math.max(piece.start, start) }));
    this.#memoryPosition = start;
  }

  /** Everything before this position is about to be dropped; readers count the lines that they miss. */
  #warnReaders(end: number): void {
    for (const reader of this.#readers) reader.passOver(end);
  }

  /** The job has ended; no more output follows. */
  end(): void {
    this.#isEnded = true;
    this.#chunks = [joinedBytes(this.#chunks)];
  }

  /** No more readers will be opened. The file is closed after the last reader. */
  release(): void {
    this.#isReleased = true;
    if (this.#readers.size === 0) this.close();
  }

  /** Closes the file at once, and doesn't create another; readers continue with the memory. */
  close(): void {
    this.#mayUseFile = false;
    if (this.#fd === null) return;
    this.#warnReaders(this.#memoryPosition);
    this.#blocks = [];
    this.#fileBytes = 0;
    try {
      closeSync(this.#fd);
    } catch {
      // For example, a broken disk. The descriptor is closed anyway.
    }
    this.#fd = null;
  }

  /** Reads from the oldest kept output. Estimates the number of earlier lines from the length of kept ones. */
  openReader(): JobOutputReader {
    const start = this.#blocks[0]?.start ?? this.#memoryPosition;
    let [lines, bytes] = [0, 0];
    for (const { content } of start > 0 ? this.slices(0, start + sampleBytes) : []) {
      if (content === null) continue;
      lines += countLines(content);
      bytes += content.length;
    }
    const skippedLines = start > 0 ? Math.max(1, Math.round((start * lines) / Math.max(1, bytes))) : 0;
    const reader = new JobOutputReader(this, start, skippedLines);
    this.#readers.add(reader);
    return reader;
  }

  leave(reader: JobOutputReader): void {
    this.#readers.delete(reader);
    if (this.#isReleased && this.#readers.size === 0) this.close();
  }

  /** The kept output between two positions. */
  *slices(from: number, to: number): Generator<Slice> {
    for (const block of this.#blocks) {
      if (block.end <= from || block.start >= to) continue;
      yield* slicesOf(this.#readBlock(block), from, to);
    }
    if (to <= this.#memoryPosition) return;
    if (this.#chunks.length > 1) this.#chunks = [joinedBytes(this.#chunks)];
    const [content = Buffer.alloc(0)] = this.#chunks;
    const memory = { pieces: this.#pieces, content, start: this.#memoryPosition, end: this.#printedBytes };
    yield* slicesOf(memory, from, to);
  }

  #readBlock({ start, end, offset, indexBytes, size }: Block): Part {
    const bytes = Buffer.allocUnsafe(size);
    try {
      if (this.#fd !== null && readSync(this.#fd, bytes, 0, size, offset) === size) {
        const pieces = JSON.parse(bytes.toString('utf8', 0, indexBytes));
        return { pieces, content: bytes.subarray(indexBytes), start, end };
      }
    } catch {
      // The disk is broken.
    }
    return { pieces: [{ stream: 'stdout', atMs: 0, start }], content: null, start, end };
  }

  /** Its size on the disk; 0 without a file. */
  get fileBytes(): number {
    return this.#fileBytes;
  }

  get isEnded(): boolean {
    return this.#isEnded;
  }

  /** The position after the last byte. */
  get printedBytes(): number {
    return this.#printedBytes;
  }
}

interface Part {
  readonly pieces: readonly Piece[];
  readonly content: Buffer | null;
  readonly start: number;
  readonly end: number;
}

function* slicesOf({ pieces, content, start, end }: Part, from: number, to: number): Generator<Slice> {
  for (const [index, { stream, atMs, start: pieceStart }] of pieces.entries()) {
    const first = Math.max(pieceStart, from);
    const last = Math.min(pieces[index + 1]?.start ?? end, to);
    if (first >= last) continue;
    yield { stream, atMs, content: content?.subarray(first - start, last - start) ?? null, end: last };
  }
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/**
 * Reads the kept output to its end, at the reader's pace. Skips output that is dropped before it was read, and counts its
 * lines. Joins characters that were split.
 */
export class JobOutputReader implements OutputReader {
  readonly #output: JobOutput;
  #position: number;
  #skippedLines: number;
  #isClosed = false;
  readonly #decoders = new Map<OutputStream, StringDecoder>();
  /** Streams whose next byte may be inside a character. */
  readonly #cutStreams = new Set<OutputStream>();

  constructor(output: JobOutput, position: number, skippedLines: number) {
    this.#output = output;
    this.#position = position;
    this.#skippedLines = skippedLines;
    if (position > 0) this.#cut();
  }

  get behindBytes(): number {
    return this.#isClosed ? 0 : this.#output.printedBytes - this.#position;
  }

  read(maxBytes: number): OutputBatch {
    const pieces: Mutable<OutputPiece>[] = [];
    if (this.#isClosed) return { pieces, skippedLines: 0, isEnd: true };
    const to = this.#position + Math.max(1, maxBytes);
    for (const { stream, atMs, content, end } of this.#output.slices(this.#position, to)) {
      if (content === null) this.passOver(end);
      else this.#addPiece(pieces, stream, atMs, content);
      this.#position = end;
    }
    const isEnd = this.behindBytes === 0 && this.#output.isEnded;
    if (isEnd) this.#readRests(pieces);
    const skippedLines = this.#skippedLines;
    this.#skippedLines = 0;
    return { pieces, skippedLines, isEnd };
  }

  #addPiece(pieces: Mutable<OutputPiece>[], stream: OutputStream, atMs: number, content: Buffer): void {
    const decoder = this.#decoders.get(stream) ?? new StringDecoder('utf8');
    this.#decoders.set(stream, decoder);
    const text = decoder.write(this.#cutStreams.delete(stream) ? withoutPartStart(content) : content);
    if (text === '') return;
    const last = pieces.at(-1);
    if (last?.stream === stream && atMs - last.atMs < mergeMs) last.text += text;
    else pieces.push({ stream, atMs, text });
  }

  /** Incomplete characters at the end of a stream. */
  #readRests(pieces: Mutable<OutputPiece>[]): void {
    for (const [stream, decoder] of this.#decoders) {
      const text = decoder.end();
      if (text !== '') pieces.push({ stream, atMs: Date.now(), text });
    }
    this.#decoders.clear();
  }

  skipTo(bytes: number): void {
    if (!this.#isClosed) this.passOver(this.#output.printedBytes - bytes);
  }

  /** Continues at this position, and counts the lines before it. If they can't be read, their number counts as 1. */
  passOver(position: number): void {
    if (this.#position >= position) return;
    for (const { content } of this.#output.slices(this.#position, position)) {
      this.#skippedLines += content === null ? 1 : countLines(content);
    }
    this.#position = position;
    this.#cut();
  }

  /** Output is missing between the last read and the next: no character spans the gap. */
  #cut(): void {
    this.#decoders.clear();
    this.#cutStreams.add('stdout').add('stderr');
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#output.leave(this);
  }
}

/**
 * Reads one archive from where it was opened to its end, at its own pace. What is dropped before it was read
 * is passed over, and the lines in it are counted; characters that were split between frames come whole.
 */
import { StringDecoder } from 'node:string_decoder';
import type { OutputStream } from '../../protocol/job.ts';
import type { OutputBatch, OutputPiece, OutputReader } from '../../protocol/output.ts';
import { countLines, frameAt, mergeMs } from './frames.ts';
import { withoutPartStart } from './output-tail.ts';

/** What a reader has to know of its archive. Positions count bytes of frames. */
export interface ReadableJobOutput {
  /** Whether nothing more will be appended. */
  readonly isEnded: boolean;
  /** Behind the last frame. */
  readonly nextPosition: number;
  /** What lies behind it is in memory: it can be read whatever becomes of a file. */
  readonly memoryPosition: number;
  /** Bytes of content that were ever appended, and of those in memory. */
  readonly printedBytes: number;
  readonly memoryContentBytes: number;
  /** Whole frames from a position on, at least one; none where they can't be read any longer. */
  framesAt(position: number, wantedBytes: number): Buffer;
  /** The last frame was read: what comes makes another one. */
  seal(): void;
  leave(reader: JobOutputReader): void;
}

export interface ReadingStart {
  readonly position: number;
  /** Bytes of content before that position. */
  readonly contentBytes: number;
  /** Lines that are gone already. */
  readonly skippedLines: number;
}

/** Read at once where frames are only looked at. */
const scanBytes = 256 * 1024;

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

export class JobOutputReader implements OutputReader {
  readonly #archive: ReadableJobOutput;
  /** Where the next frame begins. */
  #position: number;
  /** Bytes of its content that were passed already. */
  #inside = 0;
  /** Bytes of content that were read or passed over, since the job's start. */
  #passedBytes: number;
  #skippedLines: number;
  #isClosed = false;
  readonly #decoders = new Map<OutputStream, StringDecoder>();
  /** Streams whose next byte may lie inside a character. */
  readonly #cutStreams = new Set<OutputStream>();

  constructor(archive: ReadableJobOutput, start: ReadingStart) {
    this.#archive = archive;
    this.#position = start.position;
    this.#passedBytes = start.contentBytes;
    this.#skippedLines = start.skippedLines;
    if (start.contentBytes > 0) this.#cut();
  }

  get behindBytes(): number {
    return this.#isClosed ? 0 : this.#archive.printedBytes - this.#passedBytes;
  }

  read(maxBytes: number): OutputBatch {
    const pieces: Mutable<OutputPiece>[] = [];
    if (this.#isClosed) return { pieces, skippedLines: 0, isEnd: true };
    const isAllRead = this.#readPieces(pieces, maxBytes);
    const isEnd = isAllRead && this.#archive.isEnded;
    if (isAllRead) this.#archive.seal();
    if (isEnd) this.#readRests(pieces);
    const skippedLines = this.#skippedLines;
    this.#skippedLines = 0;
    return { pieces, skippedLines, isEnd };
  }

  /** @returns whether nothing is left */
  #readPieces(pieces: Mutable<OutputPiece>[], maxBytes: number): boolean {
    let bytes = 0;
    while (this.#position < this.#archive.nextPosition) {
      if (bytes > 0 && bytes >= maxBytes) return false;
      const frames = this.#archive.framesAt(this.#position, maxBytes - bytes);
      let frame = frameAt(frames, 0);
      if (frame === null) this.#giveUpFile();
      for (let at = 0; frame !== null; frame = frameAt(frames, at)) {
        const content = frames.subarray(frame.start + this.#inside, frame.end);
        if (bytes > 0 && bytes + content.length > maxBytes) return false;
        this.#addPiece(pieces, frame.stream, frame.atMs, content);
        bytes += content.length;
        this.#passedBytes += content.length;
        this.#inside = 0;
        this.#position += frame.end - at;
        at = frame.end;
      }
    }
    return true;
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

  /** What is left of characters that never came whole. */
  #readRests(pieces: Mutable<OutputPiece>[]): void {
    for (const [stream, decoder] of this.#decoders) {
      const text = decoder.end();
      if (text !== '') pieces.push({ stream, atMs: Date.now(), text });
    }
    this.#decoders.clear();
  }

  skipTo(bytes: number): void {
    if (this.#isClosed) return;
    this.#passOver(this.#archive.nextPosition, this.behindBytes - bytes);
    if (this.#position === this.#archive.nextPosition) this.#archive.seal();
  }

  /** What lies before this position is about to be dropped. */
  loseUpTo(position: number): void {
    if (this.#position < position) this.#passOver(position, Number.POSITIVE_INFINITY);
  }

  /** Goes on up to a position, but over no more than so many bytes of content, and counts the lines in them. */
  #passOver(position: number, mostBytes: number): void {
    let left = mostBytes;
    if (left > 0) this.#cut();
    while (this.#position < position && left > 0) {
      const frames = this.#archive.framesAt(this.#position, scanBytes);
      let frame = frameAt(frames, 0);
      if (frame === null) this.#giveUpFile();
      for (let at = 0; frame !== null && left > 0 && this.#position < position; frame = frameAt(frames, at)) {
        const from = frame.start + this.#inside;
        const to = Math.min(frame.end, from + left);
        this.#skippedLines += countLines(frames, from, to);
        this.#passedBytes += to - from;
        left -= to - from;
        if (to < frame.end) {
          this.#inside += to - from;
          return;
        }
        this.#inside = 0;
        this.#position += frame.end - at;
        at = frame.end;
      }
    }
  }

  /** The disk doesn't give back what it took: goes on in memory. How many lines that loses, nobody can say. */
  #giveUpFile(): void {
    this.#cut();
    this.#inside = 0;
    this.#position = this.#archive.memoryPosition;
    this.#passedBytes = this.#archive.printedBytes - this.#archive.memoryContentBytes;
    this.#skippedLines += 1;
  }

  /** Something is missing between what was read and what comes: no character goes across. */
  #cut(): void {
    this.#decoders.clear();
    this.#cutStreams.add('stdout').add('stderr');
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#archive.leave(this);
  }
}

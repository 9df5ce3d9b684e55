/**
 * Reads the kept output of one job to its end, at the reader's pace. Skips output that is dropped before it was read, and
 * counts its lines. Joins characters that were split between frames.
 */
import { StringDecoder } from 'node:string_decoder';
import type { OutputBatch, OutputPiece, OutputReader, OutputStream } from '../../protocol/job.ts';
import { countLines, frameAt, mergeMs } from './output-frames.ts';
import { withoutPartStart } from './output-tail.ts';

/** What a reader needs of the output. Positions count bytes of frames. */
export interface ReadableJobOutput {
  /** Whether nothing more will be appended. */
  readonly isEnded: boolean;
  /** The position after the last frame. */
  readonly nextPosition: number;
  /** From here on, output is in memory and can be read even without the file. */
  readonly memoryPosition: number;
  /** Bytes of content ever appended, and in memory. */
  readonly printedBytes: number;
  readonly memoryContentBytes: number;
  /** Whole frames from a position on, at least one; none if they can't be read any more. */
  framesAt(position: number, wantedBytes: number): Buffer;
  /** The last frame has been read: new output begins another one. */
  seal(): void;
  leave(reader: JobOutputReader): void;
}

export interface ReadingStart {
  readonly position: number;
  /** Bytes of content before that position. */
  readonly contentBytes: number;
  /** Lines that have been dropped already. */
  readonly skippedLines: number;
}

/** How much is read at once for counting lines. */
const scanBytes = 256 * 1024;

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

export class JobOutputReader implements OutputReader {
  readonly #output: ReadableJobOutput;
  /** The start of the next frame. */
  #position: number;
  /** Bytes of its content that have been passed. */
  #inside = 0;
  /** Bytes of content read or skipped since the job's start. */
  #passedBytes: number;
  #skippedLines: number;
  #isClosed = false;
  readonly #decoders = new Map<OutputStream, StringDecoder>();
  /** Streams whose next byte may be inside a character. */
  readonly #cutStreams = new Set<OutputStream>();

  constructor(output: ReadableJobOutput, start: ReadingStart) {
    this.#output = output;
    this.#position = start.position;
    this.#passedBytes = start.contentBytes;
    this.#skippedLines = start.skippedLines;
    if (start.contentBytes > 0) this.#cut();
  }

  get behindBytes(): number {
    return this.#isClosed ? 0 : this.#output.printedBytes - this.#passedBytes;
  }

  read(maxBytes: number): OutputBatch {
    const pieces: Mutable<OutputPiece>[] = [];
    if (this.#isClosed) return { pieces, skippedLines: 0, isEnd: true };
    const isAllRead = this.#readPieces(pieces, maxBytes);
    const isEnd = isAllRead && this.#output.isEnded;
    if (isAllRead) this.#output.seal();
    if (isEnd) this.#readRests(pieces);
    const skippedLines = this.#skippedLines;
    this.#skippedLines = 0;
    return { pieces, skippedLines, isEnd };
  }

  /** @returns whether everything has been read */
  #readPieces(pieces: Mutable<OutputPiece>[], maxBytes: number): boolean {
    let bytes = 0;
    while (this.#position < this.#output.nextPosition) {
      if (bytes > 0 && bytes >= maxBytes) return false;
      const frames = this.#output.framesAt(this.#position, maxBytes - bytes);
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

  /** Incomplete characters at the end of a stream. */
  #readRests(pieces: Mutable<OutputPiece>[]): void {
    for (const [stream, decoder] of this.#decoders) {
      const text = decoder.end();
      if (text !== '') pieces.push({ stream, atMs: Date.now(), text });
    }
    this.#decoders.clear();
  }

  skipTo(bytes: number): void {
    if (this.#isClosed) return;
    this.#passOver(this.#output.nextPosition, this.behindBytes - bytes);
    if (this.#position === this.#output.nextPosition) this.#output.seal();
  }

  /** Everything before this position is about to be dropped. */
  loseUpTo(position: number): void {
    if (this.#position < position) this.#passOver(position, Number.POSITIVE_INFINITY);
  }

  /** Skips to a position, but at most this many bytes of content, and counts the lines. */
  #passOver(position: number, mostBytes: number): void {
    let left = mostBytes;
    if (left > 0) this.#cut();
    while (this.#position < position && left > 0) {
      const frames = this.#output.framesAt(this.#position, scanBytes);
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

  /** The file can't be read: continues in memory. The number of lost lines is unknown and counts as 1. */
  #giveUpFile(): void {
    this.#cut();
    this.#inside = 0;
    this.#position = this.#output.memoryPosition;
    this.#passedBytes = this.#output.printedBytes - this.#output.memoryContentBytes;
    this.#skippedLines += 1;
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

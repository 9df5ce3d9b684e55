/**
 * Frames as bytes: one JSON object a line. The decoder reads them from the chunks of a stream, cut at any byte. It takes time
 * in proportion to the length of a line, in any number of chunks, and never keeps more than the limit of an unfinished one.
 */
import type { ClientFrame, ServerFrame } from '../../protocol/frames.ts';
import { linkMessages } from '../link-errors.ts';

/** A received frame. Of its fields, only `type` has been checked. */
export interface RawFrame {
  readonly type: string;
  readonly [field: string]: unknown;
}

/** The other side sent something that isn't a frame. Where the next one would begin is unknown. */
export class FrameError extends Error {
  override readonly name = 'FrameError';
}

const newline = 0x0a;
const smallestBufferBytes = 4 * 1024;
/** A buffer up to this size is kept for the next line; a larger one is freed. */
const largestKeptBytes = 64 * 1024;
const nothing = Buffer.alloc(0);

export class FrameDecoder {
  /** Most bytes of a line; may change between frames. */
  limitBytes: number;
  /** An unfinished line, in its first `#restBytes`. */
  #rest: Buffer = nothing;
  #restBytes = 0;

  constructor(limitBytes: number) {
    this.limitBytes = limitBytes;
  }

  /**
   * Yields the frames that end in this chunk, in order, up to a bad one. Don't use the decoder again after an error or an
   * unfinished iteration.
   *
   * @throws FrameError
   */
  *decode(chunk: Buffer): Generator<RawFrame, void> {
    let start = 0;
    for (let end = chunk.indexOf(newline); end !== -1; end = chunk.indexOf(newline, start)) {
      const line = this.#takeLine(chunk, start, end);
      start = end + 1;
      yield parseFrame(line);
    }
    this.#keep(chunk, start, chunk.length);
  }

  #takeLine(chunk: Buffer, start: number, end: number): string {
    if (this.#restBytes === 0) {
      this.#refuseAbove(end - start);
      return chunk.toString('utf8', start, end);
    }
    this.#keep(chunk, start, end);
    const line = this.#rest.toString('utf8', 0, this.#restBytes);
    this.#restBytes = 0;
    if (this.#rest.length > largestKeptBytes) this.#rest = nothing;
    return line;
  }

  #keep(chunk: Buffer, start: number, end: number): void {
    const needed = this.#restBytes + end - start;
    this.#refuseAbove(needed);
    if (needed > this.#rest.length) {
      // Doubled, because otherwise every small chunk of a long line would copy all of it.
      const roomy = Math.max(needed, this.#rest.length * 2, smallestBufferBytes);
      const grown = Buffer.allocUnsafeSlow(Math.min(roomy, this.limitBytes));
      this.#rest.copy(grown, 0, 0, this.#restBytes);
      this.#rest = grown;
    }
    chunk.copy(this.#rest, this.#restBytes, start, end);
    this.#restBytes = needed;
  }

  #refuseAbove(bytes: number): void {
    if (bytes <= this.limitBytes) return;
    this.#rest = nothing;
    this.#restBytes = 0;
    throw new FrameError(linkMessages.frameTooLong(this.limitBytes));
  }
}

function parseFrame(line: string): RawFrame {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    // The parser's message would not help: this program never sends such a line.
    throw new FrameError(linkMessages.noJson(line));
  }
  if (!isRawFrame(value)) throw new FrameError(linkMessages.noFrame(line));
  return value;
}

function isRawFrame(value: unknown): value is RawFrame {
  return typeof value === 'object' && value !== null && 'type' in value && typeof value.type === 'string';
}

export function encodeFrame(frame: ServerFrame | ClientFrame): Buffer {
  return Buffer.from(`${JSON.stringify(frame)}\n`);
}

/** @returns `null` if the line is too long for the other side */
export function encodeWithin(frame: ServerFrame | ClientFrame, limitBytes: number): Buffer | null {
  try {
    const bytes = encodeFrame(frame);
    // The limit doesn't count the line feed.
    return bytes.length - 1 > limitBytes ? null : bytes;
  } catch (error) {
    // "Invalid string length": longer than any string of V8.
    if (error instanceof RangeError) return null;
    throw error;
  }
}

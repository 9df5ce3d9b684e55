/**
 * Turns the chunks of a stream into frames, however they were cut. A line costs time in proportion to its
 * length, in however many chunks it comes, and no more than the limit is ever kept of one that hasn't ended.
 */
import { linkMessages } from '../messages.ts';

/** A frame as it came: of its fields, only `type` has been looked at. */
export interface RawFrame {
  readonly type: string;
  readonly [field: string]: unknown;
}

/** The other side sent what is no frame: there is no telling where the next one would begin. */
export class FrameError extends Error {
  override readonly name = 'FrameError';
}

const newline = 0x0a;
const smallestBufferBytes = 4 * 1024;
/** What a usual line leaves behind is used again; what a giant one needed is given back. */
const largestKeptBytes = 64 * 1024;
const nothing = Buffer.alloc(0);

export class FrameDecoder {
  /** Bytes of a line; may change between frames. */
  limitBytes: number;
  /** The beginning of a line whose end hasn't come, in its first `#restBytes`. */
  #rest: Buffer = nothing;
  #restBytes = 0;

  constructor(limitBytes: number) {
    this.limitBytes = limitBytes;
  }

  /**
   * Gives the frames that end in this chunk, in order; all before a bad one are given. Whoever stops asking
   * in the middle, or got an error, has no further use for this decoder.
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
      // Doubled, not fitted: a line in many small chunks would be copied again for each of them.
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
    // What exactly is wrong with it helps nobody: our own side never sends such a thing.
    throw new FrameError(linkMessages.noJson(line));
  }
  if (!isRawFrame(value)) throw new FrameError(linkMessages.noFrame(line));
  return value;
}

function isRawFrame(value: unknown): value is RawFrame {
  return typeof value === 'object' && value !== null && 'type' in value && typeof value.type === 'string';
}

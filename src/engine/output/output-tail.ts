/**
 * What is kept of a stream that may be endless: its head and its tail, with a mark between. Memory stays
 * within about `limit` bytes however much is pushed and in however small pieces.
 */
import { withoutPartEnd, withoutPartStart } from './part-characters.ts';

export const outputLimitBytes = 64 * 1024;

/** Room for the mark, so that what is kept and the mark together stay within the limit. */
const markRoom = 128;
/** More pieces than this are joined: each has an overhead of its own. */
const manyPieces = 64;

/** Whether a line is the mark between head and tail. */
export function isOutputGap(line: string): boolean {
  return /^\[… \d+ bytes left out …\]$/.test(line);
}

export class OutputTail {
  readonly #halfBytes: number;
  readonly #head: Buffer[] = [];
  #headBytes = 0;
  #tail: Buffer[] = [];
  #tailBytes = 0;
  #totalBytes = 0;

  constructor(limitBytes = outputLimitBytes) {
    this.#halfBytes = Math.floor(limitBytes / 2);
  }

  /** Takes a piece of the stream; the buffer must not change afterwards. */
  push(chunk: Buffer): void {
    this.#totalBytes += chunk.length;
    const room = this.#halfBytes - this.#headBytes;
    const forHead = Math.min(room, chunk.length);
    if (forHead > 0) {
      this.#head.push(chunk.subarray(0, forHead));
      this.#headBytes += forHead;
    }
    if (forHead < chunk.length) this.#pushTail(chunk.subarray(forHead));
    if (this.#head.length > manyPieces) this.#head.splice(0, this.#head.length, Buffer.concat(this.#head));
  }

  #pushTail(chunk: Buffer): void {
    this.#tail.push(chunk);
    this.#tailBytes += chunk.length;
    let first = this.#tail[0];
    while (first !== undefined && this.#tailBytes - first.length >= this.#halfBytes) {
      this.#tail.shift();
      this.#tailBytes -= first.length;
      first = this.#tail[0];
    }
    if (this.#tail.length > manyPieces) {
      // One piece for ever would never be the first to go: it is cut to what can still be shown.
      const joined = Buffer.concat(this.#tail).subarray(-this.#halfBytes);
      this.#tail = [joined];
      this.#tailBytes = joined.length;
    }
  }

  /** The last bytes that were pushed. @param bytes at most half of the limit */
  end(bytes: number): Buffer {
    const pieces: Buffer[] = [];
    let missing = bytes;
    const kept = this.#tail.length > 0 ? [...this.#head, ...this.#tail] : this.#head;
    for (let at = kept.length - 1; at >= 0 && missing > 0; at -= 1) {
      const piece = kept[at]?.subarray(-missing);
      if (piece === undefined) break;
      pieces.unshift(piece);
      missing -= piece.length;
    }
    return Buffer.concat(pieces);
  }

  /** The text, as UTF-8 with U+FFFD for what is none; whole where it fits into the limit. */
  text(): string {
    const head = Buffer.concat(this.#head);
    const tail = Buffer.concat(this.#tail);
    if (this.#totalBytes <= head.length + tail.length && tail.length <= this.#halfBytes) {
      return Buffer.concat([head, tail]).toString('utf8');
    }
    const shownTail = tail.subarray(-(this.#halfBytes - markRoom));
    const leftOut = this.#totalBytes - head.length - shownTail.length;
    const mark = `\n[… ${leftOut} bytes left out …]\n`;
    return `${withoutPartEnd(head).toString('utf8')}${mark}${withoutPartStart(shownTail).toString('utf8')}`;
  }
}

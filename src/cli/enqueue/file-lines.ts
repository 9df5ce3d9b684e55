/** Splits a stream of bytes into lines. Holds at most one line in memory, within a limit. */

const lineFeed = 0x0a;
const byteOrderMark = Buffer.from([0xef, 0xbb, 0xbf]);

/** Redis' limit for one value, rounded down. The runner can read about as much. */
export const longestLineBytes = 512_000_000;

export interface FileLine {
  /** From 1. */
  readonly number: number;
  /** Without its line feed and, at the start of a file, its byte order mark; `null` if it is too long. */
  readonly bytes: Buffer | null;
  /** Offset after its last byte, without its line feed. */
  readonly end: number;
}

export class FileLines {
  readonly #longest: number;
  #number: number;
  /** Offset of the next byte. */
  #offset: number;
  /** The beginning of an unfinished line; `null` if the line is too long. */
  #pieces: Buffer[] | null = [];
  #length = 0;

  /** @param offset of the start of line `first` */
  constructor({ first = 1, offset = 0, longest = longestLineBytes } = {}) {
    this.#number = first;
    this.#offset = offset;
    this.#longest = longest;
  }

  /** The number of the last line so far, as counted in the whole file. */
  get count(): number {
    return this.#number - 1;
  }

  /** The lines that end in this chunk. */
  *in(chunk: Buffer): Generator<FileLine> {
    const start = this.#offset;
    let from = 0;
    for (;;) {
      const at = chunk.indexOf(lineFeed, from);
      if (at === -1) break;
      this.#offset = start + at;
      yield this.#line(chunk.subarray(from, at));
      from = at + 1;
    }
    this.#keep(chunk.subarray(from));
    this.#offset = start + chunk.length;
  }

  /** The last line, if no line feed ends it. */
  *last(): Generator<FileLine> {
    if (this.#length > 0) yield this.#line(Buffer.alloc(0));
  }

  #keep(piece: Buffer): void {
    if (piece.length === 0) return;
    this.#length += piece.length;
    if (this.#length > this.#longest) this.#pieces = null;
    else this.#pieces?.push(piece);
  }

  #line(piece: Buffer): FileLine {
    let bytes: Buffer | null = piece;
    if (this.#length > 0 || piece.length > this.#longest) {
      this.#keep(piece);
      bytes = this.#pieces === null ? null : Buffer.concat(this.#pieces, this.#length);
      this.#pieces = [];
      this.#length = 0;
    }
    const end = this.#offset;
    const number = this.#number;
    this.#number += 1;
    if (number === 1 && bytes?.subarray(0, byteOrderMark.length).equals(byteOrderMark) === true) {
      bytes = bytes.subarray(byteOrderMark.length);
    }
    return { number, bytes, end };
  }
}

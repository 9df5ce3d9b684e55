/**
 * Keeps the head and the tail of a stream that may be endless, with a mark between. Memory stays within about `limit` bytes,
 * however much is pushed and however small the pieces are.
 */
export const outputLimitBytes = 64 * 1024;

/** Room for the mark within the limit. */
const markRoom = 128;
const newline = 0x0a;
/** More pieces than this are joined, because each has an overhead. */
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
      // Cut before joining: a cut afterwards would keep all of the joined memory.
      const excess = Math.max(0, this.#tailBytes - this.#halfBytes);
      const [oldest = chunk, ...newer] = this.#tail;
      const joined = Buffer.concat([oldest.subarray(excess), ...newer]);
      this.#tail = [joined];
      this.#tailBytes = joined.length;
    }
  }

  /** The last bytes of the stream. @param bytes at most half of the limit */
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

  /** The text, decoded as UTF-8; whole if it fits into the limit. */
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

/** Not from Node's pool, as `Buffer.concat`: small bytes that are kept would keep a whole slab alive. */
export function joinedBytes(chunks: readonly Buffer[]): Buffer {
  const joined = Buffer.allocUnsafeSlow(chunks.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const chunk of chunks) at += chunk.copy(joined, at);
  return joined;
}

/** Line ends. Takes about 0.5 ns a byte for lines of any length; `indexOf` takes up to 4. */
export function countLines(bytes: Buffer): number {
  let count = 0;
  for (let at = 0; at < bytes.length; at += 1) if (bytes[at] === newline) count += 1;
  return count;
}

/** Drops the rest of a character that lost its first bytes, so that it doesn't show as U+FFFD. */
export function withoutPartStart(bytes: Buffer): Buffer {
  let start = 0;
  while (start < 3 && ((bytes[start] ?? 0) & 0xc0) === 0x80) start += 1;
  return bytes.subarray(start);
}

/** Drops the first bytes of a character that lost the rest. */
export function withoutPartEnd(bytes: Buffer): Buffer {
  for (let back = 1; back <= 3 && back <= bytes.length; back += 1) {
    const byte = bytes[bytes.length - back] ?? 0;
    const length = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1;
    if (length > back) return bytes.subarray(0, bytes.length - back);
    if ((byte & 0xc0) !== 0x80) return bytes;
  }
  return bytes;
}

/**
 * The newest part of an endless log, in the two halves of one file without a name. When the half that is
 * being written is full, the other one is dropped and written anew, so that the file never outgrows two
 * halves, and at least one half is kept.
 *
 *     the log:  … dropped … ├── older half ──┤├── current half ──▶
 *
 * Positions count from the start of the log. Everything is synchronous: such files live in the page cache.
 */
import { closeSync, readSync, writevSync } from 'node:fs';
import { assertDescriptors, openUnnamedFile, spareDescriptors } from '../machine/descriptors.ts';

interface Half {
  /** Where it lies in the file. */
  readonly offset: number;
  /** First position, and the one behind the last. */
  readonly start: number;
  end: number;
  /** Bytes of it that are content, and not headers. */
  contentBytes: number;
}

export class SegmentFile {
  readonly #fd: number;
  readonly #halfBytes: number;
  readonly #onDrop: (end: number) => void;
  #older: Half | null = null;
  #current: Half;
  #bytes = 0;

  /**
   * @param start the position of the first byte that will be appended
   * @param onDrop called before what lies in front of `end` is dropped
   * @throws what the system says where no file can be made, or too few descriptors would be left
   */
  constructor(directory: string, halfBytes: number, start: number, onDrop: (end: number) => void) {
    assertDescriptors(spareDescriptors);
    this.#fd = openUnnamedFile(directory);
    this.#halfBytes = halfBytes;
    this.#onDrop = onDrop;
    this.#current = { offset: 0, start, end: start, contentBytes: 0 };
  }

  /** The oldest position that is kept. */
  get start(): number {
    return (this.#older ?? this.#current).start;
  }

  get contentBytes(): number {
    return this.#current.contentBytes + (this.#older?.contentBytes ?? 0);
  }

  /** Space that it takes; what was dropped goes on taking some until it is overwritten. */
  get bytes(): number {
    return this.#bytes;
  }

  /**
   * Appends whole frames, in one write.
   *
   * @throws what the system says where they can't be written; what was kept before still is
   */
  append(parts: readonly Buffer[], contentBytes: number): void {
    const size = parts.reduce((sum, { length }) => sum + length, 0);
    if (this.#current.end - this.#current.start + size > this.#halfBytes) this.#turn();
    const half = this.#current;
    const written = writevSync(this.#fd, parts, half.offset + half.end - half.start);
    if (written !== size) throw new Error('the disk is full');
    half.end += size;
    half.contentBytes += contentBytes;
    this.#bytes = Math.max(this.#bytes, half.offset + half.end - half.start);
  }

  #turn(): void {
    const { end, offset } = this.#current;
    if (this.#older !== null) this.#onDrop(this.#older.end);
    this.#older = this.#current;
    this.#current = { offset: offset === 0 ? this.#halfBytes : 0, start: end, end, contentBytes: 0 };
  }

  /**
   * Up to `wanted` bytes from a position that is kept on, fewer where a half ends.
   *
   * @throws what the system says where they can't be read
   */
  read(position: number, wanted: number): Buffer {
    const older = this.#older;
    const half = older !== null && position < older.end ? older : this.#current;
    const buffer = Buffer.allocUnsafe(Math.max(0, Math.min(wanted, half.end - position)));
    const got = readSync(this.#fd, buffer, 0, buffer.length, half.offset + position - half.start);
    return buffer.subarray(0, got);
  }

  close(): void {
    try {
      closeSync(this.#fd);
    } catch {
      // Of a disk that is broken: it is closed whatever it says.
    }
  }
}

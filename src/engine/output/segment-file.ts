/**
 * The newest part of an endless log, in the two halves of one file without a name. When the current half is full, the older
 * one is dropped and overwritten. So the file never exceeds two halves, and at least one half is kept.
 *
 *     the log:  … dropped … ├── older half ──┤├── current half ──▶
 *
 * Positions count from the start of the log. All calls are synchronous, because the page cache holds such files.
 */
import { closeSync, readSync, writevSync } from 'node:fs';
import { assertDescriptors, openUnnamedFile, spareDescriptors } from '../machine/descriptors.ts';

interface Half {
  /** Its offset in the file. */
  readonly offset: number;
  /** The first position, and the one after the last. */
  readonly start: number;
  end: number;
  /** Bytes of content, without headers. */
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
   * @param start the position of the first appended byte
   * @param onDrop called before everything in front of `end` is dropped
   * @throws the system's error if the file can't be created or too few descriptors would be left
   */
  constructor(directory: string, halfBytes: number, start: number, onDrop: (end: number) => void) {
    assertDescriptors(spareDescriptors);
    this.#fd = openUnnamedFile(directory);
    this.#halfBytes = halfBytes;
    this.#onDrop = onDrop;
    this.#current = { offset: 0, start, end: start, contentBytes: 0 };
  }

  /** The oldest kept position. */
  get start(): number {
    return (this.#older ?? this.#current).start;
  }

  get contentBytes(): number {
    return this.#current.contentBytes + (this.#older?.contentBytes ?? 0);
  }

  /** Its size on the disk, including dropped data that has not been overwritten yet. */
  get bytes(): number {
    return this.#bytes;
  }

  /**
   * Appends whole frames, in one write.
   *
   * @throws the system's error if they can't be written; earlier data stays
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
   * Up to `wanted` bytes from a kept position, fewer at the end of a half.
   *
   * @throws the system's error if they can't be read
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
      // For example, a broken disk. The descriptor is closed anyway.
    }
  }
}

/** Which lines of a file are to be enqueued: all from one on. Those before it are not looked at, but for the last. */
import { grouped } from '../../messages/quantities.ts';
import { UsageError } from '../command-line/exit-codes.ts';
import type { FileLine } from './file-lines.ts';
import { type LinePlace, sha1Of } from './place.ts';

export class Beginning {
  /** The first line that is to be enqueued. */
  readonly first: number;
  readonly #name: string;
  readonly #place: LinePlace | null;

  /**
   * @param name of the file
   * @param place where an earlier process has stopped, `null` where there was none
   */
  constructor(name: string, first: number, place: LinePlace | null) {
    this.#name = name;
    this.first = first;
    this.#place = place;
  }

  /** @throws UsageError where the line up to which another process got is not what it was */
  isBefore(line: FileLine): boolean {
    if (line.number >= this.first) return false;
    const place = this.#place;
    if (place === null || line.number !== place.line || place.sha1 === '') return true;
    if (line.bytes !== null && line.end === place.end && sha1Of(line.bytes) === place.sha1) return true;
    throw new UsageError(
      `${this.#name} is not what it was: ${grouped(place.line)} of its lines were enqueued, and they, or where they end, have changed since; --from-line ${place.line + 1} without --resume goes on all the same`,
    );
  }

  /** @throws UsageError where the file has ended before */
  endAt(lines: number): void {
    if (lines >= this.first - 1) return;
    const has = lines === 1 ? 'only 1 line' : `only ${grouped(lines)} lines`;
    throw new UsageError(
      this.#place === null
        ? `${this.#name} has ${has}; --from-line ${this.first} lies behind them`
        : `${this.#name} is not what it was: it has ${has}, and ${grouped(this.first - 1)} were enqueued`,
    );
  }
}

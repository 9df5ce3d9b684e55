/**
 * Which lines of a log match, by number, for one search. It grows with the log: a line is looked at once, when it
 * is first asked about, and again only when it has changed.
 */
import type { OutputStream } from '../protocol/job.ts';
import type { LogLine } from './line-ring.ts';
import { type Needle, needleOf } from './needle.ts';

export interface Search {
  readonly needle: string;
  readonly streams: 'both' | OutputStream;
}

/** Numbers of lines that are gone, before the list is copied without them. */
const manyGone = 10_000;

export class MatchIndex {
  readonly search: Search;
  readonly #needle: Needle;
  /** Ascending. */
  #numbers: number[] = [];
  /** How many at its start are gone. */
  #gone = 0;
  /** Every line before this was looked at. */
  #seenTo = 0;

  constructor(search: Search) {
    this.search = search;
    this.#needle = needleOf(search.needle);
  }

  isFor({ needle, streams }: Search): boolean {
    return needle === this.search.needle && streams === this.search.streams;
  }

  /** Looks at what has come, and forgets what has gone. */
  update(first: number, end: number, lineAt: (number: number) => LogLine | undefined): void {
    while ((this.#numbers[this.#gone] ?? first) < first) this.#gone += 1;
    if (this.#gone > manyGone) {
      this.#numbers = this.#numbers.slice(this.#gone);
      this.#gone = 0;
    }
    for (let number = Math.max(first, this.#seenTo); number < end; number += 1) {
      if (this.#matches(lineAt(number))) this.#numbers.push(number);
    }
    this.#seenTo = end;
  }

  /** A line that may have been looked at is another now. */
  changed(number: number, line: LogLine): void {
    if (number >= this.#seenTo) return;
    const at = this.#placeOf(number);
    const isListed = this.#numbers[at] === number;
    const isMatch = this.#matches(line);
    if (isListed !== isMatch) this.#numbers.splice(at, isListed ? 1 : 0, ...(isMatch ? [number] : []));
  }

  get count(): number {
    return this.#numbers.length - this.#gone;
  }

  /** How many matches lie before this line. */
  countBefore(number: number): number {
    return this.#placeOf(number) - this.#gone;
  }

  /** The match of this place, 0 being the first. */
  at(place: number): number | null {
    return place < 0 ? null : (this.#numbers[this.#gone + place] ?? null);
  }

  #matches(line: LogLine | undefined): boolean {
    if (line === undefined || line.kind !== 'output') return false;
    const { streams } = this.search;
    return (streams === 'both' || streams === line.stream) && this.#needle.isIn(line.text);
  }

  /** Where a number stands in the list, or would. */
  #placeOf(number: number): number {
    let low = this.#gone;
    let high = this.#numbers.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#numbers[middle] ?? number) < number) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

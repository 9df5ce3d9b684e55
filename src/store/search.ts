/**
 * Search in a log: the needle, and an index of the lines that match. Case matters if the needle has an upper-case letter.
 */
import type { OutputStream } from '../protocol/job.ts';
import type { LogLine } from './line-ring.ts';

export interface Needle {
  isIn(text: string): boolean;
  /** Start and end of each occurrence, in UTF-16 units. They don't overlap. */
  rangesIn(text: string): (readonly [number, number])[];
}

/** V8 rejects patterns of some 10,000 units. In a longer needle, as from a paste, case always matters. */
const patternLimit = 1_000;

/** An empty needle matches nothing. */
export function needleOf(text: string): Needle {
  if (text === '') return { isIn: () => false, rangesIn: () => [] };
  const isExact = text.length > patternLimit || /[\p{Lu}\p{Lt}]/u.test(text);
  return isExact ? exactly(text) : inAnyCase(text);
}

function exactly(text: string): Needle {
  return {
    isIn: (line) => line.includes(text),
    rangesIn: (line) => {
      const ranges: [number, number][] = [];
      for (let at = line.indexOf(text); at !== -1; at = line.indexOf(text, at + text.length)) {
        ranges.push([at, at + text.length]);
      }
      return ranges;
    },
  };
}

/** For any case, a pattern is a few times faster than a lower-case copy of every line. */
function inAnyCase(text: string): Needle {
  const source = text.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&');
  const pattern = new RegExp(source, 'iu');
  const everywhere = new RegExp(source, 'giu');
  return {
    isIn: (line) => pattern.test(line),
    rangesIn: (line) =>
      Array.from(line.matchAll(everywhere), ({ 0: found, index }) => [index, index + found.length] as const),
  };
}

export interface Search {
  readonly needle: string;
  readonly streams: 'both' | OutputStream;
}

/** With more dropped lines than this at its start, the list is copied without them. */
const manyGone = 10_000;

/**
 * The numbers of the lines that match one search. It grows with the log: each line is searched once, when a caller first
 * asks, and again only if it changes.
 */
export class MatchIndex {
  readonly search: Search;
  readonly #needle: Needle;
  /** Ascending. */
  #numbers: number[] = [];
  /** How many at its start belong to lines that the log has dropped. */
  #gone = 0;
  /** Every line before this one has been searched. */
  #seenTo = 0;

  constructor(search: Search) {
    this.search = search;
    this.#needle = needleOf(search.needle);
  }

  isFor({ needle, streams }: Search): boolean {
    return needle === this.search.needle && streams === this.search.streams;
  }

  /** Searches new lines and forgets dropped ones. */
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

  /** This line has another text now. */
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

  /** How many matches precede this line. */
  countBefore(number: number): number {
    return this.#placeOf(number) - this.#gone;
  }

  /** The match at this place; 0 is the first. */
  at(place: number): number | null {
    return place < 0 ? null : (this.#numbers[this.#gone + place] ?? null);
  }

  #matches(line: LogLine | undefined): boolean {
    if (line === undefined || line.kind !== 'output') return false;
    const { streams } = this.search;
    return (streams === 'both' || streams === line.stream) && this.#needle.isIn(line.text);
  }

  /** Index of a number in the list, or where it would be inserted. */
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

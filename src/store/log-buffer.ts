/**
 * The newest lines of one log, within a limit of memory. A line keeps its number: when old lines are dropped, `first`
 * rises, so a view keeps its position.
 */
import type { OutputStream } from '../protocol/job.ts';
import { LineRing, type LogLine } from './line-ring.ts';
import { MatchIndex, type Search } from './search.ts';

export interface LogLimits {
  readonly lines: number;
  /** UTF-16 units of all texts and styles; the newest line is kept whatever its length. */
  readonly units: number;
}

/** About 60 MB when full, including the overhead of each line. */
const logLimits: LogLimits = { lines: 200_000, units: 32 * 1024 * 1024 };

export interface SearchOptions {
  /** The first line to search; it may be the result. */
  readonly from: number;
  readonly direction: 'forward' | 'backward';
  /** Both by default. */
  readonly streams?: Search['streams'];
}

export class LogBuffer {
  readonly #limits: LogLimits;
  /** Line `n` is at `n % limit`. */
  readonly #ring: LineRing;
  #first = 0;
  #end = 0;
  #units = 0;
  #version = 0;
  /** For the latest search. */
  #matches: MatchIndex | null = null;

  constructor(limits: LogLimits = logLimits) {
    this.#limits = limits;
    this.#ring = new LineRing(limits.lines);
  }

  /** Number of the oldest line that is kept. */
  get first(): number {
    return this.#first;
  }

  /** The number that the next line gets. */
  get end(): number {
    return this.#end;
  }

  /** Rises with every change. */
  get version(): number {
    return this.#version;
  }

  /** @returns the line's number */
  append(stream: OutputStream, atMs: number, text: string, styles = ''): number {
    return this.#push({ kind: 'output', stream, atMs, text: detached(text), styles, skippedLines: 0 });
  }

  /** Notes that lines are missing here; adds to the last line if that says the same. */
  appendSkipped(lines: number, atMs: number): number {
    const last = this.get(this.#end - 1);
    const skipped: LogLine = {
      kind: 'skipped',
      stream: null,
      atMs,
      text: '',
      styles: '',
      skippedLines: lines,
    };
    if (last?.kind !== 'skipped') return this.#push(skipped);
    this.#put(this.#end - 1, { ...last, skippedLines: last.skippedLines + lines });
    return this.#end - 1;
  }

  appendMark(atMs: number): number {
    return this.#push({ kind: 'mark', stream: null, atMs, text: '', styles: '', skippedLines: 0 });
  }

  /** Gives a line of output another text. @returns false if the line has been dropped */
  replace(number: number, atMs: number, text: string, styles = ''): boolean {
    const line = this.get(number);
    if (line === undefined) return false;
    this.#put(number, { ...line, atMs, text: detached(text), styles });
    this.#units += text.length + styles.length - unitsOf(line);
    this.#trim();
    return true;
  }

  get(number: number): LogLine | undefined {
    return number >= this.#first && number < this.#end ? this.#ring.get(number) : undefined;
  }

  /** Up to `count` lines, starting at this number or at the oldest kept line, whichever is newer. */
  slice(from: number, count: number): LogLine[] {
    const lines: LogLine[] = [];
    const start = Math.max(from, this.#first);
    for (let number = start; number < this.#end && lines.length < count; number += 1) {
      const line = this.get(number);
      if (line !== undefined) lines.push(line);
    }
    return lines;
  }

  /** The nearest match in this direction; `null` if there is none. The search does not wrap around. */
  search(needle: string, { from, direction, streams = 'both' }: SearchOptions): number | null {
    const matches = this.#matchesOf({ needle, streams });
    if (direction === 'forward') return matches.at(matches.countBefore(from));
    return matches.at(matches.countBefore(from + 1) - 1);
  }

  countMatches(needle: string, streams: Search['streams'] = 'both'): number {
    return this.#matchesOf({ needle, streams }).count;
  }

  /** How many matches precede this line. */
  countMatchesBefore(number: number, needle: string, streams: Search['streams'] = 'both'): number {
    return this.#matchesOf({ needle, streams }).countBefore(number);
  }

  #push(line: LogLine): number {
    const number = this.#end;
    // It may take the place of the oldest line in the ring.
    if (number - this.#first === this.#limits.lines) this.#dropFirst();
    this.#end += 1;
    this.#units += unitsOf(line);
    this.#put(number, line);
    this.#trim();
    return number;
  }

  #put(number: number, line: LogLine): void {
    this.#ring.put(number, line);
    this.#matches?.changed(number, line);
    this.#version += 1;
  }

  #trim(): void {
    while (this.#units > this.#limits.units && this.#end - this.#first > 1) this.#dropFirst();
  }

  #dropFirst(): void {
    const line = this.get(this.#first);
    if (line !== undefined) this.#units -= unitsOf(line);
    this.#ring.drop(this.#first);
    this.#first += 1;
  }

  #matchesOf(search: Search): MatchIndex {
    const matches = this.#matches?.isFor(search) ? this.#matches : new MatchIndex(search);
    matches.update(this.#first, this.#end, (number) => this.get(number));
    this.#matches = matches;
    return matches;
  }
}

function unitsOf({ text, styles }: LogLine): number {
  return text.length + styles.length;
}

/** The same text in memory of its own: as a part of a larger string, a line would keep its whole 64 KB piece alive. */
function detached(text: string): string {
  return ` ${text}`.slice(1);
}

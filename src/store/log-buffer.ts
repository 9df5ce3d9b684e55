/**
 * The lines of one log, as many as memory allows for. A line has a number that stays its own: when old lines go,
 * `first` rises, so that a view which stands on a line stands on it still.
 */
import type { OutputStream } from '../protocol/job.ts';
import { LineRing, type LogLine } from './line-ring.ts';
import { MatchIndex, type Search } from './match-index.ts';

export interface LogLimits {
  readonly lines: number;
  /** UTF-16 units of all texts; the newest line is kept whatever its length. */
  readonly units: number;
}

/** With what each line costs beside its text, about 60 MB when full. */
const logLimits: LogLimits = { lines: 200_000, units: 32 * 1024 * 1024 };

export interface SearchOptions {
  /** The line to begin with; it may be the one that is found. */
  readonly from: number;
  readonly direction: 'forward' | 'backward';
  /** Which streams to search; both where it isn't said. */
  readonly streams?: Search['streams'];
}

export class LogBuffer {
  readonly #limits: LogLimits;
  /** A ring: line `n` lies at `n % limit`. */
  readonly #ring: LineRing;
  #first = 0;
  #end = 0;
  #units = 0;
  #version = 0;
  /** Of the latest search. */
  #matches: MatchIndex | null = null;

  constructor(limits: LogLimits = logLimits) {
    this.#limits = limits;
    this.#ring = new LineRing(limits.lines);
  }

  /** Number of the oldest line that is kept. */
  get first(): number {
    return this.#first;
  }

  /** Behind the newest line; the number of the next. */
  get end(): number {
    return this.#end;
  }

  /** Rises with every change. */
  get version(): number {
    return this.#version;
  }

  /** @returns the line's number */
  append(stream: OutputStream, atMs: number, text: string): number {
    return this.#push({ kind: 'output', stream, atMs, text: detached(text), skippedLines: 0 });
  }

  /** Says that lines are missing here; with what is said already, where nothing came between. */
  appendSkipped(lines: number, atMs: number): number {
    const last = this.get(this.#end - 1);
    const skipped: LogLine = { kind: 'skipped', stream: null, atMs, text: '', skippedLines: lines };
    if (last?.kind !== 'skipped') return this.#push(skipped);
    this.#put(this.#end - 1, { ...last, skippedLines: last.skippedLines + lines });
    return this.#end - 1;
  }

  appendMark(atMs: number): number {
    return this.#push({ kind: 'mark', stream: null, atMs, text: '', skippedLines: 0 });
  }

  /** Gives a line of output another text. @returns false where it is gone */
  replace(number: number, atMs: number, text: string): boolean {
    const line = this.get(number);
    if (line === undefined) return false;
    this.#put(number, { ...line, atMs, text: detached(text) });
    this.#units += text.length - line.text.length;
    this.#trim();
    return true;
  }

  get(number: number): LogLine | undefined {
    return number >= this.#first && number < this.#end ? this.#ring.get(number) : undefined;
  }

  /** Up to `count` lines from this number on, or from the first, where that is newer. */
  slice(from: number, count: number): LogLine[] {
    const lines: LogLine[] = [];
    const start = Math.max(from, this.#first);
    for (let number = start; number < this.#end && lines.length < count; number += 1) {
      const line = this.get(number);
      if (line !== undefined) lines.push(line);
    }
    return lines;
  }

  /** The nearest line that matches, `null` where there is none that way: it does not go around. */
  search(needle: string, { from, direction, streams = 'both' }: SearchOptions): number | null {
    const matches = this.#matchesOf({ needle, streams });
    if (direction === 'forward') return matches.at(matches.countBefore(from));
    return matches.at(matches.countBefore(from + 1) - 1);
  }

  countMatches(needle: string, streams: Search['streams'] = 'both'): number {
    return this.#matchesOf({ needle, streams }).count;
  }

  /** How many matches lie before this line: one less than the place of a line that matches. */
  countMatchesBefore(number: number, needle: string, streams: Search['streams'] = 'both'): number {
    return this.#matchesOf({ needle, streams }).countBefore(number);
  }

  #push(line: LogLine): number {
    const number = this.#end;
    // Its place in the ring may be that of the oldest.
    if (number - this.#first === this.#limits.lines) this.#dropFirst();
    this.#end += 1;
    this.#units += line.text.length;
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
    this.#units -= this.get(this.#first)?.text.length ?? 0;
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

/**
 * The same text in memory of its own. A part of a string keeps all of it alive: one line would hold on to the
 * 64 KB that it came in.
 */
function detached(text: string): string {
  return ` ${text}`.slice(1);
}

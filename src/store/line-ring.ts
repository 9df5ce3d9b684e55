/**
 * The newest lines, by number. Under a flood, every new line replaces an old one. As objects, the old ones would be garbage
 * that only V8's slow collection finds, so typed arrays hold everything but the texts.
 */
import type { OutputStream } from '../protocol/job.ts';

export interface LogLine {
  /** `skipped`: lines are missing here; `mark`: the reader set a mark. */
  readonly kind: 'output' | 'skipped' | 'mark';
  /** `null` unless it is output. */
  readonly stream: OutputStream | null;
  readonly atMs: number;
  /** '' unless it is output. */
  readonly text: string;
  /** Where in the text which styles begin, as the screen encodes them; '' if it has none. */
  readonly styles: string;
  /** How many lines are missing; 0 for other kinds. */
  readonly skippedLines: number;
}

const marks = { stdout: 0, stderr: 1, skipped: 2, mark: 3 } as const;
const smallest = 1_024;

export class LineRing {
  readonly #limit: number;
  #capacity = 0;
  #texts: (string | undefined)[] = [];
  #styles: string[] = [];
  #times = new Float64Array(0);
  #marks = new Uint8Array(0);
  /** How many lines are missing at a `skipped` line, by its number. */
  readonly #skipped = new Map<number, number>();

  constructor(limit: number) {
    this.#limit = limit;
  }

  put(number: number, { kind, stream, atMs, text, styles, skippedLines }: LogLine): void {
    if (number >= this.#capacity && this.#capacity < this.#limit) this.#grow(number);
    const at = number % this.#capacity;
    this.#texts[at] = text;
    this.#styles[at] = styles;
    this.#times[at] = atMs;
    this.#marks[at] = kind === 'output' ? marks[stream === 'stderr' ? 'stderr' : 'stdout'] : marks[kind];
    if (kind === 'skipped') this.#skipped.set(number, skippedLines);
  }

  get(number: number): LogLine | undefined {
    const at = number % this.#capacity;
    const text = this.#texts[at];
    if (text === undefined) return undefined;
    const atMs = this.#times[at] ?? 0;
    const mark = this.#marks[at];
    if (mark === marks.mark) return { kind: 'mark', stream: null, atMs, text, styles: '', skippedLines: 0 };
    if (mark === marks.skipped)
      return {
        kind: 'skipped',
        stream: null,
        atMs,
        text,
        styles: '',
        skippedLines: this.#skipped.get(number) ?? 0,
      };
    return {
      kind: 'output',
      stream: mark === marks.stderr ? 'stderr' : 'stdout',
      atMs,
      text,
      styles: this.#styles[at] ?? '',
      skippedLines: 0,
    };
  }

  drop(number: number): void {
    this.#texts[number % this.#capacity] = undefined;
    this.#styles[number % this.#capacity] = '';
    this.#skipped.delete(number);
  }

  /** Until it has its full size, line `n` is at index `n`. */
  #grow(number: number): void {
    this.#capacity = Math.min(this.#limit, Math.max(smallest, 2 * this.#capacity, number + 1));
    const times = new Float64Array(this.#capacity);
    times.set(this.#times);
    this.#times = times;
    const marksNow = new Uint8Array(this.#capacity);
    marksNow.set(this.#marks);
    this.#marks = marksNow;
  }
}

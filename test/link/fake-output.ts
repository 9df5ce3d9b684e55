/** The output of a job, kept without a limit, for readers that read at different speeds. */
import type { OutputBatch, OutputReader } from '../../src/protocol/job.ts';

export class FakeOutput {
  readonly readers: FakeReader[] = [];
  readonly #pieces: string[] = [];
  isEnded = false;

  /** One piece for each. */
  print(...texts: readonly string[]): void {
    this.#pieces.push(...texts);
  }

  open(): FakeReader {
    const reader = new FakeReader(this.#pieces, this);
    this.readers.push(reader);
    return reader;
  }
}

class FakeReader implements OutputReader {
  readonly #pieces: readonly string[];
  readonly #output: FakeOutput;
  #next = 0;
  #skipped = 0;
  readonly reads: number[] = [];
  readonly skips: number[] = [];
  isClosed = false;

  constructor(pieces: readonly string[], output: FakeOutput) {
    this.#pieces = pieces;
    this.#output = output;
  }

  read(maxBytes: number): OutputBatch {
    if (this.isClosed) throw new Error('read after close');
    this.reads.push(maxBytes);
    const pieces = [];
    let bytes = 0;
    while (this.#next < this.#pieces.length) {
      const text = this.#pieces[this.#next] ?? '';
      if (pieces.length > 0 && bytes + text.length > maxBytes) break;
      pieces.push({ stream: 'stdout' as const, atMs: this.#next, text });
      bytes += text.length;
      this.#next += 1;
    }
    const skippedLines = this.#skipped;
    this.#skipped = 0;
    return { pieces, skippedLines, isEnd: this.#output.isEnded && this.#next === this.#pieces.length };
  }

  get behindBytes(): number {
    return this.#pieces.slice(this.#next).reduce((sum, text) => sum + text.length, 0);
  }

  /** Counts pieces as lines. */
  skipTo(bytes: number): void {
    this.skips.push(this.behindBytes);
    while (this.behindBytes > bytes) {
      this.#next += 1;
      this.#skipped += 1;
    }
  }

  close(): void {
    if (this.isClosed) throw new Error('closed twice');
    this.isClosed = true;
  }
}

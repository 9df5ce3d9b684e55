/**
 * Makes lines of what a job prints, and puts them into a log. Output comes in parts that end anywhere, from two
 * streams in turn; each stream's unfinished line is kept apart until its end comes. Time is linear in what comes,
 * and memory constant however long a line gets.
 *
 * A carriage return that no line feed follows sends the cursor back, and what is printed next overwrites the line:
 * of a progress bar the last state counts.
 */
import type { OutputStream } from '../protocol/job.ts';
import type { OutputBatch, OutputPiece } from '../protocol/output.ts';
import type { LogBuffer } from './log-buffer.ts';

/** UTF-16 units of a line; the rest of a longer one is dropped, and `…` stands for it. */
export const logLineLimit = 8_000;

interface Unfinished {
  readonly stream: OutputStream;
  text: string;
  /** When its text began to come. */
  atMs: number;
  /** More has come than is kept. */
  isCut: boolean;
  /** A carriage return came last: a line feed ends the line, and anything else overwrites it. */
  isReturned: boolean;
  /** Its line in the log, where it was shown before its end came. */
  number: number | null;
  /** What the log has of it is out of date. */
  isNews: boolean;
}

export class LineSplitter {
  readonly #log: LogBuffer;
  readonly #sanitise: (text: string) => string;
  readonly #lineLimit: number;
  readonly #unfinished = { stdout: unfinished('stdout'), stderr: unfinished('stderr') };
  #lastMs = 0;

  /** @param sanitise makes one line of output safe to show; called once for each line that is put into the log */
  constructor(log: LogBuffer, sanitise: (text: string) => string, lineLimit = logLineLimit) {
    this.#log = log;
    this.#sanitise = sanitise;
    this.#lineLimit = lineLimit;
  }

  take({ skippedLines, pieces, isEnd }: OutputBatch): void {
    if (skippedLines > 0) this.#skip(skippedLines, pieces[0]?.atMs ?? this.#lastMs);
    for (const piece of pieces) this.#takePiece(piece);
    if (isEnd) this.#endBoth();
  }

  /**
   * Puts unfinished lines into the log, or what has been added to them: a prompt, a progress bar. They keep their
   * numbers when more comes. To be called when the log is looked at, not for each batch: it costs as much as
   * the lines are long.
   */
  showUnfinished(): void {
    for (const line of Object.values(this.#unfinished)) {
      if (line.isNews) this.#show(line);
      line.isNews = false;
    }
  }

  #takePiece({ stream, atMs, text }: OutputPiece): void {
    const line = this.#unfinished[stream];
    this.#lastMs = atMs;
    let at = 0;
    for (let end = text.indexOf('\n'); end !== -1; end = text.indexOf('\n', at)) {
      this.#add(line, text.slice(at, end), atMs);
      this.#end(line, atMs);
      at = end + 1;
    }
    this.#add(line, text.slice(at), atMs);
  }

  /** @param part without line feeds */
  #add(line: Unfinished, part: string, atMs: number): void {
    let end = part.length;
    while (end > 0 && part[end - 1] === '\r') end -= 1;
    if (end > 0) {
      const start = part.lastIndexOf('\r', end - 1) + 1;
      if (start > 0 || line.isReturned) clear(line);
      if (line.text === '') line.atMs = atMs;
      this.#extend(line, part.slice(start, end));
    }
    if (end < part.length) line.isReturned = true;
  }

  #extend(line: Unfinished, part: string): void {
    if (line.isCut) return;
    const room = this.#lineLimit - line.text.length;
    line.text += part.length > room ? part.slice(0, room) : part;
    line.isCut = part.length > room;
    line.isNews = true;
  }

  #end(line: Unfinished, atMs: number): void {
    if (line.text === '') line.atMs = atMs;
    this.#show(line);
    clear(line);
    line.number = null;
    line.isNews = false;
  }

  #show(line: Unfinished): void {
    const text = this.#shownText(line);
    if (line.number !== null && this.#log.replace(line.number, line.atMs, text)) return;
    line.number = this.#log.append(line.stream, line.atMs, text);
  }

  #shownText({ text, isCut }: Unfinished): string {
    const shown = this.#sanitise(isCut ? withoutHalf(text) : text);
    // A tab may have become eight blanks.
    if (!isCut && shown.length <= this.#lineLimit) return shown;
    return `${withoutHalf(shown.slice(0, this.#lineLimit))}…`;
  }

  /** What was unfinished has lost its rest. */
  #skip(lines: number, atMs: number): void {
    for (const line of Object.values(this.#unfinished)) {
      if (line.text === '') continue;
      line.isCut = true;
      this.#end(line, atMs);
    }
    this.#log.appendSkipped(lines, atMs);
  }

  #endBoth(): void {
    for (const line of Object.values(this.#unfinished)) {
      if (line.text !== '') this.#end(line, this.#lastMs);
    }
  }
}

function unfinished(stream: OutputStream): Unfinished {
  return { stream, text: '', atMs: 0, isCut: false, isReturned: false, number: null, isNews: false };
}

function clear(line: Unfinished): void {
  line.text = '';
  line.isCut = false;
  line.isReturned = false;
}

/** Drops the first half of a surrogate pair whose second half was cut off. */
function withoutHalf(text: string): string {
  return text.replace(/[\uD800-\uDBFF]$/, '');
}

/**
 * Splits a job's output into lines and puts them into a log. Output arrives from two streams in pieces that end anywhere;
 * the splitter keeps each stream's unfinished line until the rest arrives. It takes linear time, and constant memory for a
 * line of any length.
 *
 * A carriage return without a line feed sends the cursor back, and the next text overwrites the line: of a progress bar,
 * the last state counts.
 */
import type { OutputStream } from '../protocol/job.ts';
import type { OutputBatch, OutputPiece } from '../protocol/output.ts';
import type { LogBuffer } from './log-buffer.ts';

/** UTF-16 units of a line; `…` replaces the rest of a longer one. */
export const logLineLimit = 8_000;

interface Unfinished {
  readonly stream: OutputStream;
  text: string;
  /** When the first of its text arrived. */
  atMs: number;
  /** The line is longer than the limit. */
  isCut: boolean;
  /** The last character was a carriage return: a line feed ends the line, anything else overwrites it. */
  isReturned: boolean;
  /** Its number in the log, if it was shown before its end arrived. */
  number: number | null;
  /** The log has an older text of it, or none. */
  isNews: boolean;
}

export class LineSplitter {
  readonly #log: LogBuffer;
  readonly #sanitise: (text: string) => string;
  readonly #lineLimit: number;
  readonly #unfinished = { stdout: unfinished('stdout'), stderr: unfinished('stderr') };
  #lastMs = 0;

  /** @param sanitise makes a line of output safe to show; called once for each line that goes into the log */
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
   * Puts unfinished lines, such as a prompt or a progress bar, into the log, or updates them there. They keep their
   * numbers when more arrives. Call it when the log is shown, not for each batch: it costs time in proportion to the
   * length of the lines.
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
    // A tab may have become eight spaces.
    if (!isCut && shown.length <= this.#lineLimit) return shown;
    return `${withoutHalf(shown.slice(0, this.#lineLimit))}…`;
  }

  /** Unfinished lines have lost their rest. */
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

/** Drops the first half of a surrogate pair that lost its second half. */
function withoutHalf(text: string): string {
  return text.replace(/[\uD800-\uDBFF]$/, '');
}

/**
 * Splits a job's output into lines and puts them into a log. Output arrives from two streams in pieces that end anywhere;
 * the splitter keeps each stream's unfinished line until the rest arrives. It takes linear time, and constant memory for a
 * line of any length.
 *
 * A carriage return without a line feed sends the cursor back, and the next text overwrites the line: of a progress bar,
 * the last state counts.
 *
 * As on a terminal, a style stays until the job changes it: many programs print a stack trace in one color and reset it
 * after the last line. Each stream has its own style. It starts anew after output that is missing.
 */
import type { OutputBatch, OutputPiece, OutputStream } from '../protocol/job.ts';
import type { LogBuffer } from './log-buffer.ts';

/** UTF-16 units of a line; `…` replaces the rest of a longer one. */
export const logLineLimit = 8_000;

/** A line of output that is safe to show. */
export interface SafeLine {
  readonly text: string;
  readonly styles: string;
  /** The style at its end, with which the next line begins; 0 is none. */
  readonly after: number;
}

/** Makes a line of output safe to show. @param before the style at its start */
export type Sanitise = (text: string, before: number) => SafeLine;

interface Unfinished {
  readonly stream: OutputStream;
  text: string;
  /** When the first of its text arrived. */
  atMs: number;
  /** The style at the start of the text. */
  style: number;
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
  readonly #sanitise: Sanitise;
  readonly #lineLimit: number;
  readonly #unfinished = { stdout: unfinished('stdout'), stderr: unfinished('stderr') };
  #lastMs = 0;

  /** @param sanitise called for each text that goes into the log or is overwritten */
  constructor(log: LogBuffer, sanitise: Sanitise, lineLimit = logLineLimit) {
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
    for (const [returns, text] of part.split('\r').entries()) {
      if (returns > 0) line.isReturned = true;
      if (text === '') continue;
      if (line.isReturned) this.#overwrite(line);
      if (line.text === '') line.atMs = atMs;
      this.#extend(line, text);
    }
  }

  /** The cursor has gone back to the start. The style stays. */
  #overwrite(line: Unfinished): void {
    const { text, style, isCut } = line;
    clear(line, isCut ? 0 : this.#sanitise(text, style).after);
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
    const { isCut } = line;
    const { after } = this.#show(line);
    clear(line, isCut ? 0 : after);
    line.number = null;
    line.isNews = false;
  }

  #show(line: Unfinished): SafeLine {
    const shown = this.#shown(line);
    const { text, styles } = shown;
    if (line.number === null || !this.#log.replace(line.number, line.atMs, text, styles)) {
      line.number = this.#log.append(line.stream, line.atMs, text, styles);
    }
    return shown;
  }

  #shown({ text, style, isCut }: Unfinished): SafeLine {
    const shown = this.#sanitise(isCut ? withoutHalf(text) : text, style);
    // A tab may have become eight spaces.
    if (!isCut && shown.text.length <= this.#lineLimit) return shown;
    return { ...shown, text: `${withoutHalf(shown.text.slice(0, this.#lineLimit))}…` };
  }

  /** Unfinished lines have lost their rest. */
  #skip(lines: number, atMs: number): void {
    for (const line of Object.values(this.#unfinished)) {
      line.style = 0;
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
  return {
    stream,
    text: '',
    atMs: 0,
    style: 0,
    isCut: false,
    isReturned: false,
    number: null,
    isNews: false,
  };
}

/** @param style the one with which its next text begins */
function clear(line: Unfinished, style: number): void {
  line.text = '';
  line.style = style;
  line.isCut = false;
  line.isReturned = false;
}

/** Drops the first half of a surrogate pair that lost its second half. */
function withoutHalf(text: string): string {
  return text.replace(/[\uD800-\uDBFF]$/, '');
}

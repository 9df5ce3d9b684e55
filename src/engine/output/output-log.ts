/**
 * What a job prints, as lines for the log of the runner: while it runs, or once it has failed. Both are limited, so that a
 * job that prints without end doesn't fill the log. Empty lines are left out.
 */
import { StringDecoder } from 'node:string_decoder';
import type { OutputStream } from '../../protocol/job.ts';

/** Lines of a job. */
export const loggedLinesLimit = 1_000;
/** Characters of a line. */
export const loggedLineLimit = 4_000;

export interface LoggedLines {
  line(stream: OutputStream, text: string): void;
  /** @param lines how many lines are missing; `null`: all that follow */
  leftOut(lines: number | null): void;
}

const newline = 0x0a;

interface Unfinished {
  readonly decoder: StringDecoder;
  text: string;
}

/** The first lines of a job's output, as they come. */
export class OutputLog {
  readonly #log: LoggedLines;
  readonly #unfinished: Partial<Record<OutputStream, Unfinished>> = {};
  #lines = 0;
  #leftOut = 0;

  constructor(log: LoggedLines) {
    this.#log = log;
  }

  take(stream: OutputStream, chunk: Buffer): void {
    if (this.#lines >= loggedLinesLimit) {
      this.#leftOut += linesIn(chunk);
      return;
    }
    this.#unfinished[stream] ??= { decoder: new StringDecoder('utf8'), text: '' };
    const unfinished = this.#unfinished[stream];
    const lines = (unfinished.text + unfinished.decoder.write(chunk)).split('\n');
    // Longer than the limit, so that it shows that it was cut.
    unfinished.text = overwritten(lines.pop() ?? '').slice(0, loggedLineLimit + 1);
    for (const text of lines) this.#tell(stream, text);
  }

  /** The job has ended. */
  end(): void {
    for (const stream of ['stdout', 'stderr'] as const)
      this.#tell(stream, this.#unfinished[stream]?.text ?? '');
    if (this.#leftOut > 0) this.#log.leftOut(this.#leftOut);
  }

  #tell(stream: OutputStream, text: string): void {
    const line = shown(text);
    if (line === '') return;
    if (this.#lines >= loggedLinesLimit) {
      this.#leftOut += 1;
      return;
    }
    this.#lines += 1;
    this.#log.line(stream, line);
    if (this.#lines === loggedLinesLimit) this.#log.leftOut(null);
  }
}

/** The last lines that are kept of a failed job's output: STDOUT, then STDERR, which ends with the reason. */
export function logKept(kept: Readonly<Record<OutputStream, string>>, log: LoggedLines): void {
  const all = (['stdout', 'stderr'] as const).flatMap((stream) =>
    kept[stream]
      .split('\n')
      .map((text) => ({ stream, line: shown(text) }))
      .filter(({ line }) => line !== ''),
  );
  if (all.length > loggedLinesLimit) log.leftOut(all.length - loggedLinesLimit);
  for (const { stream, line } of all.slice(-loggedLinesLimit)) log.line(stream, line);
}

function shown(text: string): string {
  const line = overwritten(text.trimEnd());
  return line.length <= loggedLineLimit ? line : `${line.slice(0, loggedLineLimit - 1).toWellFormed()}…`;
}

/** Of a line that rewrites itself with CR, such as a progress bar, the last text. A CR at its end may be half of a CRLF. */
function overwritten(text: string): string {
  const at = text.lastIndexOf('\r', text.length - 2);
  return at === -1 || text.length < 2 ? text : text.slice(at + 1);
}

/** Line feeds in the bytes. */
export function linesIn(bytes: Buffer): number {
  let lines = 0;
  for (let at = bytes.indexOf(newline); at !== -1; at = bytes.indexOf(newline, at + 1)) lines += 1;
  return lines;
}

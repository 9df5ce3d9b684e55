/**
 * Reads keys and pastes from the terminal, in raw mode, which the screen guard sets. It waits for the rest of a
 * divided sequence and gives up on it in time: the Escape key and the start of an arrow key are the same byte.
 */
import { printable } from '../text/printable.ts';
import { KeyDecoder, type TerminalInput } from './key-decoder.ts';

/** Long enough for most networks, short enough to feel like at once. */
const escapeMs = 40;
/** Nobody waits for these: they are cut sequences, and Alt with one of a few characters. */
const sequenceMs = 500;
/** A paste without its end must not swallow every key for ever. */
const pasteMs = 5_000;

export class KeyReader {
  readonly #stdin: NodeJS.ReadStream;
  readonly #onInput: (input: TerminalInput) => void;
  readonly #decoder = new KeyDecoder();
  #timer: NodeJS.Timeout | undefined;

  readonly #onData = (chunk: string | Buffer) => {
    clearTimeout(this.#timer);
    this.#tell(this.#decoder.push(String(chunk)));
    this.#waitForMore();
  };

  constructor(stdin: NodeJS.ReadStream, onInput: (input: TerminalInput) => void) {
    this.#stdin = stdin;
    this.#onInput = onInput;
  }

  start(): void {
    // Characters that are divided between reads are put together by the stream.
    this.#stdin.setEncoding('utf8');
    this.#stdin.on('data', this.#onData);
    this.#stdin.resume();
  }

  /** Reads no more, so that the process can end. */
  stop(): void {
    clearTimeout(this.#timer);
    this.#decoder.flush();
    this.#stdin.off('data', this.#onData);
    this.#stdin.pause();
  }

  #waitForMore(): void {
    const { waitsFor } = this.#decoder;
    if (waitsFor === 'nothing') return;
    const ms = waitsFor === 'escape' ? escapeMs : waitsFor === 'paste' ? pasteMs : sequenceMs;
    this.#timer = setTimeout(() => this.#tell(this.#decoder.flush()), ms);
  }

  #tell(inputs: readonly TerminalInput[]): void {
    for (const input of inputs) this.#onInput(input);
  }
}

/** What an input adds to a line of text that is being edited; `null` where it is no text. */
export function typedText(input: TerminalInput): string | null {
  if ('paste' in input) return printable(input.paste);
  if (input.key === 'space') return ' ';
  return /^.$/su.test(input.key) ? input.key : null;
}

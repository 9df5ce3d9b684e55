/**
 * Reads keys, pastes and the mouse from the terminal. The screen guard sets raw mode. It waits only a short time for the rest of an
 * incomplete sequence, because the Escape key and the start of an arrow key are the same byte.
 */
import { printable } from '../text/printable.ts';
import { KeyDecoder, type TerminalInput } from './key-decoder.ts';

/** Long enough for most networks, short enough to feel immediate. */
const escapeMs = 40;
/** A delay doesn't matter here: these are incomplete sequences, and Alt with one of a few characters. */
const sequenceMs = 500;
/** A paste without its end must not swallow keys forever. */
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
    // The stream joins characters that are split between reads.
    this.#stdin.setEncoding('utf8');
    this.#stdin.on('data', this.#onData);
    this.#stdin.resume();
  }

  /** Stops reading, so that the process can end. */
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

/** The text that an input types; `null` if it types none. */
export function typedText(input: TerminalInput): string | null {
  if ('mouse' in input) return null;
  if ('paste' in input) return printable(input.paste);
  if (input.key === 'space') return ' ';
  return /^.$/su.test(input.key) ? input.key : null;
}

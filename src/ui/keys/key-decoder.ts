/**
 * Decodes the bytes of a terminal into keys and what the mouse does. One read may have several keys, one key may arrive in
 * several reads, and pastes and unrequested reports come in between. Everything else is dropped.
 *
 * Names of keys: `j`, `J`, `?`, `up`, `shift+tab`, `ctrl+d`, `alt+x`, `space`, with modifiers in the order
 * `ctrl+alt+shift+`. A letter with Shift is a capital.
 *
 * Ink's own parser doesn't work here: it gives up on a split sequence after one turn of the event loop, names Ctrl-U `u`, and
 * treats fast typing as one key.
 */
import { type DecodedSequence, decodeSequence, type MouseInput } from './key-sequences.ts';

export type TerminalInput =
  | { readonly key: string }
  | { readonly paste: string }
  | { readonly mouse: MouseInput };

/** The rest of a longer paste is dropped: no filter is that long. */
const pasteLimit = 1024 * 1024;
const pasteEnd = '\u001B[201~';

/** A longer report is given up. */
const sequenceLimit = 4_096;

const controlNames: Readonly<Record<string, string>> = {
  '\r': 'return',
  '\n': 'return',
  '\t': 'tab',
  '\b': 'backspace',
  '\u007F': 'backspace',
  '\0': 'ctrl+space',
  ' ': 'space',
};

export class KeyDecoder {
  /** The beginning of a sequence whose rest has not arrived. */
  #pending = '';
  /** The paste so far, until its end arrives. */
  #paste: string | null = null;
  /** The last characters of a paste, which may be the beginning of its end marker. */
  #pasteTail = '';
  /** An ESC was reported as Escape, but the next bytes may still be the rest of its sequence. */
  #hasGivenUpEscape = false;

  /** What is held back until more input arrives or `flush` is called. */
  get waitsFor(): 'nothing' | 'escape' | 'sequence' | 'paste' {
    if (this.#paste !== null) return 'paste';
    if (this.#pending === '') return 'nothing';
    return this.#pending === '\u001B' ? 'escape' : 'sequence';
  }

  push(chunk: string): TerminalInput[] {
    const inputs: TerminalInput[] = [];
    let text = this.#pending + chunk;
    if (this.#hasGivenUpEscape && lateRest.test(text)) text = `\u001B${text}`;
    this.#hasGivenUpEscape = false;
    this.#pending = '';
    while (text !== '')
      text = this.#paste === null ? this.#takeKey(text, inputs) : this.#takePaste(text, inputs);
    return inputs;
  }

  /** Gives up waiting: a held-back ESC is the Escape key, and a paste ends. */
  flush(): TerminalInput[] {
    const pending = this.#pending;
    this.#pending = '';
    if (this.#paste !== null) return [this.#endPaste(this.#pasteTail)];
    if (pending === '\u001B') {
      this.#hasGivenUpEscape = true;
      return [{ key: 'escape' }];
    }
    // ESC and one character: Alt with a character that could have begun a sequence. Longer ones are incomplete sequences.
    return pending.length === 2 ? [{ key: `alt+${pending.slice(1)}` }] : [];
  }

  /** @returns what comes after the first key */
  #takeKey(text: string, inputs: TerminalInput[]): string {
    const first = String.fromCodePoint(text.codePointAt(0) ?? 0);
    if (first !== '\u001B') {
      const key = keyOf(first);
      if (key !== null) inputs.push({ key });
      return text.slice(first.length);
    }
    const decoded = decodeSequence(text);
    switch (decoded.kind) {
      case 'incomplete':
        if (text.length <= sequenceLimit) this.#pending = text;
        return '';
      case 'paste-start':
        this.#paste = '';
        break;
      case 'key':
        inputs.push({ key: decoded.key });
        break;
      case 'mouse':
        inputs.push({ mouse: decoded.mouse });
        break;
      case 'other':
        this.#addAlt(decoded, inputs);
    }
    return text.slice(decoded.length);
  }

  /** ESC with a character is Alt with it; ESC with a further ESC is an Escape. */
  #addAlt({ rest }: Extract<DecodedSequence, { kind: 'other' }>, inputs: TerminalInput[]): void {
    if (rest === null) return;
    if (rest === '') {
      inputs.push({ key: 'escape' });
      return;
    }
    const key = keyOf(rest);
    if (key !== null)
      inputs.push({ key: key.startsWith('ctrl+') ? `ctrl+alt+${key.slice(5)}` : `alt+${key}` });
  }

  #takePaste(text: string, inputs: TerminalInput[]): string {
    const all = this.#pasteTail + text;
    const end = all.indexOf(pasteEnd);
    if (end !== -1) {
      inputs.push(this.#endPaste(all.slice(0, end)));
      return all.slice(end + pasteEnd.length);
    }
    const certain = Math.max(0, all.length - pasteEnd.length + 1);
    this.#pasteTail = all.slice(certain);
    this.#addToPaste(all.slice(0, certain));
    return '';
  }

  #addToPaste(text: string): void {
    const before = this.#paste ?? '';
    this.#paste = before + text.slice(0, Math.max(0, pasteLimit - before.length));
  }

  #endPaste(rest: string): TerminalInput {
    this.#addToPaste(rest);
    const paste = (this.#paste ?? '').replaceAll(/\r\n?/g, '\n');
    this.#paste = null;
    this.#pasteTail = '';
    return { paste };
  }
}

/**
 * A whole CSI or SS3 sequence without its ESC, or reports of the mouse, perhaps not all of the last one: no user types that
 * within one read.
 */
const lateRest = /^(?:\[[0-9;]*[A-Za-z~]$|O[A-DFHP-S]$|\[<)/;

function keyOf(character: string): string | null {
  const name = controlNames[character];
  if (name !== undefined) return name;
  const code = character.codePointAt(0) ?? 0;
  if (code <= 26) return `ctrl+${String.fromCharCode(code + 96)}`;
  // Ctrl with \ ] ^ _
  if (code < 32) return `ctrl+${String.fromCharCode(code + 64)}`;
  // C1 controls, and parts of characters from input that is not UTF-8.
  if ((code >= 0x80 && code < 0xa0) || (code >= 0xd800 && code < 0xe000)) return null;
  return character;
}

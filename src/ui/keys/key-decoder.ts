/**
 * Makes keys of what a terminal sends. One read may bring several keys, one key may come in several reads, and
 * among them come pastes and reports that nobody asked for; what is no key of ours is dropped.
 *
 * Keys are named as people say them: `j`, `J`, `?`, `up`, `shift+tab`, `ctrl+d`, `alt+x`, `space`. With modifiers in
 * this order: `ctrl+alt+shift+`. A letter with shift is the capital.
 *
 * Not Ink's own parser: it gives up on a divided sequence after one turn of the event loop, names Ctrl-U `u`, and
 * takes fast typing for one key.
 */
import { type DecodedSequence, decodeSequence } from './key-sequences.ts';

export type TerminalInput = { readonly key: string } | { readonly paste: string };

/** What is kept of a paste; nobody types that much into a filter. */
const pasteLimit = 1024 * 1024;
const pasteEnd = '\u001B[201~';

/** A report that never ends isn't waited for beyond this. */
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
  /** Of a sequence whose rest has yet to come. */
  #pending = '';
  /** What was pasted so far, as long as the end hasn't come. */
  #paste: string | null = null;
  /** The last characters of a paste, which may be the first of its end. */
  #pasteTail = '';
  /** An Escape was made of an ESC: what comes at once may still be the rest of a sequence. */
  #hasGivenUpEscape = false;

  /** Something is held back that more input may complete, and `flush` will give up on. */
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

  /** What is held back will not be completed: an ESC was the key, a paste is what came of it. */
  flush(): TerminalInput[] {
    const pending = this.#pending;
    this.#pending = '';
    if (this.#paste !== null) return [this.#endPaste(this.#pasteTail)];
    if (pending === '\u001B') {
      this.#hasGivenUpEscape = true;
      return [{ key: 'escape' }];
    }
    // ESC and one character: Alt with one that could have begun a sequence. Longer ones were broken off.
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

/** A whole CSI or SS3 sequence without its ESC: nobody types that within one read. */
const lateRest = /^(?:\[[0-9;]*[A-Za-z~]|O[A-DFHP-S])$/;

function keyOf(character: string): string | null {
  const name = controlNames[character];
  if (name !== undefined) return name;
  const code = character.codePointAt(0) ?? 0;
  if (code <= 26) return `ctrl+${String.fromCharCode(code + 96)}`;
  // Ctrl with \ ] ^ _
  if (code < 32) return `ctrl+${String.fromCharCode(code + 64)}`;
  // C1 controls, and half a character of a read that was no UTF-8.
  if ((code >= 0x80 && code < 0xa0) || (code >= 0xd800 && code < 0xe000)) return null;
  return character;
}

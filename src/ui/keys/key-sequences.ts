/** The escape sequences that terminals send for keys and the mouse, and other ones. */

/** What the mouse does, at a cell of the screen. The first row and the first column are 0. */
export interface MouseInput {
  readonly kind: 'click' | 'wheel-up' | 'wheel-down';
  readonly row: number;
  readonly column: number;
}

export type DecodedSequence =
  | { readonly kind: 'key'; readonly key: string; readonly length: number }
  | { readonly kind: 'mouse'; readonly mouse: MouseInput; readonly length: number }
  | { readonly kind: 'paste-start'; readonly length: number }
  /** Its rest may come with the next read. */
  | { readonly kind: 'incomplete' }
  /**
   * Not a key sequence. `rest` is the character after the ESC if no sequence begins there, `''` if that is another ESC, and
   * `null` for a sequence to drop.
   */
  | { readonly kind: 'other'; readonly rest: string | null; readonly length: number };

/** By the last character of CSI and SS3 sequences. */
const byLetter: Readonly<Record<string, string>> = {
  A: 'up',
  B: 'down',
  C: 'right',
  D: 'left',
  F: 'end',
  H: 'home',
  P: 'f1',
  Q: 'f2',
  R: 'f3',
  S: 'f4',
};

/** By the number of `CSI number ~`. */
const byNumber: Readonly<Record<number, string>> = {
  1: 'home',
  2: 'insert',
  3: 'delete',
  4: 'end',
  5: 'pageup',
  6: 'pagedown',
  7: 'home',
  8: 'end',
  11: 'f1',
  12: 'f2',
  13: 'f3',
  14: 'f4',
  15: 'f5',
  17: 'f6',
  18: 'f7',
  19: 'f8',
  20: 'f9',
  21: 'f10',
  23: 'f11',
  24: 'f12',
};

/** By the code point of `CSI code u` and `CSI 27 ; modifiers ; code ~`, which some terminals send without being asked. */
const byCode: Readonly<Record<number, string>> = {
  8: 'backspace',
  9: 'tab',
  13: 'return',
  27: 'escape',
  32: 'space',
  127: 'backspace',
};

/** The number pad, if an earlier program left it in application mode. */
const byPadLetter: Readonly<Record<string, string>> = {
  M: 'return',
  j: '*',
  k: '+',
  l: ',',
  m: '-',
  n: '.',
  o: '/',
  X: '=',
};

const csi = /^\u001B\[([0-?]*)([ -/]*)([@-~])/;
const csiSoFar = /^\u001B\[[0-?]*[ -/]*/;
/** OSC, DCS, APC, PM, SOS: answers to questions that an earlier program asked. */
const string = /^\u001B[\]PX^_][^\u0007\u001B]*(?:\u0007|\u001B\\)/;
const stringSoFar = /^\u001B[\]PX^_][^\u0007\u001B]*\u001B?$/;

/** @param text begins with ESC */
export function decodeSequence(text: string): DecodedSequence {
  const second = text[1];
  switch (second) {
    case undefined:
      return { kind: 'incomplete' };
    case '\u001B':
      // The Escape key, followed by other input.
      return { kind: 'other', rest: '', length: 1 };
    case '[':
      return decodeCsi(text);
    case 'O':
      return decodeSs3(text);
    case ']':
    case 'P':
    case 'X':
    case '^':
    case '_':
      return decodeString(text);
    default: {
      const character = String.fromCodePoint(text.codePointAt(1) ?? 0);
      return { kind: 'other', rest: character, length: 1 + character.length };
    }
  }
}

function decodeCsi(text: string): DecodedSequence {
  // The Linux console's F1 to F5.
  if (text[2] === '[') {
    const letter = text[3];
    if (letter === undefined) return { kind: 'incomplete' };
    return keyOrNone(letter >= 'A' && letter <= 'E' ? `f${letter.charCodeAt(0) - 64}` : undefined, 4);
  }
  const match = csi.exec(text);
  if (match === null) {
    const length = csiSoFar.exec(text)?.[0].length ?? 2;
    // Or it was cut off by a character that can't be part of a sequence and is decoded next.
    return length === text.length ? { kind: 'incomplete' } : { kind: 'other', rest: null, length };
  }
  const [{ length }, parameters = '', between = '', final = ''] = match;
  // The oldest reports of the mouse: three bytes follow.
  if (final === 'M' && parameters === '') {
    return text.length < length + 3
      ? { kind: 'incomplete' }
      : { kind: 'other', rest: null, length: length + 3 };
  }
  const mouse = between === '' ? decodeMouse(parameters, final) : null;
  if (mouse !== null) return { kind: 'mouse', mouse, length };
  if (between !== '' || /[<=>?]/.test(parameters)) return { kind: 'other', rest: null, length };
  const numbers = parameters.split(';').map((parameter) => Number.parseInt(parameter, 10) || 0);
  if (final === '~' && numbers[0] === 200) return { kind: 'paste-start', length };
  return keyOrNone(keyOfCsi(numbers, final), length);
}

/** `button ; column ; row`, from 1. No terminal is larger. */
const mouseReport = /^<(\d{1,3});(\d{1,5});(\d{1,5})$/;
const leftButton = 0;
const modifierBits = 4 + 8 + 16;
const wheelUp = 64;
const wheelDown = 65;

/** @returns `null` if it is not a report of the mouse, or one that means nothing here: other buttons, and releases */
function decodeMouse(parameters: string, final: string): MouseInput | null {
  const report = final === 'M' ? mouseReport.exec(parameters) : null;
  if (report === null) return null;
  const [button = 0, column = 0, row = 0] = report.slice(1).map(Number);
  if (column === 0 || row === 0) return null;
  const place = { row: row - 1, column: column - 1 };
  const wheel = button & ~modifierBits;
  if (wheel === wheelUp) return { kind: 'wheel-up', ...place };
  if (wheel === wheelDown) return { kind: 'wheel-down', ...place };
  // With a modifier, a click means something else in many programs, and nothing here.
  return button === leftButton ? { kind: 'click', ...place } : null;
}

function keyOfCsi(numbers: readonly number[], final: string): string | undefined {
  const [first = 0, second = 0, third = 0] = numbers;
  if (final === '~') {
    return first === 27 ? keyOfCode(third, second) : withModifiers(byNumber[first], second);
  }
  if (final === 'u') return keyOfCode(first, second);
  if (final === 'Z') return 'shift+tab';
  // A report of the cursor's position. F3 with modifiers looks the same, but is not a key here.
  if (final === 'R') return undefined;
  return withModifiers(byLetter[final], second);
}

function decodeSs3(text: string): DecodedSequence {
  const letter = text[2];
  if (letter === undefined) return { kind: 'incomplete' };
  const digit = letter >= 'p' && letter <= 'y' ? String(letter.charCodeAt(0) - 112) : undefined;
  return keyOrNone(byLetter[letter] ?? byPadLetter[letter] ?? digit, 3);
}

function decodeString(text: string): DecodedSequence {
  const match = string.exec(text);
  if (match !== null) return { kind: 'other', rest: null, length: match[0].length };
  if (stringSoFar.test(text)) return { kind: 'incomplete' };
  // An ESC that doesn't end it begins another sequence.
  return { kind: 'other', rest: null, length: text.indexOf('\u001B', 1) };
}

function keyOfCode(code: number, modifiers: number): string | undefined {
  const name = byCode[code];
  if (name !== undefined) return withModifiers(name, modifiers);
  if (code <= 32 || code > 0x10ffff || (code >= 0xd800 && code < 0xe000)) return undefined;
  const character = String.fromCodePoint(code);
  // Bit 0 is Shift. For a character, it is either in effect already or applied here.
  const isShifted = modifiers > 0 && ((modifiers - 1) & 1) === 1;
  return withModifiers(
    isShifted ? character.toUpperCase() : character,
    isShifted ? modifiers - 1 : modifiers,
  );
}

/** @param modifiers as sent: 1 plus bits for Shift, Alt and Ctrl; other bits, such as Num Lock, are ignored */
function withModifiers(name: string | undefined, modifiers: number): string | undefined {
  if (name === undefined || modifiers <= 1) return name;
  const bits = modifiers - 1;
  return `${bits & 4 ? 'ctrl+' : ''}${bits & 2 ? 'alt+' : ''}${bits & 1 ? 'shift+' : ''}${name}`;
}

function keyOrNone(key: string | undefined, length: number): DecodedSequence {
  return key === undefined ? { kind: 'other', rest: null, length } : { kind: 'key', key, length };
}

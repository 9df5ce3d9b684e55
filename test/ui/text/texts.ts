/** Texts as hostile as jobs can make them, for properties that hold for any text. */
import fc from 'fast-check';

/** Sequences that do something to a terminal, whole and broken off. */
const sequences = [
  '\u001B[31m',
  '\u001B[0m',
  '\u001B[2J',
  '\u001B[10;10H',
  '\u001B[?1049l',
  '\u001B]0;title\u0007',
  '\u001B]52;c;aGk=\u001B\\',
  '\u001B]52;c;aGk=',
  '\u001BP1;2q',
  '\u001B_Gf=100;AAAA\u001B\\',
  '\u001Bk',
  '\u001B(0',
  '\u001Bc',
  '\u001B[',
  '\u001B[38;5',
  '\u001B',
  '\u009B31m',
  '\u009D0;title\u009C',
  '\u0090q',
  '\u009C',
  '\r',
  '\r\n',
  '\n',
  '\t',
  '\b',
  '\u0007',
  '\u000E',
  '\u007F',
  '\u0085',
  '\u2028',
  '\u202E',
  '\u2066',
  '\u200B',
  '\u200D',
  '\uFE0F',
  '\uFEFF',
  '\u00AD',
  '\u{E0001}',
  '\uD83D',
  '\uDE00',
];

/** Characters of which the width is a question. */
const characters = [
  'a',
  ' ',
  'é',
  'e\u0301',
  '\u0301',
  '漢',
  '字',
  'カ',
  '\uFF76\uFF9E',
  '한',
  '\u1112\u1161\u11AB',
  '\u1112',
  '\u1161',
  '😀',
  '👍🏽',
  '🏽',
  '👨\u200D👩\u200D👧',
  '❤\uFE0F',
  '1\uFE0F\u20E3',
  '🇩🇪',
  '🇩',
  'नि',
  'क्ष',
  'ം',
  '\u0D4E',
  'ำ',
  '…',
  '─',
  '■',
];

export const hostileTexts = fc
  .array(
    fc.oneof(
      fc.constantFrom(...sequences),
      fc.constantFrom(...characters),
      fc.string({ unit: 'grapheme', maxLength: 6 }),
      fc.string({ unit: 'binary', maxLength: 4 }),
      fc.string({ unit: 'grapheme-ascii', maxLength: 8 }),
      fc.integer({ min: 0, max: 0xffff }).map((code) => String.fromCharCode(code)),
    ),
    { maxLength: 12 },
  )
  .map((parts) => parts.join(''));

export const widths = fc.integer({ min: 0, max: 30 });

/** Anything that acts on a terminal or on the text around it. */
export const harmful = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/u;

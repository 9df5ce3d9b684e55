import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { printable } from '../../../src/ui/text/printable.ts';
import { randomCases } from '../../helpers/random-cases.ts';
import { harmful, hostileTexts } from './texts.ts';

const graphemes = new Intl.Segmenter(undefined, { granularity: 'grapheme' });

test('holds nothing that acts on a terminal or hides, whatever the text', () => {
  fc.assert(
    fc.property(hostileTexts, (text) => {
      const shown = printable(text);
      expect(shown).not.toMatch(harmful);
      expect(shown.isWellFormed()).toBe(true);
      expect(shown).not.toMatch(/^\p{M}/u);
    }),
    { numRuns: randomCases(300) },
  );
});

test('is not changed by doing it twice', () => {
  fc.assert(
    fc.property(hostileTexts, (text) => {
      expect(printable(printable(text))).toBe(printable(text));
    }),
    { numRuns: randomCases(300) },
  );
});

test('no character joins what stands before or after the text', () => {
  for (let code = 0; code <= 0xe0fff; code += 1) {
    // Planes of ideographs, and empty ones.
    if (code === 0x20000) code = 0xe0000;
    const shown = printable(String.fromCodePoint(code));
    // Flags are pairs of letters, and a pair of columns either way.
    if (shown.trim() === '' || /\p{Regional_Indicator}/u.test(shown)) continue;
    const clusters = [...graphemes.segment(`|${shown}|`)].length;
    if (clusters !== 3) throw new Error(`U+${code.toString(16)} joins`);
  }
});

describe('shows what a terminal would show of', () => {
  test.each([
    ['plain text', 'a b ~', 'a b ~'],
    ['letters of other scripts', 'Grüße, 漢字, नमस्ते', 'Grüße, 漢字, नमस्ते'],
    ['marks on letters', 'e\u0301a', 'e\u0301a'],
    ['colours', '\u001B[1;31mred\u001B[0m', 'red'],
    ['colours in eight bits', '\u009B31mred\u009B0m', 'red'],
    ['a title', '\u001B]0;owned\u0007text', 'text'],
    ['a clipboard write', 'a\u001B]52;c;aGk=\u001B\\b', 'ab'],
    ['a clipboard write in eight bits', 'a\u009D52;c;aGk=\u009Cb', 'ab'],
    ['a title without its end', 'text\u001B]0;owned', 'text'],
    ['a title that the line ends', '\u001B]0;owned\nnext', ' next'],
    ['a device control string without its end', 'text\u001BPowned', 'text'],
    ['a device control string', 'a\u001BPowned\u001B\\b', 'ab'],
    ['a clipboard write through tmux', 'a\u001BPtmux;\u001B\u001B]52;c;aGk=\u0007\u001B\\b', 'ab'],
    ['an end without its string', 'a\u001B\\b\u009Cc', 'abc'],
    ['a hyperlink', '\u001B]8;;https://a.b\u0007link\u001B]8;;\u0007', 'link'],
    ['a sequence that broke off', 'text\u001B[38;5', 'text'],
    ['an escape that broke off', 'text\u001B', 'text'],
    ['a character set', '\u001B(0lqk', 'lqk'],
    ['a reset', '\u001Bctext', 'text'],
    ['a progress bar', ' 10%\r 50%\r100%', '100%'],
    ['a progress bar that goes on', ' 10%\r 50%\r', ' 50%'],
    ['a line of Windows', 'text\r\n', 'text'],
    ['lines', 'one\ntwo\r\nthree\n', 'one two three'],
    ['lines of which one was written over', 'one\nxxx\rtwo', 'one two'],
    ['tabs', 'a\tb\t漢\tc', 'a       b       漢      c'],
    ['a tab behind colours', '\u001B[31mab\u001B[0m\tc', 'ab      c'],
    ['bells and backspaces', 'a\u0007b\bc', 'abc'],
    ['a direction override', 'user\u202Etxt.exe', 'usertxt.exe'],
    ['isolates', '\u2066a\u2069', 'a'],
    ['invisible characters', 'a\u200Bb\u00ADc\uFEFFd\u{E0041}e', 'abcde'],
    ['emoji with selectors and joiners', '❤\uFE0F 👨\u200D👩', '❤ 👨👩'],
    ['half a pair', 'a\uD83Db\uDE00', 'a\uFFFDb\uFFFD'],
    ['two halves with a sequence between', '\uD83D\u001B[m\uDE00', '\uFFFD\uFFFD'],
    ['a mark without its letter', '\u0301\u0327a', 'a'],
  ])('%s', (_, text, shown) => {
    expect(printable(text)).toBe(shown);
  });
});

test('takes time in proportion to the text, however it is made', () => {
  for (const piece of [
    '\u001B]',
    '\u001B[',
    '\u001BP0',
    '\u009D',
    '\u001B[0;',
    '\t',
    '\r',
    'a\r',
    '\u001B ',
    'é\u0301',
  ]) {
    const shown = printable(piece.repeat(200_000));
    expect(shown).not.toMatch(harmful);
  }
});

import fc from 'fast-check';
import stripAnsi from 'strip-ansi';
import { describe, expect, test } from 'vitest';
import { columns } from '../../../src/ui/text/columns.ts';
import { plainText, render, type Span } from '../../../src/ui/text/line.ts';
import { printable } from '../../../src/ui/text/printable.ts';
import { plainStyle, styleAfter } from '../../../src/ui/text/sgr.ts';
import { styledSpans, styledText, withCodes } from '../../../src/ui/text/styled-text.ts';
import { quickestMs } from '../../helpers/quickest.ts';
import { randomCases } from '../../helpers/random-cases.ts';
import { harmful, hostileTexts } from './texts.ts';

const red = styleAfter(plainStyle, '31');

function shown(raw: string, before = plainStyle): string {
  const { text, styles } = styledText(raw, before);
  return render(styledSpans(text, styles, { from: 0, to: text.length, matches: [] }), true).replaceAll(
    '\u001B',
    '~',
  );
}

describe('shows', () => {
  test.each([
    ['plain text', 'a b', 'a b'],
    ['a color', 'a\u001B[31mb\u001B[0mc', 'a~[31mb~[0mc'],
    ['a color in eight bits', 'a\u009B31mb\u009Bmc', 'a~[31mb~[0mc'],
    ['a color that stays', '\u001B[1;32ma', '~[1;32ma~[0m'],
    ['a background', '\u001B[30;43ma', '~[30;43ma~[0m'],
    ['colors without text', '\u001B[31m\u001B[32ma\u001B[0m\u001B[33m', '~[32ma~[0m'],
    ['one color twice', '\u001B[31ma\u001B[0m\u001B[31mb', '~[31mab~[0m'],
    ['a color of the 256', '\u001B[38;5;196ma', '~[91ma~[0m'],
    ['other sequences', '\u001B[2J\u001B[1;1H\u001B[31ma\u001B[K\u001B[?25l', '~[31ma~[0m'],
    ['a title that a color ends', '\u001B]0;x\u001B[31my\u0007a', '~[31mya~[0m'],
    ['a title without its end, then a color', '\u001B]0;x\u001B[31my', '~[31my~[0m'],
    ['a sequence that breaks off before a color', '\u001B[38;5\u001B[31ma', '~[31ma~[0m'],
    ['an escape before a color', '\u001B\u001B[31ma', '~[31ma~[0m'],
    ['private parameters', '\u001B[?31ma', 'a'],
    ['the control that stands for colors inside', 'a\u0080\uE000b\u001B[31m\u0080c', 'a\uE000b~[31mc~[0m'],
    ['tabs after colors', '\u001B[31mab\u001B[0m\tc', '~[31mab~[0m      c'],
    ['hidden characters at the edge of a color', 'a\u200B\u001B[31m\u200Bb', 'a~[31mb~[0m'],
    ['marks at the start of a color', 'e\u001B[31m\u0301a', 'e\u0301~[31ma~[0m'],
    [
      'a pile of marks across colors',
      `z${'\u0301\u001B[31m\u0301\u001B[32m'.repeat(9)}a`,
      `z${'\u0301'.repeat(4)}~[32ma~[0m`,
    ],
    ['half a pair on each side', '\uD83D\u001B[31m\uDE00', '\uFFFD~[31m\uFFFD~[0m'],
  ])('%s', (_, raw, expected) => {
    expect(shown(raw)).toBe(expected);
  });

  test('the style of the line before, until it changes', () => {
    expect(shown('a\u001B[1mb', red)).toBe('~[31ma~[0m~[1;31mb~[0m');
    expect(styledText('a', red)).toMatchObject({ text: 'a', after: red });
    expect(shown('a', red)).toBe('~[31ma~[0m');
    expect(styledText('a\u001B[0m', red)).toMatchObject({ after: plainStyle });
    expect(styledText('', red)).toEqual({ text: '', styles: '', after: red });
  });
});

test('lines without styles have no overhead', () => {
  expect(styledText('a\u001B[0mb\u001B[K', plainStyle)).toEqual({
    text: 'ab',
    styles: '',
    after: plainStyle,
  });
});

const styleCodes = fc.constantFrom(
  '\u001B[31m',
  '\u001B[1;42m',
  '\u009B0m',
  '\u001B[m',
  '\u001B[38;2;9;200;9m',
);
const styledTexts = fc
  .array(fc.oneof(hostileTexts, styleCodes, fc.string({ unit: 'grapheme', maxLength: 4 })), { maxLength: 8 })
  .map((parts) => parts.join(''));

const ownCodes =
  /\u001B\[(?:[1247]|[39][0-7]|4[0-7]|10[0-7])(?:;(?:[1247]|[39][0-7]|4[0-7]|10[0-7]))*m|\u001B\[0m/g;

test('the text is printable, and only codes of ours reach the terminal, whatever the output', () => {
  fc.assert(
    fc.property(styledTexts, fc.nat({ max: 2 ** 14 - 1 }), fc.boolean(), (raw, before, hasColors) => {
      const { text, styles, after } = styledText(raw, before);
      expect(printable(text)).toBe(text);
      expect(text).not.toMatch(harmful);
      expect(after).toBeLessThan(2 ** 14);
      const spans = styledSpans(text, styles, { from: 0, to: text.length, matches: [] });
      expect(plainText(spans)).toBe(text);
      const rendered = render(spans, hasColors);
      expect(rendered.replace(ownCodes, '')).toBe(text);
      expect(stripAnsi(rendered)).toBe(text);
      const whole = withCodes(text, styles, hasColors);
      expect(whole.replace(ownCodes, '')).toBe(text);
      // They differ only where a style changes within a character.
      if (/^[ -~]*$/.test(text)) expect(whole).toBe(rendered);
      if (!hasColors) expect(rendered).not.toMatch(/\u001B\[[\d;]*[3469]\d|\u001B\[[\d;]*10\d/);
    }),
    { numRuns: randomCases(500) },
  );
});

test('the text is the same as without styles, if no sequence is broken', () => {
  const piece = fc.oneof(
    styleCodes,
    fc.string({ unit: 'grapheme', maxLength: 5 }),
    fc.constantFrom('\t', '\b', '漢', 'e\u0301'),
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
      const raw = pieces.join('');
      expect(styledText(raw, plainStyle).text).toBe(printable(raw));
    }),
    { numRuns: randomCases(300) },
  );
});

test('any part keeps its text and its columns, with any matches', () => {
  fc.assert(
    fc.property(
      styledTexts,
      fc.nat({ max: 20 }),
      fc.nat({ max: 20 }),
      fc.uniqueArray(fc.nat({ max: 30 }), { maxLength: 6 }),
      (raw, first, length, ends) => {
        const { text, styles } = styledText(raw, plainStyle);
        const graphemes = [...new Intl.Segmenter(undefined, { granularity: 'grapheme' }).segment(text)];
        const from = graphemes[first]?.index ?? 0;
        const to = graphemes[first + length]?.index ?? text.length;
        const sorted = ends.toSorted((a, b) => a - b);
        const matches = sorted.flatMap((end, at): [number, number][] =>
          at % 2 === 1 ? [[sorted[at - 1] ?? 0, end]] : [],
        );
        const spans = styledSpans(text, styles, { from, to, matches });
        const part = text.slice(from, to);
        expect(plainText(spans)).toBe(printable(part));
        expect(spans.reduce((sum, { width }) => sum + width, 0)).toBe(columns(printable(part)));
      },
    ),
    { numRuns: randomCases(300) },
  );
});

test('a match is inverse, and the other way round in inverse text', () => {
  const { text, styles } = styledText('ab\u001B[7;31mcd\u001B[0mef', plainStyle);
  const spans = styledSpans(text, styles, {
    from: 0,
    to: 6,
    matches: [
      [1, 3],
      [5, 6],
    ],
  });
  const look = ({ text: own, style }: Span) =>
    `${own}${style.inverse === true ? ' inverse' : ''}${style.color === undefined ? '' : ` ${style.color}`}`;
  expect(spans.map(look)).toEqual(['a', 'b inverse', 'c red', 'd inverse red', 'e', 'f inverse']);
});

test.each([
  '\u001B[31m',
  '\u001B]0;',
  '\u001B[31mx\u0301',
  '\u009Bm',
  '\t\u001B[m',
  '\u0080\uE000',
  '\u001BP',
])('takes time in proportion to the text: %j', (unit) => {
  const cost = (length: number) => {
    const raw = unit.repeat(Math.floor(length / unit.length));
    return quickestMs(() => {
      const { text, styles } = styledText(raw, plainStyle);
      styledSpans(text, styles, { from: 0, to: text.length, matches: [] });
    });
  };
  // Eight times; 64 times if each place looks at the whole text.
  expect(cost(8_000) / cost(1_000)).toBeLessThan(30);
});

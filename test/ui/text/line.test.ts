import fc from 'fast-check';
import stripAnsi from 'strip-ansi';
import { describe, expect, test } from 'vitest';
import { columns } from '../../../src/ui/text/columns.ts';
import {
  cell,
  gap,
  lineOf,
  type Part,
  plainText,
  render,
  restyled,
  type Style,
  span,
} from '../../../src/ui/text/line.ts';
import { randomCases } from '../../helpers/random-cases.ts';
import { hostileTexts, widths } from './texts.ts';

const styles: fc.Arbitrary<Style> = fc.record(
  {
    color: fc.constantFrom('red', 'green', 'gray', 'bright-cyan'),
    background: fc.constantFrom('white', 'bright-black'),
    bold: fc.boolean(),
    dim: fc.boolean(),
    inverse: fc.boolean(),
    underline: fc.boolean(),
  },
  { requiredKeys: [] },
);

const spans = fc.tuple(hostileTexts, styles).map(([text, style]) => span(text, style));

const parts = fc.array(
  fc.oneof(
    spans,
    fc.constant(gap),
    fc.tuple(hostileTexts, widths, styles).map(([text, width, style]) => cell(text, width, style)),
  ),
  { maxLength: 6 },
);

const ownSequence = /\u001B\[[0-9;]*m/g;

describe('a line', () => {
  test('has exactly its columns, whatever is put into it', () => {
    fc.assert(
      fc.property(parts, fc.integer({ min: 0, max: 80 }), styles, (some, width, base) => {
        const line = lineOf(width, some, base);
        expect(line.reduce((sum, { text }) => sum + columns(text), 0)).toBe(width);
      }),
      { numRuns: randomCases(300) },
    );
  });

  test.each<[string, Part[], string]>([
    ['left only', [span('ab')], 'ab        '],
    ['both sides', [span('ab'), gap, span('yz')], 'ab      yz'],
    ['the middle', [span('a'), gap, span('m'), gap, span('z')], 'a   m    z'],
    ['right only', [gap, span('yz')], '        yz'],
    ['no room at the left', [span('abcdefgh'), gap, span('xyz')], 'abcde… xyz'],
    [
      'no room for the last of the left',
      [span('abcd'), span('ef'), span('gh'), gap, span('xyz')],
      'abcde… xyz',
    ],
    ['just enough room', [span('abcdef'), gap, span('xyz')], 'abcdef xyz'],
    ['no room at all', [span('ab'), gap, span('0123456789xyz')], '012345678…'],
    ['too much without a gap', [span('0123456789'), span('a')], '012345678…'],
    ['cells', [cell('abc', 4), cell('7', 4, {}, 'right'), cell('toolong', 2)], 'abc    7t…'],
    ['nothing', [], '          '],
  ])('lays out: %s', (_, some, text) => {
    expect(plainText(lineOf(10, some))).toBe(text);
  });

  test('lays its base under parts and blanks', () => {
    const line = lineOf(6, [span('a', { color: 'red' }), gap, span('b', { inverse: false })], {
      inverse: true,
    });
    expect(line.map(({ text, style }) => [text, style])).toEqual([
      ['a', { color: 'red', inverse: true }],
      ['    ', { inverse: true }],
      ['b', { inverse: false }],
    ]);
  });

  test('can be given another style', () => {
    const line = restyled([span('a', { color: 'red', bold: true }), span('b')], {
      inverse: true,
      color: undefined,
    });
    expect(render(line, true)).toBe('\u001B[1;7ma\u001B[0m\u001B[7mb\u001B[0m');
  });
});

describe('a rendered line', () => {
  test('is its text, with nothing added but our own sequences', () => {
    fc.assert(
      fc.property(fc.array(spans, { maxLength: 5 }), fc.boolean(), (line, hasColors) => {
        const rendered = render(line, hasColors);
        const text = plainText(line);
        expect(stripAnsi(rendered)).toBe(text);
        expect(rendered.replace(ownSequence, '')).toBe(text);
        expect(text).not.toContain('\u001B');
      }),
      { numRuns: randomCases(300) },
    );
  });

  test('leaves no style on', () => {
    fc.assert(
      fc.property(fc.array(spans, { maxLength: 5 }), (line) => {
        const codes = render(line, true).match(ownSequence) ?? [];
        expect(codes.at(-1) ?? '\u001B[0m').toBe('\u001B[0m');
      }),
    );
  });

  test.each<[string, Style, string]>([
    ['a colour', { color: 'red' }, '\u001B[31ma\u001B[0m'],
    ['a bright colour', { color: 'bright-blue' }, '\u001B[94ma\u001B[0m'],
    ['gray', { color: 'gray' }, '\u001B[90ma\u001B[0m'],
    ['a bright black', { color: 'bright-black' }, '\u001B[90ma\u001B[0m'],
    ['white', { color: 'white' }, '\u001B[37ma\u001B[0m'],
    [
      'all at once',
      { color: 'cyan', bold: true, dim: true, underline: true, inverse: true },
      '\u001B[1;2;4;7;36ma\u001B[0m',
    ],
    ['no style', {}, 'a'],
  ])('has the codes of %s', (_, style, rendered) => {
    expect(render([span('a', style)], true)).toBe(rendered);
  });

  test('without colours keeps weights and inversion', () => {
    const line = [
      span('a', { color: 'red' }),
      span('b', { color: 'red', bold: true, inverse: true, underline: true, dim: true }),
    ];
    expect(render(line, false)).toBe('a\u001B[1;2;4;7mb\u001B[0m');
  });

  test('says a style once for spans that share it', () => {
    const line = [
      span('a', { bold: true }),
      span('', { color: 'red' }),
      span('b', { bold: true }),
      span('c'),
    ];
    expect(render(line, true)).toBe('\u001B[1mab\u001B[0mc');
  });
});

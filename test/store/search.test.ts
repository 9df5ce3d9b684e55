import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { needleOf } from '../../src/store/search.ts';
import { randomCases } from '../helpers/random-cases.ts';

describe('a needle', () => {
  test.each([
    ['error', 'an Error', true],
    ['error', 'ERROR', true],
    ['Error', 'an Error', true],
    ['Error', 'an error', false],
    ['ärger', 'ÄRGER', true],
    ['Ä', 'ä', false],
    ['σ', 'ΟΔΟΣ ς', true],
    ['a.c', 'abc', false],
    ['a.c', 'A.C', true],
    ['[x](y)|{z}^$*+?\\/', 'so: [X](Y)|{Z}^$*+?\\/', true],
    ['', 'anything', false],
    ['', '', false],
  ])('%j in %j: %s', (needle, text, isIn) => {
    expect(needleOf(needle).isIn(text)).toBe(isIn);
    expect(needleOf(needle).rangesIn(text).length > 0).toBe(isIn);
  });

  test('finds in every line the same, however often and in whatever order it is asked', () => {
    const needle = needleOf('b');
    expect(['ab', 'b', 'xx', 'b', 'abab'].map((text) => needle.isIn(text))).toEqual([
      true,
      true,
      false,
      true,
      true,
    ]);
    expect(needle.rangesIn('b')).toEqual([[0, 1]]);
  });

  test('may be longer than any pattern; its case then matters', () => {
    const long = 'error '.repeat(100_000);
    expect(needleOf(long).rangesIn(`an ${long}`)).toEqual([[3, 3 + long.length]]);
    expect(needleOf(long).isIn(long)).toBe(true);
    expect(needleOf(long).isIn(long.toUpperCase())).toBe(false);
  });

  test('says where it is', () => {
    expect(needleOf('aa').rangesIn('aaaaa Aa')).toEqual([
      [0, 2],
      [2, 4],
      [6, 8],
    ]);
    expect(needleOf('AA').rangesIn('AAAA')).toEqual([
      [0, 2],
      [2, 4],
    ]);
    expect(needleOf('Aa').rangesIn('aaaaa AaAaa')).toEqual([
      [6, 8],
      [8, 10],
    ]);
  });

  test('is where a plain search of ASCII finds it', () => {
    const words = fc.string({ unit: fc.constantFrom('a', 'b', 'A', 'B', '.', '\\', ' '), maxLength: 12 });
    fc.assert(
      fc.property(words, words, (needle, text) => {
        const isExact = /[A-Z]/.test(needle);
        const [sought, searched] = isExact ? [needle, text] : [needle, text.toLowerCase()];
        const expected = needle !== '' && searched.includes(sought);
        expect(needleOf(needle).isIn(text)).toBe(expected);
        for (const [start, end] of needleOf(needle).rangesIn(text))
          expect(searched.slice(start, end)).toBe(sought);
      }),
      { numRuns: randomCases(1_000) },
    );
  });
});

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { characters, columns } from '../../../src/ui/text/columns.ts';
import { printable } from '../../../src/ui/text/printable.ts';
import { wrap, wrapWords } from '../../../src/ui/text/wrap.ts';
import { randomCases } from '../../helpers/random-cases.ts';
import { hostileTexts } from './texts.ts';

test('no line is wider than asked for, and together they are the text', () => {
  fc.assert(
    fc.property(hostileTexts, fc.integer({ min: 2, max: 12 }), (text, width) => {
      const lines = wrap(text, width);
      expect(lines.filter((line) => columns(line) > width)).toEqual([]);
      const whole = [...characters(text.split('\n').map(printable).join(''))];
      expect(lines.join('')).toBe(whole.map((each) => (each.width > width ? '…' : each.text)).join(''));
    }),
    { numRuns: randomCases(300) },
  );
});

test.each([
  ['abcdef', 3, ['abc', 'def']],
  ['abcdefg', 3, ['abc', 'def', 'g']],
  ['', 3, ['']],
  ['one\n\ntwo\r\n', 5, ['one', '', 'two', '']],
  ['a漢字b', 3, ['a漢', '字b']],
  ['a漢字b', 2, ['a', '漢', '字', 'b']],
  ['a漢b', 1, ['a', '…', 'b']],
  ['ab', 0, ['a', 'b']],
  ['\u001B[31mab\u001B[0mcd', 2, ['ab', 'cd']],
])('%j in %i columns', (text, width, lines) => {
  expect(wrap(text, width)).toEqual(lines);
});

test('sentences are wrapped at spaces, and words that are too long anywhere', () => {
  expect(wrapWords('one two three', 8)).toEqual(['one two', 'three']);
  expect(wrapWords('a verylongword of it', 6)).toEqual(['a', 'verylo', 'ngword', 'of it']);
  expect(wrapWords('', 6)).toEqual(['']);
  fc.assert(
    fc.property(hostileTexts, fc.integer({ min: 2, max: 12 }), (text, width) => {
      expect(wrapWords(text, width).filter((line) => columns(line) > width)).toEqual([]);
    }),
  );
});

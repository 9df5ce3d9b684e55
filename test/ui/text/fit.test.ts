import fc from 'fast-check';
import stringWidth from 'string-width';
import { describe, expect, test } from 'vitest';
import { columns, isSimple, isUndisputed } from '../../../src/ui/text/columns.ts';
import { center, cut, cutStart, fit } from '../../../src/ui/text/fit.ts';
import { printable } from '../../../src/ui/text/printable.ts';
import { randomCases } from '../../helpers/random-cases.ts';
import { harmful, hostileTexts, widths } from './texts.ts';

describe('columns', () => {
  test('are what string-width says, character by character', () => {
    for (let code = 0x20; code <= 0xffff; code += 1) {
      const character = printable(String.fromCharCode(code));
      if (character === '') continue;
      const measured = Math.max(1, stringWidth(character));
      if (columns(character) !== measured) throw new Error(`U+${code.toString(16)}: ${measured} columns`);
    }
  });

  test('of undisputed characters need no measuring: they join nothing', () => {
    const graphemes = new Intl.Segmenter(undefined, { granularity: 'grapheme' });
    const found = { simple: 0, wide: 0 };
    for (let code = 0; code <= 0xffff; code += 1) {
      const character = String.fromCharCode(code);
      if (!isUndisputed(character)) continue;
      const width = isSimple(character) ? 1 : 2;
      found[width === 1 ? 'simple' : 'wide'] += 1;
      const together = character + character;
      if (stringWidth(character) !== width || columns(together) !== 2 * width)
        throw new Error(`U+${code.toString(16)}`);
      if ([...graphemes.segment(together)].length !== 2) throw new Error(`U+${code.toString(16)} joins`);
      if (printable(character) !== character) throw new Error(`U+${code.toString(16)} is not printable`);
    }
    expect(found.simple).toBeGreaterThan(1_000);
    expect(found.wide).toBeGreaterThan(30_000);
  });

  test('of any text are what Ink makes of it', () => {
    fc.assert(
      fc.property(hostileTexts, (text) => {
        const shown = printable(text);
        expect(columns(shown)).toBe(stringWidth(shown));
      }),
      { numRuns: randomCases(300) },
    );
  });
});

describe('fit', () => {
  test('gives exactly the width, of any text', () => {
    fc.assert(
      fc.property(hostileTexts, widths, fc.constantFrom('left', 'right', 'center'), (text, width, align) => {
        const shown = fit(text, width, align);
        expect(columns(shown)).toBe(width);
        expect(shown).not.toMatch(harmful);
      }),
      { numRuns: randomCases(300) },
    );
  });

  test('changes nothing but the blanks of a text that has room', () => {
    fc.assert(
      fc.property(hostileTexts, fc.constantFrom('left', 'right', 'center'), (text, align) => {
        const shown = printable(text);
        expect(fit(text, columns(shown) + 5, align).trim()).toBe(shown.trim());
      }),
    );
  });

  test.each([
    ['abc', 5, 'abc  '],
    ['abc', 3, 'abc'],
    ['abcdef', 4, 'abc…'],
    ['abcdef', 1, '…'],
    ['abcdef', 0, ''],
    ['abcdef', -3, ''],
    ['abcdef', 3.9, 'ab…'],
    ['abcdef', Number.NaN, ''],
    ['漢字', 4, '漢字'],
    ['漢字', 3, '漢…'],
    ['漢字かな', 4, '漢… '],
    ['漢', 1, '…'],
    ['e\u0301e\u0301e\u0301', 2, 'e\u0301…'],
    ['Größe', 4, 'Grö…'],
  ])('of %j in %s columns is %j', (text, width, shown) => {
    expect(fit(text, width)).toBe(shown);
  });

  test('aligns', () => {
    expect(fit('42', 5, 'right')).toBe('   42');
    expect(center('ab', 5)).toBe(' ab  ');
    expect(center('abcdef', 3)).toBe('ab…');
  });
});

describe('cut', () => {
  test('keeps the start of any text, within the width', () => {
    fc.assert(
      fc.property(hostileTexts, widths, (text, width) => {
        const shown = cut(text, width);
        const whole = printable(text);
        expect(columns(shown)).toBeLessThanOrEqual(width);
        if (columns(whole) <= width) expect(shown).toBe(whole);
        else if (width > 0) expect(whole.startsWith(shown.slice(0, -1)) && shown.endsWith('…')).toBe(true);
      }),
      { numRuns: randomCases(300) },
    );
  });
});

describe('cutStart', () => {
  test('keeps the end of any text, within the width', () => {
    fc.assert(
      fc.property(hostileTexts, widths, (text, width) => {
        const shown = cutStart(text, width);
        const whole = printable(text);
        expect(columns(shown)).toBeLessThanOrEqual(width);
        if (columns(whole) <= width) expect(shown).toBe(whole);
        else if (width > 0) expect(whole.endsWith(shown.slice(1)) && shown.startsWith('…')).toBe(true);
      }),
      { numRuns: randomCases(300) },
    );
  });

  test('wastes no column', () => {
    expect(cutStart('/var/lib/jobs/mail.sh', 10)).toBe('…s/mail.sh');
    expect(cutStart('漢字かな', 4)).toBe('…な');
    expect(cutStart('漢字かな', 5)).toBe('…かな');
  });
});

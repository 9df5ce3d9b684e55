import { expect, test } from 'vitest';
import type { Style } from '../../../src/ui/text/line.ts';
import { plainStyle, styleAfter, styleOf } from '../../../src/ui/text/sgr.ts';

/** What differs from plain text, after some sequences. */
function after(...sequences: string[]): Style {
  const style = styleOf(sequences.reduce(styleAfter, plainStyle));
  return Object.fromEntries(
    Object.entries(style).filter(([, value]) => value !== false && value !== undefined),
  );
}

test.each<[string, string[], Style]>([
  ['weights', ['1', '4', '7'], { bold: true, underline: true, inverse: true }],
  ['several in one', ['1;2;31;42'], { bold: true, dim: true, color: 'red', background: 'green' }],
  ['bright colors', ['93;104'], { color: 'bright-yellow', background: 'bright-blue' }],
  ['black and the last color', ['30;107'], { color: 'black', background: 'bright-white' }],
  ['a reset', ['1;31', '0'], {}],
  ['a reset without a number', ['1;31', ''], {}],
  ['a reset in the middle', ['1;0;31'], { color: 'red' }],
  ['an empty number in the middle', ['1;;31'], { color: 'red' }],
  ['ends of weights', ['1;2;4;7', '22;24;27'], {}],
  ['default colors', ['31;42', '39;49'], {}],
  ['underlines of several kinds', ['21'], { underline: true }],
  ['a wavy underline', ['4:3'], { underline: true }],
  ['no underline, as a kind of it', ['4', '4:0'], {}],
  ['one of 256: the sixteen', ['38;5;1;48;5;12'], { color: 'red', background: 'bright-blue' }],
  ['one of 256: the cube', ['38;5;196'], { color: 'bright-red' }],
  ['one of 256: orange', ['38;5;208'], { color: 'bright-yellow' }],
  ['one of 256: dark colors', ['38;5;52;48;5;23'], { color: 'red', background: 'cyan' }],
  ['one of 256: grays', ['38;5;232;48;5;242'], { color: 'black', background: 'bright-black' }],
  ['one of 256: light grays', ['38;5;250;48;5;255'], { color: 'white', background: 'bright-white' }],
  ['true color', ['38;2;255;90;80'], { color: 'bright-red' }],
  ['a light hue', ['38;2;255;175;175'], { color: 'bright-red' }],
  ['a true background', ['48;2;0;0;120'], { background: 'blue' }],
  ['colons', ['38:5:2;1'], { color: 'green', bold: true }],
  ['colons, true color', ['38:2:0:160:160;1'], { color: 'cyan', bold: true }],
  ['colons with a color space', ['38:2::160:0:160;1'], { color: 'magenta', bold: true }],
  ['the color of underlines', ['58;5;1;1'], { bold: true }],
  ['the true color of underlines', ['58;2;1;31;42;1'], { bold: true }],
  ['what nothing shows: italics, blinking, hidden, fonts', ['3;5;6;8;9;11;53'], {}],
  ['numbers that mean nothing', ['999;38;5;256;38;5;-1;48;2;1;2;300'], {}],
  ['a color that broke off', ['38;5'], {}],
  ['text in the color of its background stays readable', ['31;41'], { color: 'red' }],
])('%s', (_, sequences, style) => {
  expect(after(...sequences)).toEqual(style);
});

test('a style takes two bytes', () => {
  expect(styleAfter(plainStyle, '1;2;4;7;97;107')).toBeLessThan(2 ** 16);
});

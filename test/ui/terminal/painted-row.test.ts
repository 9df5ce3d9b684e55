import xterm from '@xterm/headless';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { paintedRow } from '../../../src/ui/terminal/painted-row.ts';
import { fit } from '../../../src/ui/text/fit.ts';
import { cell, lineOf, render, span } from '../../../src/ui/text/line.ts';
import { randomCases } from '../../helpers/random-cases.ts';
import { harmful, hostileTexts } from '../text/texts.ts';

const width = 20;

/** A screen of 20 columns with X everywhere, over whose first row these are painted one after the other. */
async function screenAfter(...lines: string[]): Promise<xterm.Terminal> {
  const terminal = new xterm.Terminal({ cols: width, rows: 3, allowProposedApi: true });
  const rows = lines.map((line) => `\u001B[1;1H${paintedRow(line, width)}`);
  await new Promise<void>((resolve) => {
    terminal.write(`\u001B[?7l${'X'.repeat(width)}\r\n${'Y'.repeat(width)}${rows.join('')}`, resolve);
  });
  return terminal;
}

function row(terminal: xterm.Terminal, index: number): string {
  return terminal.buffer.active.getLine(index)?.translateToString(false, 0, width) ?? '';
}

/** The text of one cell. */
function at(terminal: xterm.Terminal, column: number): string {
  return terminal.buffer.active.getLine(0)?.getCell(column)?.getChars() ?? '';
}

describe('a painted row', () => {
  test.each([
    ['a short text', 'abc', 'abc'.padEnd(width)],
    ['a full row', 'a'.repeat(width), 'a'.repeat(width)],
    ['a row that is too wide', `${'a'.repeat(width)}b`, `${'a'.repeat(width - 1)}b`],
    ['nothing', '', ' '.repeat(width)],
    ['colours', '\u001B[31mab\u001B[39mc', 'abc'.padEnd(width)],
  ])('leaves nothing of what stood there: %s', async (_, line, shown) => {
    const terminal = await screenAfter(line);
    expect(row(terminal, 0)).toBe(shown);
    expect(row(terminal, 1)).toBe('Y'.repeat(width));
  });

  test('leaves no style on', async () => {
    const terminal = await screenAfter('\u001B[7mab', 'c');
    expect(terminal.buffer.active.getLine(0)?.getCell(0)?.isInverse()).toBe(0);
    expect(terminal.buffer.active.getLine(0)?.getCell(1)?.isInverse()).toBe(0);
  });

  // xterm gives one column to emoji, we give two: as good as any terminal that counts in another way than we do.
  test.each([
    '😀',
    '👍🏽',
    '❤',
    '1\u20E3',
    '🇩🇪',
    'नि',
    'क्ष',
    'ำ',
    '\u1112\u1161\u11AB',
    '漢',
    'é',
    'e\u0301',
  ])('keeps its columns after %s, also over a longer one', async (character) => {
    const line = render(lineOf(width, [cell(character, 4), span('|'), cell(character, 5), span('|')]), true);
    const terminal = await screenAfter('ABCDEFGHIJKLMNOPQRST', line);
    expect([at(terminal, 4), at(terminal, 10)]).toEqual(['|', '|']);
    expect(row(terminal, 0)).not.toMatch(/[A-Z]/);
    expect(row(terminal, 1)).toBe('Y'.repeat(width));
  });

  test('says where it is only where it has to', () => {
    expect(paintedRow('漢字 Größe ─■● カナ 한국', 40)).toBe('漢字 Größe ─■● カナ 한국\u001B[K');
    expect(paintedRow('a😀b', 40)).toBe('\u001B[2Ka😀\u001B[4Gb');
  });

  test('holds nothing that acts on the terminal but its own codes, whatever the text', () => {
    fc.assert(
      fc.property(hostileTexts, (text) => {
        // Ink hands over lines, so that a text has no breaks.
        const painted = paintedRow(text.replaceAll('\n', ' '), width);
        const rest = painted.replaceAll(/\u001B\[(?:[\d;:]*m|\d+G|2?K)/g, '');
        if (/[\p{Cc}\p{Cs}\u202A-\u202E\u2066-\u2069]/u.test(rest.toWellFormed()))
          throw new Error(JSON.stringify(painted));
      }),
      { numRuns: randomCases(300) },
    );
  });

  test('never spills into the next row, whatever the text', async () => {
    await fc.assert(
      fc.asyncProperty(hostileTexts, async (text) => {
        const terminal = await screenAfter(fit(text, width));
        expect(row(terminal, 1)).toBe('Y'.repeat(width));
        expect(row(terminal, 0)).not.toMatch(harmful);
        terminal.dispose();
      }),
      { numRuns: randomCases(100) },
    );
  });
});

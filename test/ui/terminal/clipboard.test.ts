import { describe, expect, test } from 'vitest';
import { clipboardWrite } from '../../../src/ui/terminal/clipboard.ts';
import { hasColors } from '../../../src/ui/text/line.ts';

const base64 = (text: string) => Buffer.from(text).toString('base64');

describe('a clipboard write', () => {
  test('holds the text as base64', () => {
    expect(clipboardWrite('Grüße\u0007\u001B', {})).toEqual({
      sequence: `\u001B]52;c;${base64('Grüße\u0007\u001B')}\u0007`,
      isCut: false,
      caveat: null,
    });
  });

  test('fills a sequence of 100,000 bytes, and no more', () => {
    const fitting = clipboardWrite('x'.repeat(74_994), {});
    expect(fitting.isCut).toBe(false);
    expect(fitting.sequence).toHaveLength(100_000);
    const cut = clipboardWrite('x'.repeat(74_995), {});
    expect(cut).toMatchObject({ sequence: fitting.sequence, isCut: true });
  });

  test('cuts between characters', () => {
    const { sequence } = clipboardWrite(`xx${'漢'.repeat(30_000)}`, {});
    const text = Buffer.from(sequence.slice(7, -1), 'base64').toString();
    expect(text).toBe(`xx${'漢'.repeat(24_997)}`);
  });

  test('is sent to tmux, and through it', () => {
    const { sequence, caveat } = clipboardWrite('hi', { TMUX: '/tmp/tmux-0/default,1,0' });
    expect(caveat).toBe('tmux needs set-clipboard on');
    expect(sequence).toBe('\u001B]52;c;aGk=\u0007\u001BPtmux;\u001B\u001B]52;c;aGk=\u0007\u001B\\');
  });

  test('goes through screen in short pieces', () => {
    const { sequence } = clipboardWrite('x'.repeat(1_000), { STY: '1.pts-0' });
    const pieces = sequence.split(/(?<=\u001B\\)/);
    expect(pieces.length).toBeGreaterThan(1);
    for (const piece of pieces) {
      expect(piece.length).toBeLessThan(768);
      expect(piece).toMatch(/^\u001BP[^\\]+\u001B\\$/);
    }
    const together = pieces.map((piece) => piece.slice(2, -2)).join('');
    expect(together).toBe(clipboardWrite('x'.repeat(1_000), {}).sequence);
  });

  test('takes empty variables for unset ones', () => {
    expect(clipboardWrite('hi', { TMUX: '', STY: '' })).toEqual(clipboardWrite('hi', {}));
  });
});

test.each([
  [{ TERM: 'xterm-256color' }, true],
  [{}, true],
  [{ NO_COLOR: '' }, true],
  [{ NO_COLOR: '1' }, false],
  [{ NO_COLOR: '0' }, false],
  [{ TERM: 'dumb' }, false],
])('with %j, colours: %s', (env, expected) => {
  expect(hasColors(env)).toBe(expected);
});

import xterm from '@xterm/headless';
import { describe, expect, test } from 'vitest';
import { themes } from '../../scripts/screenshots/themes.mjs';
import { toSvg } from '../../scripts/screenshots/to-svg.mjs';

async function pictureOf(text: string, options: { theme?: 'dark' | 'light' } = {}): Promise<string> {
  const terminal = new xterm.Terminal({ cols: 20, rows: 4, allowProposedApi: true });
  await new Promise<void>((resolve) => {
    terminal.write(text.replaceAll('\n', '\r\n'), resolve);
  });
  return toSvg(terminal, { title: 'a <title>', ...options });
}

/** The texts of a picture: where each begins, in columns of the terminal, and what it says. */
function textsOf(svg: string): [number, string][] {
  return Array.from(svg.matchAll(/<text x="([\d.]+)"[^>]*>([^<]*)/g), ([, x, text]) => [
    Math.round((Number(x) - 12) / 8.4),
    text ?? '',
  ]);
}

/** What the path draws: a line for each move. */
function strokesOf(svg: string): string[] {
  return Array.from(svg.matchAll(/ d="([^"]*)"/g), ([, data = '']) => data.split(/(?=M)/)).flat();
}

describe('text', () => {
  test('begins at its columns and is as wide as they are', async () => {
    const svg = await pictureOf('  one two   three');
    expect(textsOf(svg)).toEqual([
      [2, 'one two'],
      [12, 'three'],
    ]);
    expect(svg).toContain('textLength="58.8">one two<');
  });

  test('is one piece as long as its style is the same', async () => {
    const svg = await pictureOf(
      '\u001B[31mred \u001B[31;1mbold\u001B[0mplain\u001B[2mdim\u001B[0m\u001B[4m un \u001B[0m',
    );
    expect(textsOf(svg)).toEqual([
      [0, 'red'],
      [4, 'bold'],
      [8, 'plain'],
      [13, 'dim'],
      [16, ' un '],
    ]);
    expect(svg).toContain(` fill="${themes.dark.colors[1]}">red<`);
    expect(svg).toContain(` class="b" fill="${themes.dark.colors[1]}">bold<`);
    expect(svg).toContain(' class="d">dim<');
    expect(svg).toContain(' class="u"> un <');
    // The picture's own.
    expect(svg).toMatch(/textLength="42">plain</);
  });

  test('of wide characters takes two columns each', async () => {
    const svg = await pictureOf('a漢字b');
    expect(textsOf(svg)).toEqual([
      [0, 'a'],
      [1, '漢字'],
      [5, 'b'],
    ]);
    expect(svg).toContain('textLength="33.6">漢字<');
  });

  test('is no markup', async () => {
    const svg = await pictureOf('<b>&amp;');
    expect(svg).toContain('>&lt;b&gt;&amp;amp;<');
    expect(svg).toContain('<title>a &lt;title&gt;</title>');
  });
});

describe('boxes', () => {
  test('are strokes that meet', async () => {
    const strokes = strokesOf(await pictureOf('┏━━┓\n┃  ┃\n┗━━┛'));
    // From the middle of one corner's cell to its edge, where the line begins, which ends where the other begins.
    expect(strokes).toContain('M16.2 21H20.4');
    expect(strokes).toContain('M20.4 21H37.2');
    expect(strokes).toContain('M41.4 21H37.2');
    // Down to where the next row begins.
    expect(strokes).toContain('M16.2 20V30');
    expect(strokes).toContain('M16.2 30V48');
    expect(strokes).toContain('M16.2 48V58');
  });

  test('of one look are one path', async () => {
    const svg = await pictureOf('╭──╮\n│▁█│\n╰──╯■□');
    expect(svg.match(/<path /g)).toHaveLength(2);
    expect(textsOf(svg)).toEqual([]);
  });
});

describe('colours', () => {
  test('of the theme', async () => {
    const dark = await pictureOf('\u001B[32mgreen');
    const light = await pictureOf('\u001B[32mgreen', { theme: 'light' });
    expect(dark).toContain(`fill="${themes.dark.background}"`);
    expect(light).toContain(`fill="${themes.light.background}"`);
    expect(light).toContain(`fill="${themes.light.colors[2]}">green<`);
  });

  test('change places where they are inverse, in one area', async () => {
    const svg = await pictureOf('ab\u001B[7mcd \u001B[1mef\u001B[0mgh');
    const { background, foreground } = themes.dark;
    expect(svg.match(/<rect /g)).toHaveLength(2);
    expect(svg).toContain(`<rect x="28.8" y="12" width="42" height="18" fill="${foreground}"/>`);
    expect(svg).toContain(` fill="${background}">cd<`);
  });

  test('beyond the sixteen are refused', async () => {
    await expect(pictureOf('\u001B[38;5;200mx')).rejects.toThrow('not one of the 16');
  });
});

test('the same screen gives the same picture, and a small one', async () => {
  const text = '┏━━ title ━━┓\n┃ \u001B[33mtext\u001B[0m      ┃';
  const svg = await pictureOf(text);
  expect(await pictureOf(text)).toBe(svg);
  expect(svg.length).toBeLessThan(1_600);
});

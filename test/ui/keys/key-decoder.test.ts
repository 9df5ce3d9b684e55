import { PassThrough } from 'node:stream';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { KeyDecoder, type TerminalInput } from '../../../src/ui/keys/key-decoder.ts';
import { KeyReader, typedText } from '../../../src/ui/keys/key-reader.ts';
import { randomCases } from '../../helpers/random-cases.ts';

/** Names of keys, pastes in brackets, and what the mouse does in parentheses, with row and column. */
function shown(inputs: readonly TerminalInput[]): string[] {
  return inputs.map((input) => {
    if ('key' in input) return input.key;
    if ('paste' in input) return `<${input.paste}>`;
    const { kind, row, column } = input.mouse;
    return `(${kind} ${row} ${column})`;
  });
}

function decoded(...chunks: string[]): string[] {
  const decoder = new KeyDecoder();
  return shown([...chunks.flatMap((chunk) => decoder.push(chunk)), ...decoder.flush()]);
}

/** What terminals send, and what it is. */
const keys: [string, string][] = [
  ['a', 'a'],
  ['J', 'J'],
  ['?', '?'],
  ['ß', 'ß'],
  ['漢', '漢'],
  ['😀', '😀'],
  [' ', 'space'],
  ['\r', 'return'],
  ['\n', 'return'],
  ['\t', 'tab'],
  ['\u001B[Z', 'shift+tab'],
  ['\u007F', 'backspace'],
  ['\b', 'backspace'],
  ['\u001B[3~', 'delete'],
  ['\u001B[2~', 'insert'],
  ['\u001B[A', 'up'],
  ['\u001BOB', 'down'],
  ['\u001B[C', 'right'],
  ['\u001BOD', 'left'],
  ['\u001B[5~', 'pageup'],
  ['\u001B[6~', 'pagedown'],
  ['\u001B[H', 'home'],
  ['\u001BOH', 'home'],
  ['\u001B[1~', 'home'],
  ['\u001B[7~', 'home'],
  ['\u001B[F', 'end'],
  ['\u001BOF', 'end'],
  ['\u001B[4~', 'end'],
  ['\u001B[8~', 'end'],
  ['\u0003', 'ctrl+c'],
  ['\u0004', 'ctrl+d'],
  ['\u0015', 'ctrl+u'],
  ['\u001A', 'ctrl+z'],
  ['\u001C', 'ctrl+\\'],
  ['\u0000', 'ctrl+space'],
  ['\u001Bx', 'alt+x'],
  ['\u001B\r', 'alt+return'],
  ['\u001B\u007F', 'alt+backspace'],
  ['\u001B\u0001', 'ctrl+alt+a'],
  ['\u001Bü', 'alt+ü'],
  ['\u001B[1;5A', 'ctrl+up'],
  ['\u001B[1;2B', 'shift+down'],
  ['\u001B[1;3C', 'alt+right'],
  ['\u001B[1;8D', 'ctrl+alt+shift+left'],
  ['\u001B[3;5~', 'ctrl+delete'],
  ['\u001BOP', 'f1'],
  ['\u001B[[B', 'f2'],
  ['\u001B[15~', 'f5'],
  ['\u001B[24~', 'f12'],
  ['\u001B[13;2u', 'shift+return'],
  ['\u001B[27u', 'escape'],
  ['\u001B[99;5u', 'ctrl+c'],
  ['\u001B[97;2u', 'A'],
  ['\u001B[27;5;105~', 'ctrl+i'],
  ['\u001BOM', 'return'],
  ['\u001BOk', '+'],
  ['\u001BOt', '4'],
];

/** What terminals send for the mouse, in their numbers from 1. */
const mouse: [string, string][] = [
  ['\u001B[<0;12;7M', '(click 6 11)'],
  ['\u001B[<0;1;1M', '(click 0 0)'],
  ['\u001B[<0;300;120M', '(click 119 299)'],
  ['\u001B[<64;12;7M', '(wheel-up 6 11)'],
  ['\u001B[<65;12;7M', '(wheel-down 6 11)'],
  ['\u001B[<69;12;7M', '(wheel-down 6 11)'],
  ['\u001B[<80;12;7M', '(wheel-up 6 11)'],
];

/** What terminals send unasked, or in answer to somebody who has gone. */
const reports = [
  '\u001B[?62;22c',
  '\u001B[>41;354;0c',
  '\u001B[12;40R',
  '\u001B[?2026;2$y',
  '\u001B[I',
  '\u001B[O',
  // Of the mouse: releases, other buttons, moves, clicks with Shift and Ctrl, and ones that can't be.
  '\u001B[<0;12;7m',
  '\u001B[<1;12;7M',
  '\u001B[<2;12;7M',
  '\u001B[<32;12;7M',
  '\u001B[<35;12;7M',
  '\u001B[<4;12;7M',
  '\u001B[<16;12;7M',
  '\u001B[<66;12;7M',
  '\u001B[<128;12;7M',
  '\u001B[<0;0;7M',
  '\u001B[<0;12M',
  '\u001B[<0;12;7;1M',
  '\u001B[<;;M',
  '\u001B[<0;99999999;7M',
  '\u001B[M !!',
  '\u001B[?1u',
  '\u001B]11;rgb:0000/0000/0000\u0007',
  '\u001B]11;rgb:0000/0000/0000\u001B\\',
  '\u001BP1$r0m\u001B\\',
  '\u001B_Gi=1;OK\u001B\\',
  '\u001B[999~',
  '\u001B[201~',
  '\u0080',
  '\u009B',
];

describe('a key', () => {
  test.each(keys)('%j is %s', (bytes, key) => {
    expect(decoded(bytes)).toEqual([key]);
  });

  test('Escape is an ESC that nothing follows', () => {
    const decoder = new KeyDecoder();
    expect(decoder.push('\u001B')).toEqual([]);
    expect(decoder.waitsFor).toBe('escape');
    expect(decoder.flush()).toEqual([{ key: 'escape' }]);
    expect(decoder.waitsFor).toBe('nothing');
    expect(decoded('\u001B\u001B')).toEqual(['escape', 'escape']);
    expect(decoded('\u001B\u001B[A')).toEqual(['escape', 'up']);
  });

  test.each(['[', 'O', ']', 'P', '_'])('Alt with %s is known when nothing follows', (character) => {
    expect(decoded(`\u001B${character}`)).toEqual([`alt+${character}`]);
  });

  test('is not made of the rest of a sequence whose ESC was given up on', () => {
    const decoder = new KeyDecoder();
    decoder.push('\u001B');
    decoder.flush();
    expect(decoder.push('[A')).toEqual([{ key: 'up' }]);
    expect(shown(decoder.push('[A'))).toEqual(['[', 'A']);
    decoder.push('\u001B');
    decoder.flush();
    expect(shown([...decoder.push('['), ...decoder.push('A')])).toEqual(['[', 'A']);
  });
});

describe('the mouse', () => {
  test.each(mouse)('%j is %s', (bytes, input) => {
    expect(decoded(`a${bytes}b`)).toEqual(['a', input, 'b']);
  });

  test('types no digits if its reports are divided after an ESC that was given up on', () => {
    const decoder = new KeyDecoder();
    decoder.push('\u001B');
    decoder.flush();
    expect(decoder.push('[<0;1')).toEqual([]);
    expect(shown(decoder.push('2;7M\u001B[<0;12;7mj'))).toEqual(['(click 6 11)', 'j']);
  });

  test('floods the decoder without effect on the keys in between', () => {
    const flood = '\u001B[<64;12;7M'.repeat(10_000);
    const inputs = decoded(`${flood}j${flood}`);
    expect(inputs).toHaveLength(20_001);
    expect(inputs[10_000]).toBe('j');
    expect(decoded(`\u001B[<${'1'.repeat(10_000)}`, 'j')).toEqual(['j']);
  });
});

test.each(reports)('the report %j is dropped', (report) => {
  expect(decoded(`a${report}b`)).toEqual(['a', 'b']);
});

test('a sequence that was broken off does not take the next key with it', () => {
  expect(decoded('\u001B[1;\u001B[A')).toEqual(['up']);
  expect(decoded('\u001B[1;5')).toEqual([]);
  expect(decoded('\u001B]11;rgb\u001B[A')).toEqual(['up']);
});

test('keys are the same however the reads divide them', () => {
  const parts = fc.oneof(
    fc.constantFrom(...keys, ...mouse),
    fc.constantFrom(...reports.map((report): [string, string | null] => [report, null])),
    fc
      .string({ unit: 'grapheme-ascii', minLength: 1, maxLength: 20 })
      .map((text): [string, string] => [`\u001B[200~${text}\u001B[201~`, `<${text}>`]),
  );
  fc.assert(
    fc.property(
      fc.array(parts, { maxLength: 12 }),
      fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1 }),
      (some, sizes) => {
        const bytes = some.map(([each]) => each).join('');
        const chunks: string[] = [];
        for (let at = 0, turn = 0; at < bytes.length; turn += 1) {
          let end = at + (sizes[turn % sizes.length] ?? 1);
          // The stream's decoder never divides a character.
          if (/[\uD800-\uDBFF]$/.test(bytes.slice(at, end))) end += 1;
          chunks.push(bytes.slice(at, end));
          at = end;
        }
        expect(decoded(...chunks)).toEqual(some.map(([, key]) => key).filter((key) => key !== null));
      },
    ),
    { numRuns: randomCases(200) },
  );
});

test('whatever comes, no key holds a control character, and little is held back', () => {
  const pieces = fc.oneof(
    fc.constantFrom(
      '\u001B',
      '[',
      'O',
      ']',
      'P',
      ';',
      '200~',
      '201~',
      '\u0007',
      'A',
      '~',
      '\u001B[M',
      '\u001B[<',
      '0;1;1M',
    ),
    fc.string({ unit: 'binary', maxLength: 5 }),
  );
  fc.assert(
    fc.property(fc.array(pieces, { maxLength: 30 }), (chunks) => {
      const inputs = decoded(...chunks).filter((name) => !name.startsWith('<'));
      expect(inputs.filter((key) => /[\p{Cc}\p{Cs}]/u.test(key))).toEqual([]);
    }),
    { numRuns: randomCases(200) },
  );
  const decoder = new KeyDecoder();
  for (let turn = 0; turn < 100; turn += 1)
    decoder.push(`${turn === 0 ? '\u001B]' : ''}${'x'.repeat(1_000)}`);
  expect(decoder.push('j')).toEqual([{ key: 'j' }]);
});

describe('a paste', () => {
  test('is one input, whatever it holds', () => {
    expect(decoded('a\u001B[200~q\u001B[A\u0003\r\nx\ry\u001B[201~b')).toEqual([
      'a',
      '<q\u001B[A\u0003\nx\ny>',
      'b',
    ]);
  });

  test('is cut where it is too long for anything', () => {
    const decoder = new KeyDecoder();
    decoder.push('\u001B[200~');
    for (let turn = 0; turn < 30; turn += 1) decoder.push('x'.repeat(100_000));
    const [input] = decoder.push('\u001B[201~');
    expect(input).toEqual({ paste: 'x'.repeat(1024 * 1024) });
  });

  test('that has no end is given up on', () => {
    const decoder = new KeyDecoder();
    decoder.push('\u001B[200~abc');
    expect(decoder.waitsFor).toBe('paste');
    expect(shown(decoder.flush())).toEqual(['<abc>']);
    expect(shown(decoder.push('j'))).toEqual(['j']);
  });
});

test.each<[TerminalInput, string | null]>([
  [{ key: 'a' }, 'a'],
  [{ key: '😀' }, '😀'],
  [{ key: 'space' }, ' '],
  [{ key: 'up' }, null],
  [{ key: 'ctrl+u' }, null],
  [{ paste: 'two\nlines\u001B[31m' }, 'two lines'],
])('%j adds %j to a text', (input, text) => {
  expect(typedText(input)).toBe(text);
});

describe('the reader', () => {
  let stdin: PassThrough;
  let inputs: TerminalInput[];
  let reader: KeyReader;

  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    stdin = new PassThrough();
    inputs = [];
    reader = new KeyReader(stdin as unknown as NodeJS.ReadStream, (input) => inputs.push(input));
    reader.start();
  });

  afterEach(() => {
    reader.stop();
    vi.useRealTimers();
  });

  /** Each of these comes with a read of its own. */
  async function read(...chunks: (string | Buffer)[]): Promise<string[]> {
    await new Promise(setImmediate);
    for (const chunk of chunks) {
      stdin.write(chunk);
      await new Promise(setImmediate);
    }
    return shown(inputs.splice(0));
  }

  test('waits 40 ms for what may follow an ESC', async () => {
    expect(await read('\u001B')).toEqual([]);
    vi.advanceTimersByTime(39);
    expect(await read('[A')).toEqual(['up']);
    await read('\u001B');
    vi.advanceTimersByTime(40);
    expect(await read()).toEqual(['escape']);
  });

  test('waits longer for the rest of a sequence that has begun', async () => {
    await read('\u001B[');
    vi.advanceTimersByTime(400);
    expect(await read('1;5', 'A')).toEqual(['ctrl+up']);
    await read('\u001B[1;');
    vi.advanceTimersByTime(500);
    expect(await read('j')).toEqual(['j']);
  });

  test('does not wait for ever for the end of a paste', async () => {
    await read('\u001B[200~a');
    vi.advanceTimersByTime(4_900);
    await read('b');
    vi.advanceTimersByTime(5_000);
    expect(await read('j')).toEqual(['<ab>', 'j']);
  });

  test('puts a divided character together', async () => {
    const [first = 0, ...rest] = Buffer.from('漢');
    expect(await read(Buffer.from([first]), Buffer.from(rest))).toEqual(['漢']);
  });

  test('hears nothing once it has stopped', async () => {
    await read('\u001B');
    reader.stop();
    vi.advanceTimersByTime(1_000);
    expect(await read('j')).toEqual([]);
    reader.start();
    expect(await read()).toEqual(['j']);
  });
});

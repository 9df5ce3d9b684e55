/** The lines that a persistent child writes to its descriptor for results. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  breaches,
  type JobResult,
  ResultLines,
  readResult,
} from '../../../src/engine/process/result-lines.ts';

const read = (text: string | Buffer) => readResult(Buffer.from(text));

describe('a line', () => {
  test.each(['{"ok":true}', ' { "ok" : true } \r', '{"ok":true,"exception":"E","more":[1]}'])(
    '%j is a success',
    (text) => {
      expect(read(text)).toEqual({ kind: 'success', told: JSON.parse(text) });
    },
  );

  test.each<[string, Record<string, unknown>]>([
    ['{"exception":"E","error":"x","backtrace":["a:1"]}', { exception: 'E', error: 'x', backtrace: ['a:1'] }],
    ['{"error":"only words"}', { error: 'only words' }],
    ['{"exception":"E"}', { exception: 'E' }],
    ['{"exception":null}', { exception: null }],
    ['{"ok":false,"error":{"status":503}}', { ok: false, error: { status: 503 } }],
    ['{"error":"x","more":1}', { error: 'x', more: 1 }],
  ])('%s is a failure, passed on unchanged', (text, told) => {
    expect(read(text)).toEqual({ kind: 'failure', told });
  });

  test.each([
    ['', '""'],
    [' \r', '""'],
    ['hello', 'hello'],
    ['{"ok":true', '{"ok":true'],
    ['{}', '{}'],
    ['{"ok":1}', '{"ok":1}'],
    ['{"ok":"true"}', '{"ok":"true"}'],
    ['{"backtrace":[]}', '{"backtrace":[]}'],
    ['[{"ok":true}]', '[{"ok":true}]'],
    ['null', 'null'],
    ['true', 'true'],
    ['"ok"', '"ok"'],
    ['{"ok":true}{"ok":true}', '{"ok":true}{"ok":true}'],
  ])('%j is not a result, and the message shows it', (text, shown) => {
    expect(read(text)).toEqual({
      kind: 'breach',
      sentence: `wrote to descriptor 3 what is no result: ${shown}`,
    });
  });

  test('that is not a result is shortened in the message', () => {
    const result = read('x'.repeat(100_000));
    expect(result.kind === 'breach' && result.sentence.length).toBeLessThan(300);
  });

  test('of any bytes is a success, a failure or a breach', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.uint8Array(),
          fc.json().map((text) => Buffer.from(text)),
        ),
        (bytes) => {
          expect(['success', 'failure', 'breach']).toContain(readResult(Buffer.from(bytes)).kind);
        },
      ),
    );
  });
});

/** Pushes pieces through one buffer, as pipes are read. @returns the resulting lines */
function linesOf(pieces: readonly Buffer[]): { lines: string[]; tooLong: number } {
  const lines: string[] = [];
  let tooLong = 0;
  const cutter = new ResultLines(
    (line) => lines.push(line.toString('utf8')),
    () => {
      tooLong += 1;
    },
  );
  const shared = Buffer.alloc(Math.max(1, ...pieces.map((piece) => piece.length)));
  for (const piece of pieces) {
    piece.copy(shared);
    cutter.push(shared.subarray(0, piece.length));
    shared.fill(0);
  }
  return { lines, tooLong };
}

describe('lines', () => {
  test('are the same however they are cut into pieces', () => {
    const texts = fc.array(
      fc.string({ unit: 'grapheme' }).map((text) => text.replaceAll('\n', '')),
      {
        maxLength: 5,
      },
    );
    fc.assert(
      fc.property(
        texts,
        fc.string({ maxLength: 3 }),
        fc.array(fc.integer({ min: 1, max: 7 })),
        (all, rest, cuts) => {
          const bytes = Buffer.from(`${all.map((text) => `${text}\n`).join('')}${rest.replaceAll('\n', '')}`);
          const pieces: Buffer[] = [];
          for (let at = 0, next = 0; at < bytes.length; next += 1) {
            const length = cuts[next % Math.max(1, cuts.length)] ?? bytes.length;
            pieces.push(bytes.subarray(at, at + length));
            at += length;
          }
          expect(linesOf(pieces)).toEqual({ lines: all, tooLong: 0 });
        },
      ),
    );
  });

  test('that are incomplete are not passed on', () => {
    expect(linesOf([Buffer.from('{"ok":true}')]).lines).toEqual([]);
  });

  const mebibyte = Buffer.alloc(1_048_576, 'x');

  test('of up to 4 MiB are passed on, and longer ones are not', () => {
    const four = linesOf([mebibyte, mebibyte, mebibyte, mebibyte, Buffer.from('\n')]);
    expect([four.lines.map((line) => line.length), four.tooLong]).toEqual([[4 * mebibyte.length], 0]);
    expect(linesOf([mebibyte, mebibyte, mebibyte, mebibyte, Buffer.from('x')])).toEqual({
      lines: [],
      tooLong: 1,
    });
  });

  test('that are too long do not affect the next one', () => {
    const { lines, tooLong } = linesOf([
      ...Array.from({ length: 5 }, () => mebibyte),
      Buffer.from('\n{"ok":true}\n'),
      Buffer.from('{"ok":'),
      Buffer.from('true}\n'),
    ]);
    expect([lines, tooLong]).toEqual([['', '{"ok":true}', '{"ok":true}'], 1]);
  });
});

test('each breach has a sentence about the child', () => {
  for (const { kind, sentence } of Object.values<Extract<JobResult, { kind: 'breach' }>>(breaches)) {
    expect([kind, sentence]).toEqual(['breach', expect.stringMatching(/^(wrote|closed) .*descriptor 3/)]);
  }
});

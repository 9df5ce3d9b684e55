import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { OutputTail, outputLimitBytes } from '../../../src/engine/output/output-tail.ts';
import { randomCases } from '../../helpers/random-cases.ts';
import { waitFor } from '../../helpers/wait-for.ts';

const mark = /\n\[… (\d+) bytes left out …\]\n/;
const limit = 1_024;

function keep(pieces: Iterable<Buffer>, limitBytes = limit): string {
  const tail = new OutputTail(limitBytes);
  for (const piece of pieces) tail.push(piece);
  return tail.text();
}

/** Text of characters of one to four bytes, in pieces that end anywhere. */
const streams = fc
  .tuple(
    fc.array(fc.string({ unit: 'grapheme', minLength: 1, maxLength: 60 }), { maxLength: 80 }),
    fc.array(fc.integer({ min: 1, max: 700 }), { minLength: 1, maxLength: 10 }),
  )
  .map(([words, sizes]) => {
    const bytes = Buffer.from(words.join(''));
    const pieces: Buffer[] = [];
    for (let at = 0, turn = 0; at < bytes.length; turn += 1) {
      const size = sizes[turn % sizes.length] ?? 1;
      pieces.push(bytes.subarray(at, at + size));
      at += size;
    }
    return { text: bytes.toString(), bytes, pieces };
  });

test('what fits is kept whole, what does not is kept within the limit with its head and its tail', () => {
  fc.assert(
    fc.property(streams, ({ text, bytes, pieces }) => {
      const kept = keep(pieces);
      if (bytes.length <= limit) {
        expect(kept).toBe(text);
        return;
      }
      expect(Buffer.byteLength(kept)).toBeLessThanOrEqual(limit);
      const [head = '', leftOut = '', rest = ''] = kept.split(mark);
      expect(text.startsWith(head) && text.endsWith(rest)).toBe(true);
      expect(head.length > 100 && rest.length > 50).toBe(true);
      expect(kept).not.toContain('\ufffd');
      // Bytes of characters that the cuts went through are left out, and counted with what is shown.
      const shown = Buffer.byteLength(head) + Buffer.byteLength(rest);
      expect(bytes.length - shown - Number(leftOut)).toBeLessThanOrEqual(6);
    }),
    { numRuns: randomCases(500) },
  );
});

describe('nothing but the limit decides:', () => {
  test.each([limit - 1, limit, limit + 1])('%i bytes', (size) => {
    const kept = keep([Buffer.alloc(size, 'x')]);
    expect(mark.test(kept)).toBe(size > limit);
    expect(kept.length).toBeLessThanOrEqual(limit);
  });
});

test('bytes that are no UTF-8 show as such, and no more characters than bytes', () => {
  const kept = keep([Buffer.alloc(5_000, 0xff)]);
  expect(kept.length).toBeLessThanOrEqual(limit);
  expect(kept).toMatch(/^\ufffd+\n\[… \d+ bytes left out …\]\n\ufffd+$/);
});

test('nothing pushed is no text', () => {
  expect(keep([])).toBe('');
  expect(keep([Buffer.alloc(0)])).toBe('');
});

test('the size of the pieces makes no difference', () => {
  const bytes = Buffer.from(Array.from({ length: 3_000 }, (_, at) => `line ${at} ä€😀\n`).join(''));
  const whole = keep([bytes]);
  for (const size of [1, 2, 3, 7, 64, 100, 511, 512, 513, 1_000, 70_000]) {
    const pieces: Buffer[] = [];
    for (let at = 0; at < bytes.length; at += size) pieces.push(bytes.subarray(at, at + size));
    expect(keep(pieces), `pieces of ${size}`).toBe(whole);
  }
});

test.each([1, 100, 400, 40_000])('memory stays within the limit for pieces of %i bytes', async (size) => {
  // As from a pipe: each piece is a buffer of its own.
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const tail = new OutputTail();
  const count = Math.min(200_000, Math.ceil(2_000_000 / size));
  collect();
  const before = process.memoryUsage().arrayBuffers;
  for (let pushed = 0; pushed < count; pushed += 1) tail.push(Buffer.from(new ArrayBuffer(size)));
  // What was collected is given back a little later.
  await waitFor(
    () => {
      collect();
      return process.memoryUsage().arrayBuffers - before < 2 * outputLimitBytes + size;
    },
    { message: () => `${process.memoryUsage().arrayBuffers - before} bytes are kept`, timeoutMs: 2_000 },
  );
  expect(tail.text()).toMatch(mark);
});

test('the last bytes are those that were pushed last, whatever was left out before', () => {
  fc.assert(
    fc.property(streams, fc.integer({ min: 0, max: limit / 2 }), ({ bytes, pieces }, wanted) => {
      const tail = new OutputTail(limit);
      for (const piece of pieces) tail.push(piece);
      const expected = bytes.subarray(Math.max(0, bytes.length - wanted));
      expect(tail.end(wanted).equals(expected)).toBe(true);
    }),
    { numRuns: randomCases(300) },
  );
});

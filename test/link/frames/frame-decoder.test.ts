import fc from 'fast-check';
import { describe, expect, test, vi } from 'vitest';
import {
  encodeFrame,
  encodeWithin,
  FrameDecoder,
  FrameError,
  type RawFrame,
} from '../../../src/link/frames/frame-codec.ts';
import { randomCases } from '../../helpers/random-cases.ts';

/** All frames of these chunks, up to the error if there is one. */
function decodeAll(decoder: FrameDecoder, chunks: readonly Buffer[]): { frames: RawFrame[]; error: unknown } {
  const frames: RawFrame[] = [];
  try {
    for (const chunk of chunks) for (const frame of decoder.decode(chunk)) frames.push(frame);
    return { frames, error: null };
  } catch (error) {
    return { frames, error };
  }
}

/** Cuts at the given places, in any order, also several times at the same. */
function cut(bytes: Buffer, places: readonly number[]): Buffer[] {
  const sorted = [0, ...places.map((place) => place % (bytes.length + 1)), bytes.length].sort(
    (a, b) => a - b,
  );
  return sorted.slice(1).map((end, index) => bytes.subarray(sorted[index], end));
}

describe('a decoder', () => {
  test('returns the encoded frames, wherever the stream was cut, even inside characters', () => {
    const message = fc.string({ unit: 'grapheme', maxLength: 200 });
    fc.assert(
      fc.property(fc.array(message, { maxLength: 20 }), fc.array(fc.nat(10_000)), (messages, places) => {
        const sent = messages.map((text) => ({ type: 'refused', message: text }) as const);
        const chunks = cut(Buffer.concat(sent.map(encodeFrame)), places);
        expect(decodeAll(new FrameDecoder(10_000), chunks)).toEqual({ frames: sent, error: null });
      }),
      { numRuns: randomCases(500) },
    );
  });

  test('also returns them if the stream arrives byte by byte', () => {
    const sent = { type: 'refused', message: 'Zoë 🚂 \n \u0000 "' } as const;
    const bytes = Buffer.concat([encodeFrame(sent), encodeFrame(sent)]);
    const chunks = [...bytes].map((byte) => Buffer.from([byte]));
    expect(decodeAll(new FrameDecoder(1_000), chunks)).toEqual({ frames: [sent, sent], error: null });
  });

  test('returns nothing of an incomplete frame', () => {
    const decoder = new FrameDecoder(1_000);
    const bytes = encodeFrame({ type: 'disown' });
    expect(decodeAll(decoder, [bytes.subarray(0, -1)])).toEqual({ frames: [], error: null });
    expect(decodeAll(decoder, [bytes.subarray(-1)])).toEqual({ frames: [{ type: 'disown' }], error: null });
  });

  test.each([
    ['no JSON', 'hello\n'],
    ['an empty line', '\n'],
    ['cut JSON', '{"type":\n'],
    ['a number', '7\n'],
    ['null', 'null\n'],
    ['an array', '["type"]\n'],
    ['an object without a type', '{"tyqe":"hello"}\n'],
    ['a type that is no string', '{"type":7}\n'],
    ['bytes that are no text', Buffer.from([0xff, 0xfe, 0x00, 0x0a])],
  ])('refuses %s, after returning the frames before it', (_, garbage) => {
    const bytes = Buffer.concat([encodeFrame({ type: 'disown' }), Buffer.from(garbage)]);
    const { frames, error } = decodeAll(new FrameDecoder(1_000), [bytes]);
    expect(frames).toEqual([{ type: 'disown' }]);
    expect(error).toBeInstanceOf(FrameError);
  });

  test('accepts a line of exactly the limit and refuses a longer one, wherever both are cut', () => {
    const bytes = encodeFrame({ type: 'refused', message: 'x'.repeat(5_000) });
    const line = bytes.length - 1;
    fc.assert(
      fc.property(fc.array(fc.nat(bytes.length), { maxLength: 20 }), (places) => {
        const fits = decodeAll(new FrameDecoder(line), cut(bytes, places));
        expect([fits.frames.length, fits.error]).toEqual([1, null]);
        const tooLong = decodeAll(new FrameDecoder(line - 1), cut(bytes, places));
        expect(tooLong.frames).toEqual([]);
        expect(tooLong.error).toBeInstanceOf(FrameError);
      }),
    );
  });

  test('refuses a line that is too long before its end arrives', () => {
    const { error } = decodeAll(new FrameDecoder(2_048), [Buffer.alloc(2_000, 'x'), Buffer.alloc(49, 'x')]);
    expect(error).toEqual(new FrameError('a frame is longer than 2 KiB'));
  });

  test('never holds more than the limit, and copies a line of many chunks only a few times', () => {
    const limit = 1_000_000;
    const copies = vi.spyOn(Buffer.prototype, 'copy');
    const allocations = vi.spyOn(Buffer, 'allocUnsafeSlow');
    try {
      const decoder = new FrameDecoder(limit);
      const chunk = Buffer.alloc(100, 'x');
      const chunks = Array.from({ length: Math.floor(limit / chunk.length) }, () => chunk);
      expect(decodeAll(decoder, chunks)).toEqual({ frames: [], error: null });
      const copied = copies.mock.results.reduce((sum, { value }) => sum + Number(value), 0);
      // One copy in, and one of the earlier bytes with each doubling: the sum of 1/2 + 1/4 + …
      expect(copied).toBeGreaterThan(limit * 0.9);
      expect(copied).toBeLessThan(limit * 3);
      const held = allocations.mock.calls.map(([size]) => size);
      expect(Math.max(...held)).toBe(limit);
      expect(decodeAll(decoder, [chunk]).error).toBeInstanceOf(FrameError);
    } finally {
      vi.restoreAllMocks();
    }
  });

  test('applies the limit that is set when a frame arrives', () => {
    const decoder = new FrameDecoder(30);
    const long = encodeFrame({ type: 'refused', message: 'x'.repeat(100) });
    const frames: string[] = [];
    for (const frame of decoder.decode(Buffer.concat([encodeFrame({ type: 'disown' }), long]))) {
      frames.push(frame.type);
      decoder.limitBytes = 1_000;
    }
    expect(frames).toEqual(['disown', 'refused']);
  });
});

describe('an encoder', () => {
  test('turns any frame into one line', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (message) => {
        const bytes = encodeFrame({ type: 'refused', message });
        expect(bytes.indexOf('\n')).toBe(bytes.length - 1);
      }),
    );
  });

  test('refuses a frame that is longer than the limit', () => {
    const frame = { type: 'refused', message: 'ü'.repeat(50) } as const;
    const line = encodeFrame(frame).length - 1;
    expect(encodeWithin(frame, line)).toEqual(encodeFrame(frame));
    expect(encodeWithin(frame, line - 1)).toBeNull();
  });

  test('refuses a frame that is longer than a string can be', () => {
    const frame = { type: 'refused', message: '' } as const;
    vi.spyOn(JSON, 'stringify').mockImplementation(() => {
      throw new RangeError('Invalid string length');
    });
    try {
      expect(encodeWithin(frame, 1_000)).toBeNull();
    } finally {
      vi.restoreAllMocks();
    }
  });
});

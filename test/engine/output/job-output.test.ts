/** What is kept of a job's output, and what its readers get of it. */
import { closeSync, readdirSync, readlinkSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  JobOutput,
  type JobOutputOptions,
  type JobOutputReader,
} from '../../../src/engine/output/job-output.ts';
import type { OutputBatch, OutputStream } from '../../../src/protocol/job.ts';
import { randomCases } from '../../helpers/random-cases.ts';

const small = { memoryBytes: 256, fileBytes: 2_048 };
const nowhere = '/nowhere/at/all';
const streams = ['stdout', 'stderr'] as const;

function archiveOf(chunks: Iterable<string>, options: Partial<JobOutputOptions> = {}): JobOutput {
  const archive = new JobOutput(options);
  let atMs = 0;
  for (const chunk of chunks) {
    atMs += 1_000;
    archive.push('stdout', Buffer.from(chunk), atMs);
  }
  return archive;
}

/** Everything that is left, in reads of this size. */
function readAll(reader: JobOutputReader, maxBytes = 1_000_000): { text: string; skippedLines: number } {
  let text = '';
  let skippedLines = 0;
  for (;;) {
    const batch = reader.read(maxBytes);
    text += textOf(batch);
    skippedLines += batch.skippedLines;
    if (batch.isEnd || (batch.pieces.length === 0 && reader.behindBytes === 0)) return { text, skippedLines };
  }
}

const textOf = ({ pieces }: OutputBatch) => pieces.map(({ text }) => text).join('');
const lines = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, at) => `line ${from + at}\n`);

/** Descriptors of unnamed files that this process holds. */
function filesHeld(): number[] {
  return readdirSync('/proc/self/fd').flatMap((fd) => {
    try {
      return /resque-runner-.*\(deleted\)$/.test(readlinkSync(`/proc/self/fd/${fd}`)) ? [Number(fd)] : [];
    } catch {
      return []; // The one that listed them.
    }
  });
}

test('what was printed is read in its order, piece by piece, and then what comes', () => {
  const archive = new JobOutput();
  const reader = archive.openReader();
  expect(reader.read(100)).toEqual({ pieces: [], skippedLines: 0, isEnd: false });
  archive.push('stdout', Buffer.from('a'), 1_000);
  archive.push('stderr', Buffer.from('b'), 1_001);
  archive.push('stdout', Buffer.from('c'), 1_002);
  expect(reader.behindBytes).toBe(3);
  expect(reader.read(100).pieces).toEqual([
    { stream: 'stdout', atMs: 1_000, text: 'a' },
    { stream: 'stderr', atMs: 1_001, text: 'b' },
    { stream: 'stdout', atMs: 1_002, text: 'c' },
  ]);
  archive.push('stdout', Buffer.from('d'), 1_003);
  expect(reader.read(100)).toEqual({
    pieces: [{ stream: 'stdout', atMs: 1_002, text: 'd' }],
    skippedLines: 0,
    isEnd: false,
  });
  archive.end();
  expect(reader.read(100)).toEqual({ pieces: [], skippedLines: 0, isEnd: true });
  expect(reader.read(100)).toEqual({ pieces: [], skippedLines: 0, isEnd: true });
});

test('what one stream brings within 100 ms is one piece', () => {
  const archive = new JobOutput();
  for (const atMs of [1_000, 1_050, 1_099, 1_100, 1_300]) {
    archive.push('stdout', Buffer.from(`${atMs} `), atMs);
  }
  expect(archive.openReader().read(1_000).pieces).toEqual([
    { stream: 'stdout', atMs: 1_000, text: '1000 1050 1099 ' },
    { stream: 'stdout', atMs: 1_100, text: '1100 ' },
    { stream: 'stdout', atMs: 1_300, text: '1300 ' },
  ]);
});

test('a read stays within its size, but never gives nothing', () => {
  const reader = archiveOf(['12345', '678', '90']).openReader();
  expect(textOf(reader.read(5))).toBe('12345');
  expect(textOf(reader.read(4))).toBe('6789');
  expect(textOf(reader.read(0))).toBe('0');
});

test('characters come whole however they were split, and what never gets whole shows as such', () => {
  const archive = new JobOutput();
  const reader = archive.openReader();
  let text = '';
  for (const byte of Buffer.from('ä€😀')) {
    archive.push('stdout', Buffer.from([byte]), 1);
    archive.push('stderr', Buffer.from('.'), 1);
    text += textOf(reader.read(100));
  }
  archive.push('stdout', Buffer.from([0xe2, 0x82]), 1);
  archive.end();
  expect(text.replaceAll('.', '')).toBe('ä€😀');
  expect(textOf(reader.read(100))).toBe('\ufffd');
});

test('little output needs no file, and much of it no memory', () => {
  const before = filesHeld().length;
  const little = archiveOf(lines(0, 100));
  expect(filesHeld().length).toBe(before);
  expect(little.openReader().behindBytes).toBe(lines(0, 100).join('').length);
  const much = new JobOutput();
  for (let at = 0; at < 1_000; at += 1) much.push('stderr', Buffer.alloc(65_536, 'x'), at);
  expect(filesHeld().length).toBe(before + 1);
  expect(much.fileBytes).toBeLessThanOrEqual(8 * 1_024 * 1_024);
  expect(much.openReader().behindBytes).toBeGreaterThan(4 * 1_000 * 1_000);
  much.close();
  expect(filesHeld().length).toBe(before);
  expect(much.openReader().behindBytes).toBeLessThanOrEqual(16 * 1_024);
});

test('streams that take turns with every byte need no more memory or space on the disk', () => {
  const archive = new JobOutput(small);
  const reader = archive.openReader();
  let counted = 0;
  for (let at = 0; at < 20_000; at += 1) {
    archive.push(at % 2 === 0 ? 'stdout' : 'stderr', Buffer.from('\n'), at);
    expect(archive.fileBytes).toBeLessThanOrEqual(Math.max(small.fileBytes, 256 * 60));
  }
  archive.end();
  for (let isEnd = false; !isEnd; ) {
    const batch = reader.read(1_000);
    counted += batch.skippedLines + textOf(batch).length;
    isEnd = batch.isEnd;
  }
  expect(counted).toBe(20_000);
  archive.close();
});

describe('a reader', () => {
  test('that keeps up loses nothing of what is dropped', () => {
    const archive = new JobOutput(small);
    const reader = archive.openReader();
    let text = '';
    for (const line of lines(0, 5_000)) {
      archive.push('stdout', Buffer.from(line), 0);
      const batch = reader.read(1_000);
      expect(batch.skippedLines).toBe(0);
      text += textOf(batch);
    }
    expect(text).toBe(lines(0, 5_000).join(''));
    archive.close();
  });

  test('that is too slow goes on at the oldest that is kept and says how many lines it lost', () => {
    const archive = new JobOutput(small);
    const reader = archive.openReader();
    for (const line of lines(0, 5_000)) archive.push('stdout', Buffer.from(line), 0);
    archive.end();
    const { text, skippedLines } = readAll(reader, 100);
    const kept = text.split('\n').length - 1;
    expect(kept + skippedLines).toBe(5_000);
    expect(kept).toBeGreaterThan(50);
    expect(lines(0, 5_000).join('').endsWith(text)).toBe(true);
    archive.close();
  });

  test('that comes late has about so many lines before it', () => {
    const archive = archiveOf(lines(0, 5_000), { memoryBytes: 4_096, fileBytes: 32_768 });
    const { text, skippedLines } = readAll(archive.openReader());
    const lost = 5_000 - (text.split('\n').length - 1);
    expect(Math.abs(skippedLines - lost) / lost).toBeLessThan(0.1);
    archive.close();
  });

  test('can skip to the last of it', () => {
    const reader = archiveOf(lines(0, 1_000)).openReader();
    reader.skipTo(20);
    expect(reader.behindBytes).toBe(20);
    const { text, skippedLines } = readAll(reader);
    expect(text).toBe('7\nline 998\nline 999\n');
    expect(skippedLines).toBe(997);
    reader.skipTo(20);
    expect(reader.read(100)).toEqual({ pieces: [], skippedLines: 0, isEnd: false });
  });

  test('that skipped to the end goes on with what comes', () => {
    const archive = archiveOf(['old\n']);
    const reader = archive.openReader();
    reader.skipTo(0);
    archive.push('stdout', Buffer.from('new\n'), 1_001);
    expect(reader.read(100)).toMatchObject({ pieces: [{ text: 'new\n' }], skippedLines: 1 });
  });

  test('gives no part of a character behind a gap', () => {
    const reader = archiveOf(['€€€']).openReader();
    reader.skipTo(4);
    expect(textOf(reader.read(100))).toBe('€');
  });

  test('holds what it reads, although nobody else does any longer', () => {
    const before = filesHeld().length;
    const archive = archiveOf(lines(0, 10_000));
    const reader = archive.openReader();
    const other = archive.openReader();
    archive.end();
    archive.release();
    other.close();
    expect(filesHeld().length).toBe(before + 1);
    expect(readAll(reader).text).toBe(lines(0, 10_000).join(''));
    reader.close();
    reader.close();
    expect(filesHeld().length).toBe(before);
    expect(reader.read(100)).toEqual({ pieces: [], skippedLines: 0, isEnd: true });
    expect(reader.behindBytes).toBe(0);
  });
});

test('what the file held is counted when it is given back, and what is in memory can still be read', () => {
  const archive = archiveOf(lines(0, 5_000));
  const reader = archive.openReader();
  archive.end();
  archive.close();
  const { text, skippedLines } = readAll(reader);
  expect(text.split('\n').length - 1 + skippedLines).toBe(5_000);
  expect(lines(0, 5_000).join('').endsWith(text)).toBe(true);
});

describe('where there is no room for a file', () => {
  test.each(['directory', 'permission'] as const)('the newest is kept in memory: no %s', (missing) => {
    const options = missing === 'directory' ? { directory: nowhere } : { mayMakeFile: () => false };
    const archive = new JobOutput(options);
    const reader = archive.openReader();
    for (const line of lines(0, 20_000)) archive.push('stdout', Buffer.from(line), 0);
    archive.push('stderr', Buffer.alloc(100_000, 'x\n'), 0);
    archive.push('stdout', Buffer.from('the end\n'), 0);
    expect(archive.openReader().behindBytes).toBeLessThanOrEqual(16 * 1_024);
    expect(archive.fileBytes).toBe(0);
    const { text, skippedLines } = readAll(reader);
    expect(text).toMatch(/^(x\n)+the end\n$/);
    expect(text.length).toBeGreaterThan(13_000);
    expect(skippedLines + text.split('\n').length - 1).toBe(20_000 + 50_000 + 1);
  });

  test('any longer, what the file held is lost and counted, and what comes is kept in memory', () => {
    const held = filesHeld();
    const archive = archiveOf(lines(0, 5_000));
    const reader = archive.openReader();
    const [fd] = filesHeld().filter((each) => !held.includes(each));
    // A write that fails, as on a full disk.
    closeSync(fd ?? -1);
    for (const line of lines(5_000, 10_000)) archive.push('stdout', Buffer.from(line), 0);
    archive.end();
    const { text, skippedLines } = readAll(reader);
    expect(lines(0, 10_000).join('').endsWith(text)).toBe(true);
    expect(text.length).toBeGreaterThan(12_000);
    expect(skippedLines).toBeGreaterThan(0);
  });
});

interface Push {
  readonly kind: 'push';
  readonly stream: OutputStream;
  readonly size: number;
  readonly pauseMs: number;
}
type Step = Push | { readonly kind: 'read' | 'skip'; readonly bytes: number };

const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    {
      weight: 3,
      arbitrary: fc.record({
        kind: fc.constant('push' as const),
        stream: fc.constantFrom(...streams),
        size: fc.oneof(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 700 })),
        pauseMs: fc.constantFrom(0, 60, 150),
      }),
    },
    {
      weight: 2,
      arbitrary: fc.record({
        kind: fc.constantFrom('read' as const, 'read' as const, 'skip' as const),
        bytes: fc.integer({ min: 0, max: 400 }),
      }),
    },
  ),
  { maxLength: 60 },
);

/** Bytes of each stream in the order in which they came, each byte known by its place. */
class Model {
  readonly bytes: { readonly stream: OutputStream; readonly char: string }[] = [];

  push(stream: OutputStream, size: number): Buffer {
    let text = '';
    for (let at = 0; at < size; at += 1) {
      const place = this.bytes.length;
      const char = place % 7 === 6 ? '\n' : String.fromCharCode(97 + (place % 26));
      this.bytes.push({ stream, char });
      text += char;
    }
    return Buffer.from(text);
  }

  /** The pieces that these bytes come to, where pieces of one stream are joined. */
  pieces(from: number, to: number): [OutputStream, string][] {
    return joined(this.bytes.slice(from, to).map(({ stream, char }) => [stream, char]));
  }

  lines(from: number, to: number): number {
    return this.bytes.slice(from, to).filter(({ char }) => char === '\n').length;
  }
}

function joined(pieces: readonly [OutputStream, string][]): [OutputStream, string][] {
  const result: [OutputStream, string][] = [];
  for (const [stream, text] of pieces) {
    const last = result.at(-1);
    if (last?.[0] === stream) last[1] += text;
    else result.push([stream, text]);
  }
  return result;
}

test.each([
  ['a file', {}],
  ['memory alone', { directory: nowhere }],
])('a reader gets exactly what its place says, and no line goes uncounted, with %s', (_, options) => {
  fc.assert(
    fc.property(steps, (plan) => {
      const archive = new JobOutput({ ...small, ...options });
      const model = new Model();
      const reader = archive.openReader();
      let atMs = 0;
      let counted = 0;
      const place = () => model.bytes.length - reader.behindBytes;
      const read = (bytes: number) => {
        const from = place();
        const batch = reader.read(bytes);
        const pieces = batch.pieces.map(({ stream, text }): [OutputStream, string] => [stream, text]);
        expect(joined(pieces)).toEqual(model.pieces(from, place()));
        const times = batch.pieces.map((piece) => piece.atMs);
        expect(times).toEqual(times.toSorted((a, b) => a - b));
        counted += batch.skippedLines + model.lines(from, place());
        expect(counted).toBe(model.lines(0, place()));
        return batch;
      };
      for (const step of plan) {
        if (step.kind === 'push') {
          const kept = reader.behindBytes;
          atMs += step.pauseMs;
          archive.push(step.stream, model.push(step.stream, step.size), atMs);
          expect(reader.behindBytes).toBeLessThanOrEqual(kept + step.size);
          expect(archive.fileBytes).toBeLessThanOrEqual(small.fileBytes);
          expect(reader.behindBytes).toBeGreaterThan(0);
        } else if (step.kind === 'skip') {
          const behind = reader.behindBytes;
          reader.skipTo(step.bytes);
          expect(reader.behindBytes).toBe(Math.min(behind, step.bytes));
        } else read(step.bytes);
      }
      archive.end();
      for (let isEnd = false; !isEnd; ) ({ isEnd } = read(300));
      expect(reader.behindBytes).toBe(0);
      archive.close();
    }),
    { numRuns: randomCases(400) },
  );
});

test('no character is broken and none made up, however they are cut and whatever is dropped', () => {
  const words = fc.array(
    fc.tuple(fc.constantFrom(...streams), fc.string({ unit: 'grapheme', maxLength: 90 })),
    {
      maxLength: 60,
    },
  );
  fc.assert(
    fc.property(
      words,
      fc.integer({ min: 1, max: 90 }),
      fc.integer({ min: 1, max: 9 }),
      (texts, size, every) => {
        const archive = new JobOutput(small);
        const reader = archive.openReader();
        const all = { stdout: '', stderr: '' };
        const batches: OutputBatch[] = [];
        texts.forEach(([stream, text], at) => {
          all[stream] += text;
          const bytes = Buffer.from(text);
          for (let from = 0; from < bytes.length; from += size) {
            archive.push(stream, bytes.subarray(from, from + size), at);
          }
          if (at % every === 0) batches.push(reader.read(200));
        });
        archive.end();
        while (batches.at(-1)?.isEnd !== true) batches.push(reader.read(200));
        for (const { pieces } of batches) {
          for (const { stream, text } of pieces) expect(all[stream]).toContain(text);
        }
        archive.close();
      },
    ),
    { numRuns: randomCases(300) },
  );
});

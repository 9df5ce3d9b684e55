import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { OutputStream } from '../../src/protocol/job.ts';
import type { LogLine } from '../../src/store/line-ring.ts';
import { LogBuffer, type LogLimits } from '../../src/store/log-buffer.ts';
import { randomCases } from '../helpers/random-cases.ts';

/** The same promises, kept in the plainest way: every line ever, and where the ones begin that are kept. */
class NaiveLog {
  readonly lines: LogLine[] = [];
  first = 0;
  readonly #limits: LogLimits;

  constructor(limits: LogLimits) {
    this.#limits = limits;
  }

  get kept(): LogLine[] {
    return this.lines.slice(this.first);
  }

  push(line: LogLine): void {
    this.lines.push(line);
    this.trim();
  }

  trim(): void {
    const units = () => this.kept.reduce((sum, { text, styles }) => sum + text.length + styles.length, 0);
    while (this.kept.length > 1 && (this.kept.length > this.#limits.lines || units() > this.#limits.units)) {
      this.first += 1;
    }
  }

  matches(needle: string, streams: 'both' | OutputStream): number[] {
    return this.lines.flatMap(({ kind, stream, text }, number) => {
      const isShown = number >= this.first && kind === 'output' && (streams === 'both' || stream === streams);
      const isMatch = /[A-Z]/.test(needle) ? text.includes(needle) : text.toLowerCase().includes(needle);
      return isShown && isMatch ? [number] : [];
    });
  }
}

function output(stream: OutputStream, text: string, styles = ''): LogLine {
  return { kind: 'output', stream, atMs: 1, text, styles, skippedLines: 0 };
}

const streamNames = fc.constantFrom<OutputStream>('stdout', 'stderr');
const texts = fc.string({ unit: fc.constantFrom('a', 'b', 'A', ' '), maxLength: 6 });
const styles = fc.constantFrom('', '', 'ab', 'abcd');
const searches = fc.record({
  needle: fc.constantFrom('a', 'b', 'ab', 'A', 'aa'),
  streams: fc.constantFrom<'both' | OutputStream>('both', 'both', 'stdout', 'stderr'),
});
const actions = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ kind: fc.constant('append' as const), stream: streamNames, text: texts, styles }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant('replace' as const), back: fc.nat(9), text: texts, styles }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('skip' as const), lines: fc.integer({ min: 1, max: 9 }) }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('mark' as const) }) },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('search' as const),
      // Mostly for the same as before, as somebody would who reads on.
      other: fc.oneof({ weight: 4, arbitrary: fc.constant(null) }, { weight: 1, arbitrary: searches }),
    }),
  },
);

function expectSearches(
  log: LogBuffer,
  naive: NaiveLog,
  needle: string,
  streams: 'both' | OutputStream,
): void {
  const matches = naive.matches(needle, streams);
  expect(log.countMatches(needle, streams)).toBe(matches.length);
  for (let from = naive.first - 2; from <= naive.lines.length + 1; from += 1) {
    const forward = matches.find((number) => number >= from) ?? null;
    const backward = matches.findLast((number) => number <= from) ?? null;
    expect(log.search(needle, { from, direction: 'forward', streams })).toBe(forward);
    expect(log.search(needle, { from, direction: 'backward', streams })).toBe(backward);
    const before = matches.filter((number) => number < from).length;
    expect(log.countMatchesBefore(from, needle, streams)).toBe(before);
  }
}

describe('a log', () => {
  test('holds, trims and finds the same as a naive one', () => {
    const limits = fc.record({
      lines: fc.integer({ min: 1, max: 12 }),
      units: fc.integer({ min: 1, max: 40 }),
    });
    fc.assert(
      fc.property(limits, searches, fc.array(actions, { maxLength: 60, size: 'max' }), (limit, own, list) => {
        const log = new LogBuffer(limit);
        const naive = new NaiveLog(limit);
        for (const action of list) {
          const { version } = log;
          if (action.kind === 'search') {
            const { needle, streams } = action.other ?? own;
            expectSearches(log, naive, needle, streams);
            expect(log.version).toBe(version);
            continue;
          }
          if (action.kind === 'append') {
            expect(log.append(action.stream, 1, action.text, action.styles)).toBe(naive.lines.length);
            naive.push(output(action.stream, action.text, action.styles));
          } else if (action.kind === 'mark') {
            expect(log.appendMark(5)).toBe(naive.lines.length);
            naive.push({ kind: 'mark', stream: null, atMs: 5, text: '', styles: '', skippedLines: 0 });
          } else if (action.kind === 'skip') {
            const number = log.appendSkipped(action.lines, 7);
            const last = naive.lines.at(-1);
            const isSame = last?.kind === 'skipped';
            const skippedLines = action.lines + (isSame ? last.skippedLines : 0);
            const line: LogLine = {
              kind: 'skipped',
              stream: null,
              atMs: 7,
              text: '',
              styles: '',
              skippedLines,
            };
            if (isSame) naive.lines[naive.lines.length - 1] = line;
            else naive.push(line);
            expect(number).toBe(naive.lines.length - 1);
          } else {
            const number = naive.lines.length - 1 - action.back;
            const line = naive.lines[number];
            if (line !== undefined && line.kind !== 'output') continue;
            const isKept = line !== undefined && number >= naive.first;
            expect(log.replace(number, 9, action.text, action.styles)).toBe(isKept);
            if (!isKept) continue;
            naive.lines[number] = { ...line, atMs: 9, text: action.text, styles: action.styles };
            naive.trim();
          }
          expect(log.version).toBeGreaterThan(version);
          expect([log.first, log.end]).toEqual([naive.first, naive.lines.length]);
          expect(log.slice(0, 1_000)).toEqual(naive.kept);
          expect(naive.lines.map((_, number) => log.get(number))).toEqual(
            naive.lines.map((line, number) => (number < naive.first ? undefined : line)),
          );
        }
        expectSearches(log, naive, own.needle, own.streams);
      }),
      { numRuns: randomCases(150) },
    );
  });

  test('returns the requested lines, starting at the oldest kept one at the earliest', () => {
    const log = new LogBuffer({ lines: 3, units: 100 });
    for (const text of ['a', 'b', 'c', 'd', 'e']) log.append('stdout', 1, text);
    const texts = (from: number, count: number) => log.slice(from, count).map(({ text }) => text);
    expect(texts(0, 2)).toEqual(['c', 'd']);
    expect(texts(3, 2)).toEqual(['d', 'e']);
    expect(texts(4, 9)).toEqual(['e']);
    expect([...texts(5, 1), ...texts(3, 0)]).toEqual([]);
    expect([log.get(-1), log.get(1), log.get(5)]).toEqual([undefined, undefined, undefined]);
  });

  test('keeps the newest line at any length', () => {
    const log = new LogBuffer({ lines: 3, units: 4 });
    log.append('stdout', 1, 'ab');
    log.append('stdout', 1, 'much too long');
    expect(log.slice(0, 9)).toEqual([output('stdout', 'much too long')]);
    expect(log.first).toBe(1);
  });

  test('still finds matches after most lines were dropped', () => {
    const log = new LogBuffer({ lines: 50, units: 10_000 });
    for (let number = 0; number < 40_000; number += 1) {
      log.append('stdout', 1, number % 2 === 0 ? 'even' : 'odd');
      if (number % 20 === 0) log.countMatches('even');
    }
    expect(log.countMatches('even')).toBe(25);
    expect(log.search('even', { from: 0, direction: 'forward' })).toBe(39_950);
    expect(log.search('even', { from: 39_949, direction: 'backward' })).toBeNull();
    expect(log.countMatchesBefore(39_954, 'even')).toBe(2);
  });

  test('searches each line once, and never dropped lines', () => {
    let looks = 0;
    class CountingLog extends LogBuffer {
      override get(number: number): LogLine | undefined {
        looks += 1;
        return super.get(number);
      }
    }
    const looksFor = (act: () => void) => {
      looks = 0;
      act();
      return looks;
    };
    const log = new CountingLog({ lines: 1_000, units: 10_000 });
    const append = (count: number) => {
      for (let added = 0; added < count; added += 1) log.append('stdout', 1, 'x');
    };
    append(1_000);
    expect(looksFor(() => log.countMatches('x'))).toBe(1_000);
    append(1);
    expect(
      looksFor(() => {
        log.countMatches('x');
        log.search('x', { from: 500, direction: 'forward' });
        log.search('x', { from: 500, direction: 'backward' });
      }),
    ).toBe(1);
    append(5_000);
    expect(looksFor(() => log.countMatches('x'))).toBe(1_000);
    expect(looksFor(() => log.slice(0, 10))).toBe(10);
  });

  describe('keeps nothing alive but its lines:', () => {
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    const heap = () => {
      collect();
      return process.memoryUsage().heapUsed;
    };

    test('not to the text that a line was cut out of', () => {
      const log = new LogBuffer();
      const before = heap();
      for (let piece = 0; piece < 500; piece += 1) {
        const text = `${'x'.repeat(100_000)} ${piece}\n${'y'.repeat(20)} ${piece}`;
        const number = log.append('stdout', 1, text.slice(text.indexOf('\n') + 1));
        if (piece % 2 === 0) log.replace(number, 1, text.slice(-18));
      }
      // Whole pieces are 50 MB.
      expect(heap() - before).toBeLessThan(10_000_000);
      expect(log.end).toBe(500);
    });

    test('not to lines that are gone', () => {
      const log = new LogBuffer({ lines: 1_000, units: 100_000 });
      const before = heap();
      for (let number = 0; number < 900; number += 1)
        log.append('stdout', 1, `${number}${'x'.repeat(50_000)}`);
      // All lines are 45 MB.
      expect(heap() - before).toBeLessThan(10_000_000);
      expect(log.first).toBe(899);
    });

    test('not to what was found in lines that are gone', () => {
      const log = new LogBuffer({ lines: 1_000, units: 100_000 });
      for (let number = 0; number < 10_000; number += 1) log.append('stdout', 1, 'x');
      log.countMatches('x');
      const before = heap();
      for (let number = 0; number < 2_000_000; number += 1) {
        log.append('stdout', 1, 'x');
        if (number % 1_000 === 0) log.countMatches('x');
      }
      // All matches are 16 MB.
      expect(heap() - before).toBeLessThan(5_000_000);
      expect(log.countMatches('x')).toBe(1_000);
    });
  });
});

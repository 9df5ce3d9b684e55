/** The window of a log, compared with what cutting a piece out of all rows at once would give. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { LogBuffer } from '../../../src/store/log-buffer.ts';
import { type HowSeen, type LogWindow, logWindow, placeFrom } from '../../../src/ui/log/log-window.ts';
import { wrap } from '../../../src/ui/text/wrap.ts';

type Entry =
  | { readonly kind: 'output'; readonly stream: 'stdout' | 'stderr'; readonly text: string }
  | { readonly kind: 'mark' }
  | { readonly kind: 'skipped' };

const entry: fc.Arbitrary<Entry> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant('output' as const),
      stream: fc.constantFrom('stdout' as const, 'stderr' as const),
      text: fc.oneof(
        fc.string({ maxLength: 10 }),
        fc.string({ maxLength: 80 }),
        fc.constant('漢字'.repeat(9)),
      ),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('mark' as const) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('skipped' as const) }) },
);
const entries = fc.array(entry, { maxLength: 40 });
const lineLimit = 25;

const view: fc.Arbitrary<HowSeen> = fc.record({
  isFollowing: fc.boolean(),
  isWrapped: fc.boolean(),
  streams: fc.constantFrom('both' as const, 'stdout' as const, 'stderr' as const),
  top: fc.nat({ max: 45 }),
  topRow: fc.nat({ max: 4 }),
});
const width = fc.integer({ min: 1, max: 30 });
const rows = fc.integer({ min: 1, max: 12 });

function bufferOf(...parts: (readonly Entry[])[]): LogBuffer {
  const buffer = new LogBuffer({ lines: lineLimit, units: 100_000 });
  append(buffer, parts.flat());
  return buffer;
}

function append(buffer: LogBuffer, added: readonly Entry[]): void {
  for (const each of added) {
    if (each.kind === 'output') buffer.append(each.stream, 1, each.text);
    else if (each.kind === 'mark') buffer.appendMark(1);
    else buffer.appendSkipped(3, 1);
  }
}

interface Row {
  readonly number: number;
  readonly row: number;
  readonly text: string;
}

/** Every row of the log from the first to the last. */
function allRows(buffer: LogBuffer, { isWrapped, streams }: HowSeen, columns: number): Row[] {
  return Array.from({ length: buffer.end - buffer.first }, (_, at) => buffer.first + at).flatMap((number) => {
    const line = buffer.get(number);
    if (line === undefined) throw new Error(`line ${number} is missing`);
    if (line.kind === 'output' && streams !== 'both' && streams !== line.stream) return [];
    const texts = isWrapped ? wrap(line.text, columns) : [line.text];
    return texts.map((text, row) => ({ number, row, text }));
  });
}

function rowsOf({ lines }: LogWindow): Row[] {
  return lines.flatMap(({ number, rows: own, rowsAbove }) =>
    own.map((text, at) => ({ number, row: rowsAbove + at, text })),
  );
}

/** Where in all rows the place is that the view names, or what is nearest below it. */
function indexOf(all: readonly Row[], { top, topRow }: Pick<HowSeen, 'top' | 'topRow'>): number {
  const ofLine = all.filter(({ number }) => number === top).length;
  const row = Math.min(topRow, ofLine - 1);
  const found = all.findIndex((each) => each.number > top || (each.number === top && each.row === row));
  return found === -1 ? all.length : found;
}

describe('the window of a log', () => {
  test('is a piece of all its rows: the last ones when following, else those from the place on', () => {
    fc.assert(
      fc.property(entries, view, width, rows, (log, how, columns, height) => {
        const buffer = bufferOf(log);
        const all = allRows(buffer, how, columns);
        const last = Math.max(0, all.length - height);
        const from = how.isFollowing ? last : Math.min(last, indexOf(all, how));
        const window = logWindow(buffer, how, columns, height);
        expect(rowsOf(window)).toEqual(all.slice(from, from + height));
        if (all.length > 0) expect(indexOf(all, window)).toBe(from);
      }),
    );
  });

  test('moves by as many rows as one asks for, and not past the ends', () => {
    fc.assert(
      fc.property(entries, view, width, fc.integer({ min: -60, max: 60 }), (log, how, columns, steps) => {
        const buffer = bufferOf(log);
        const all = allRows(buffer, how, columns);
        fc.pre(all.length > 0);
        const from = Math.min(indexOf(all, how), all.length);
        const to = Math.max(0, Math.min(all.length - 1, from + steps));
        // From behind the last row, the first step up is onto it.
        const expected = from === all.length && steps >= 0 ? all.length : to;
        expect(indexOf(all, placeFrom(buffer, how, how, steps, columns))).toBe(expected);
      }),
    );
  });

  test('stays on its rows while lines come and the oldest go, as long as they are there', () => {
    fc.assert(
      fc.property(entries, entries, view, width, rows, (log, added, how, columns, height) => {
        const buffer = bufferOf(log);
        const before = logWindow(buffer, { ...how, isFollowing: true }, columns, height);
        const standing = { ...how, isFollowing: false, top: before.top, topRow: before.topRow };
        append(buffer, added);
        const after = logWindow(buffer, standing, columns, height);
        // A mark that is made of two is not what it was.
        fc.pre(
          before.lines.every(({ number, line }) => buffer.get(number) === line || number < buffer.first),
        );
        if (before.top >= buffer.first && rowsOf(before).length === height)
          expect(rowsOf(after)).toEqual(rowsOf(before));
        else expect(after.top).toBeGreaterThanOrEqual(Math.min(before.top, buffer.end));
      }),
    );
  });

  test('costs no more where the log is longer', () => {
    const buffer = new LogBuffer();
    for (let number = 0; number < 100_000; number += 1) buffer.append('stdout', 1, `line ${number}`);
    let reads = 0;
    const source = {
      first: buffer.first,
      end: buffer.end,
      get: (number: number) => {
        reads += 1;
        return buffer.get(number);
      },
    };
    const how = { isWrapped: true, streams: 'both', top: 50_000, topRow: 0 } as const;
    for (const isFollowing of [true, false]) logWindow(source, { ...how, isFollowing }, 80, 30);
    placeFrom(source, { ...how, isFollowing: false }, how, 30, 80);
    expect(reads).toBeLessThan(500);
  });
});

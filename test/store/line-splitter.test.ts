import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { OutputPiece, OutputStream } from '../../src/protocol/job.ts';
import { LineSplitter, logLineLimit, type Sanitise } from '../../src/store/line-splitter.ts';
import { LogBuffer } from '../../src/store/log-buffer.ts';
import { randomCases } from '../helpers/random-cases.ts';

const limit = 10;

/** In these tests, a style is a digit that the job prints; it stays until the next one. */
function keepingDigits(sanitise: (text: string) => string): Sanitise {
  return (text, before) => ({
    text: sanitise(text),
    styles: String(before),
    after: Number(/\d(?!.*\d)/s.exec(text)?.[0] ?? before),
  });
}

function stage(lineLimit = limit, sanitise = (text: string) => text) {
  const log = new LogBuffer();
  const splitter = new LineSplitter(log, keepingDigits(sanitise), lineLimit);
  const take = (text: string, stream: OutputStream = 'stdout', atMs = 1) =>
    splitter.take({ pieces: [{ stream, atMs, text }], skippedLines: 0, isEnd: false });
  const skip = (skippedLines: number, ...pieces: OutputPiece[]) =>
    splitter.take({ pieces, skippedLines, isEnd: false });
  const end = () => splitter.take({ pieces: [], skippedLines: 0, isEnd: true });
  const texts = () =>
    log.slice(0, 1_000_000).map(({ kind, text, skippedLines }) => (kind === 'skipped' ? skippedLines : text));
  return { log, splitter, take, skip, end, texts };
}

/** Lines of a whole text, split in the plainest way; the last one is unfinished, and missing where it is empty. */
function naiveLines(whole: string): string[] {
  const lines = whole.split('\n').map((line) => {
    const shown = line.replace(/\r+$/, '').replace(/^.*\r/s, '');
    return shown.length <= limit ? shown : `${shown.slice(0, limit).replace(/[\ud800-\udbff]$/, '')}…`;
  });
  return lines.at(-1) === '' ? lines.slice(0, -1) : lines;
}

const parts = fc.string({
  unit: fc.constantFrom('a', 'b', '\n', '\n', '\r', '\r\n', '😀'),
  maxLength: 30,
  size: 'max',
});
/** Parts that end anywhere, in the middle of a pair too. */
const pieces = fc
  .tuple(
    fc.array(fc.tuple(fc.constantFrom<OutputStream>('stdout', 'stderr'), parts), {
      maxLength: 12,
      size: 'max',
    }),
    fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 5 }),
  )
  .map(([list, sizes]) =>
    list.flatMap(([stream, text], index) => {
      const cut: OutputPiece[] = [];
      for (let at = 0, turn = index; at < text.length; turn += 1) {
        const size = sizes[turn % sizes.length] ?? 1;
        cut.push({ stream, atMs: cut.length, text: text.slice(at, at + size) });
        at += size;
      }
      return cut;
    }),
  );

function linesOf(log: LogBuffer, stream: OutputStream): string[] {
  return log.slice(0, log.end).flatMap((line) => (line.stream === stream ? [line.text] : []));
}

function wholeOf(list: readonly OutputPiece[], stream: OutputStream): string {
  return list.flatMap((piece) => (piece.stream === stream ? [piece.text] : [])).join('');
}

describe('lines', () => {
  test('are those of the whole text, for pieces of any size and any number of looks', () => {
    fc.assert(
      fc.property(pieces, fc.array(fc.boolean(), { minLength: 1, maxLength: 5 }), (list, looks) => {
        const { log, splitter, take, end } = stage();
        for (const [index, { stream, text }] of list.entries()) {
          take(text, stream);
          if (looks[index % looks.length] !== true) continue;
          splitter.showUnfinished();
          const soFar = list.slice(0, index + 1);
          for (const name of ['stdout', 'stderr'] as const) {
            expect(linesOf(log, name)).toEqual(naiveLines(wholeOf(soFar, name)));
          }
        }
        end();
        for (const name of ['stdout', 'stderr'] as const) {
          expect(linesOf(log, name)).toEqual(naiveLines(wholeOf(list, name)));
        }
      }),
      { numRuns: randomCases(300) },
    );
  });

  test('keep their numbers and texts after their end', () => {
    fc.assert(
      fc.property(pieces, (list) => {
        const { log, splitter, take, end } = stage();
        const ended: [number, string][] = [];
        for (const { stream, text } of list) {
          const before = log.end;
          take(text, stream);
          // Not yet shown, so what is new has ended.
          for (let number = before; number < log.end; number += 1)
            ended.push([number, log.get(number)?.text ?? '']);
          splitter.showUnfinished();
        }
        end();
        for (const [number, text] of ended) expect(log.get(number)?.text).toBe(text);
      }),
    );
  });

  test('have the order of their ends if they were not shown before', () => {
    const { take, texts } = stage();
    take('out', 'stdout');
    take('err\n', 'stderr');
    take('put\n', 'stdout');
    expect(texts()).toEqual(['err', 'output']);
  });

  test('have the time at which their text began', () => {
    const { log, take, end } = stage();
    take('a', 'stdout', 5);
    take('b\nc\rd', 'stdout', 6);
    take('e\n\n', 'stdout', 7);
    take('10%\r', 'stdout', 8);
    take('20%', 'stdout', 9);
    end();
    expect(log.slice(0, 9).map(({ text, atMs }) => [text, atMs])).toEqual([
      ['ab', 5],
      ['de', 6],
      ['', 7],
      ['20%', 9],
    ]);
  });
});

describe('an unfinished line', () => {
  test('is shown on a look and grows in place', () => {
    const { log, splitter, take, texts } = stage();
    take('Name: ');
    expect(texts()).toEqual([]);
    splitter.showUnfinished();
    expect(texts()).toEqual(['Name: ']);
    take('warning\n', 'stderr');
    take('ann');
    splitter.showUnfinished();
    expect(texts()).toEqual(['Name: ann', 'warning']);
    take('\nnext\n');
    expect(texts()).toEqual(['Name: ann', 'warning', 'next']);
    expect(log.get(0)).toMatchObject({ stream: 'stdout', text: 'Name: ann' });
  });

  test('changes nothing if it is shown again unchanged', () => {
    const { log, splitter, take } = stage();
    take('abc');
    splitter.showUnfinished();
    const { version } = log;
    splitter.showUnfinished();
    take('');
    splitter.showUnfinished();
    expect(log.version).toBe(version);
  });

  test('of a progress bar is one line with its last state', () => {
    const { log, splitter, take, texts } = stage();
    for (const state of ['10%\r', '20%', '\r30%\r', '\r', '100%\r\n']) {
      take(state);
      splitter.showUnfinished();
      expect(log.end).toBe(1);
    }
    expect(texts()).toEqual(['100%']);
  });

  test('is added again at its end if the log has dropped it', () => {
    const log = new LogBuffer({ lines: 2, units: 1_000 });
    const splitter = new LineSplitter(
      log,
      keepingDigits((text) => text),
    );
    const take = (stream: OutputStream, text: string) =>
      splitter.take({ pieces: [{ stream, atMs: 1, text }], skippedLines: 0, isEnd: false });
    take('stdout', 'begun');
    splitter.showUnfinished();
    take('stderr', '1\n2\n3\n');
    take('stdout', ' and ended\n');
    expect(log.slice(0, 9).map(({ text }) => text)).toEqual(['3', 'begun and ended']);
  });
});

describe('line ends', () => {
  test.each([
    ['CRLF', 'a\r\nb\r\n', ['a', 'b']],
    ['CRLF after a pty', 'a\r\r\nb', ['a', 'b']],
    ['empty lines', '\n\r\n\n', ['', '', '']],
    ['a lone CR overwrites', 'long one\rnew\n', ['new']],
    ['a CR at the end overwrites nothing', 'kept\r', ['kept']],
    ['states up to a line feed', '1\r2\r3\r\n4', ['3', '4']],
  ])('%s', (_, text, expected) => {
    const { take, end, texts } = stage();
    take(text);
    end();
    expect(texts()).toEqual(expected);
    const single = stage();
    for (const unit of text) single.take(unit);
    single.end();
    expect(single.texts()).toEqual(expected);
  });
});

describe('a line that is too long', () => {
  test('is cut, with a mark, and the next one is whole', () => {
    const { take, texts } = stage();
    take(`${'x'.repeat(limit)}\n${'y'.repeat(limit + 1)}\nz\n`);
    expect(texts()).toEqual(['x'.repeat(limit), `${'y'.repeat(limit)}…`, 'z']);
  });

  test('stays within its limit for any amount of text', () => {
    const { log, splitter, take, end } = stage(logLineLimit);
    const piece = 'x'.repeat(1_000);
    for (let count = 0; count < 10_000; count += 1) take(piece);
    splitter.showUnfinished();
    const { version } = log;
    take(piece);
    splitter.showUnfinished();
    // What is dropped is no news.
    expect(log.version).toBe(version);
    end();
    expect(log.slice(0, 9).map(({ text }) => text)).toEqual([`${'x'.repeat(logLineLimit)}…`]);
  });

  test('is overwritten like any other', () => {
    const { take, texts } = stage();
    take(`${'x'.repeat(50)}\rshort\n`);
    take(`${'x'.repeat(50)}\r`);
    take('again\n');
    expect(texts()).toEqual(['short', 'again']);
  });

  test('is not cut through a character', () => {
    const { take, texts } = stage();
    take(`${'x'.repeat(limit - 1)}😀\n`);
    expect(texts()).toEqual([`${'x'.repeat(limit - 1)}…`]);
  });

  test('is also cut if sanitising makes it too long', () => {
    const { take, texts } = stage(limit, (text) => text.replaceAll('\t', '        '));
    take('a\tb\nc\td\te\n');
    expect(texts()).toEqual(['a        b', 'c        d…']);
    take('a\t😀\n');
    expect(texts().at(-1)).toBe('a        …');
  });
});

describe('sanitising', () => {
  test('gets whole lines, each once if it was not shown before its end', () => {
    const seen: string[] = [];
    const { take, texts } = stage(limit, (text) => {
      seen.push(text);
      return text.replaceAll('\u001b[1m', '');
    });
    for (const text of ['a\u001b', '[1', 'mb', '\r\n', 'c\n']) take(text);
    expect(seen).toEqual(['a\u001b[1mb', 'c']);
    expect(texts()).toEqual(['ab', 'c']);
    take(`${'x'.repeat(limit - 1)}😀${'y'.repeat(limit)}\n`);
    expect(seen.at(-1)).toBe('x'.repeat(limit - 1));
    take(`${'z'.repeat(limit * 2)}\n`);
    expect(seen.at(-1)).toBe('z'.repeat(limit));
  });
});

describe('lines that were skipped', () => {
  test('are noted in their place, and lines that they split are marked', () => {
    const { log, take, skip, texts } = stage();
    take('one\ntwo, be', 'stdout', 3);
    skip(7, { stream: 'stdout', atMs: 9, text: 'eight\n' });
    expect(texts()).toEqual(['one', 'two, be…', 7, 'eight']);
    expect(log.get(2)).toEqual({
      kind: 'skipped',
      stream: null,
      atMs: 9,
      text: '',
      styles: '',
      skippedLines: 7,
    });
  });

  test('in a row are added up', () => {
    const { skip, texts } = stage();
    skip(7);
    skip(5);
    expect(texts()).toEqual([12]);
  });

  test('leave a shown unfinished line in its place', () => {
    const { splitter, take, skip, texts } = stage();
    take('begun');
    splitter.showUnfinished();
    skip(2, { stream: 'stdout', atMs: 9, text: 'rest\n' });
    expect(texts()).toEqual(['begun…', 2, 'rest']);
  });

  test('have the time of the last output if theirs is unknown', () => {
    const { log, take, skip } = stage();
    take('a\n', 'stdout', 42);
    skip(1);
    expect(log.get(1)?.atMs).toBe(42);
  });
});

describe('the style at the start of a line', () => {
  const stylesOf = (log: LogBuffer) => log.slice(0, 99).map(({ text, styles }) => `${styles} ${text}`);

  test('is the one at the end of the line before, in each stream', () => {
    const { log, splitter, take } = stage();
    take('1 a\nb');
    splitter.showUnfinished();
    take('2 c\n', 'stderr');
    take('\n4\n\nd\n');
    take('e\n', 'stderr');
    expect(stylesOf(log)).toEqual(['0 1 a', '1 b', '0 2 c', '1 4', '4 ', '4 d', '2 e']);
  });

  test('counts what was overwritten', () => {
    const { log, take } = stage();
    take('1\r2 a\r\r b\r');
    take('c\nd\n');
    take('3');
    take(' e\rf\n');
    expect(stylesOf(log)).toEqual(['2 c', '2 d', '3 f']);
  });

  test('is none after output that is missing', () => {
    const { log, take, skip, end } = stage();
    take(`1\n${'x'.repeat(limit + 1)}\na\n3\n`);
    skip(2, { stream: 'stdout', atMs: 1, text: 'b\n4' });
    skip(2, { stream: 'stdout', atMs: 1, text: 'c\n5\n' });
    take(`${'x'.repeat(limit + 1)}\rd`);
    end();
    const styles = log.slice(0, 99).flatMap(({ kind, styles }) => (kind === 'output' ? [styles] : []));
    expect(styles).toEqual(['0', '1', '0', '0', '0', '0', '0', '0', '0']);
  });
});

test('the end of output ends unfinished lines once', () => {
  const { take, end, texts } = stage();
  take('out', 'stdout');
  take('err', 'stderr');
  end();
  end();
  expect(texts()).toEqual(['out', 'err']);
});

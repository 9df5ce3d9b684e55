import { expect, test } from 'vitest';
import { flowing } from '../../../src/ui/panels/detail-lines.ts';
import { failureDetail } from '../../../src/ui/panels/failure-detail.ts';
import { plainText, span } from '../../../src/ui/text/line.ts';
import { failureEntry } from '../states.ts';

const texts = (lines: ReturnType<typeof flowing>) => lines.map((line) => plainText(line).trimEnd());

test('items flow over as many lines as they need, and only an item that is wider than a line is divided', () => {
  const items = ['one', 'two', 'three', 'a long item'].map((text) => [span(text)]);
  expect(texts(flowing(items, 40))).toEqual(['one  two  three  a long item']);
  expect(texts(flowing(items, 10))).toEqual(['one  two', 'three', 'a long ite', 'm']);
  expect(texts(flowing([], 10))).toEqual(['']);
});

test('an open failure shows all of its first line, the one below the list has a single line for it', () => {
  const entry = {
    ...failureEntry(0, 'Charge'),
    exception: 'Timeout::Error',
    worker: 'web1.example:4711-3:mail',
  };
  const open = texts(failureDetail(entry, 40, true));
  expect(open.slice(0, 2)).toEqual(['Charge  queue mail  Timeout::Error', 'failed (at an unknown time)']);
  expect(open[2]).toBe('worker web1.example:4711-3:mail');
  expect(texts(failureDetail(entry, 40, false))).toEqual(['Charge  queue mail  Timeout::Error  fai…']);
});

test('a failure says what its job used, as far as its record does', () => {
  const entry = { ...failureEntry(0, 'Charge'), cpuMs: 1_250, peakMemoryBytes: 340 * 1_048_576 };
  const line = (shown: typeof entry | Omit<typeof entry, 'peakMemoryBytes'>) =>
    texts(failureDetail(shown, 200, true))[0];
  expect(line(entry)).toContain('  CPU 1.3 s, peak memory 340.0 MiB  ');
  const { peakMemoryBytes: _unknown, ...rest } = entry;
  expect(line(rest)).toContain('  CPU 1.3 s  ');
});

import { expect, onTestFinished, test, vi } from 'vitest';
import type { Job } from '../../../src/engine/jobs/job.ts';
import { LastLines, lastLine, lastLineBytes } from '../../../src/engine/watch/last-lines.ts';
import { printedLineLimit } from '../../../src/protocol/events.ts';

const of = (text: string | Buffer) => lastLine(Buffer.from(text as string).subarray(-lastLineBytes));

test.each([
  ['nothing', '', null],
  ['empty lines', '\n \r\n\t\n', null],
  ['one line', 'a\n', 'a'],
  ['a line that is being written', 'a\nb', 'b'],
  ['empty lines behind it', 'a\nb\n\n  \n', 'b'],
  ['Windows line ends', 'a\r\nb\r\n', 'b'],
  ['progress', '1%\r2%\r3%', '3%'],
  ['progress that ends with CR', '1%\r2%\r', '2%'],
  ['progress that is over', '1%\r2%\r   \r\n', '2%'],
  ['colours around nothing', 'a\n\u001b[31m\u001b[0m\u001b[K\n\u001b]0;title\u0007\n', 'a'],
  ['colours, which stay', '\u001b[31mred\u001b[0m\n', '\u001b[31mred\u001b[0m'],
])('of %s', (_, text, line) => {
  expect(of(text)).toBe(line);
});

test('a long line is cut, between characters', () => {
  expect(of(`${'x'.repeat(printedLineLimit)}y\n`)).toBe('x'.repeat(printedLineLimit));
  expect(of(`${'x'.repeat(printedLineLimit - 1)}😀\n`)).toBe('x'.repeat(printedLineLimit - 1));
});

test('of a line longer than all that is looked at the end is told', () => {
  expect(of(`${'x'.repeat(10_000)}end`)).toBe(`${'x'.repeat(printedLineLimit - 3)}end`);
});

test('characters that are cut at either side don’t show', () => {
  const bytes = Buffer.from('€uro€');
  expect(of(bytes.subarray(1, -1))).toBe('uro');
  expect(of(bytes.subarray(2, -2))).toBe('uro');
});

test('the first line after a while is told without a negative time, which newer versions of Node warn of', () => {
  const timers = vi.spyOn(globalThis, 'setTimeout');
  onTestFinished(() => timers.mockRestore());
  const lines = new LastLines(() => {});
  lines.printed({} as Job, 'stdout');
  lines.stop();
  expect(timers.mock.calls.map(([, ms]) => ms)).toEqual([0]);
});

import { expect, test } from 'vitest';
import {
  type LoggedLines,
  loggedLineLimit,
  loggedLinesLimit,
  logKept,
  OutputLog,
} from '../../../src/engine/output/output-log.ts';

/** Notes lines as `out: text`, and what is left out. */
function noted(): { readonly log: LoggedLines; readonly told: string[] } {
  const told: string[] = [];
  const log: LoggedLines = {
    line: (stream, text) => told.push(`${stream.slice(3)}: ${text}`),
    leftOut: (lines) => told.push(`left out: ${lines}`),
  };
  return { log, told };
}

test('output becomes lines as soon as they are whole, each stream for itself, also within a character', () => {
  const { log, told } = noted();
  const output = new OutputLog(log);
  const [start, end] = [Buffer.from('Grü').subarray(0, 3), Buffer.from('Grü').subarray(3)];
  output.take('stdout', start);
  output.take('stderr', Buffer.from('no\nway'));
  output.take('stdout', Buffer.concat([end, Buffer.from('ße\r\n\n  \n10 %\r20 %\r30 %\n')]));
  expect(told).toEqual(['err: no', 'out: Grüße', 'out: 30 %']);
  output.end();
  expect(told.slice(3)).toEqual(['err: way']);
});

test('a long line is cut, and a line without end needs no memory', () => {
  const { log, told } = noted();
  const output = new OutputLog(log);
  const chunk = Buffer.alloc(1024 * 1024, 'x');
  for (let megabytes = 0; megabytes < 50; megabytes += 1) output.take('stdout', chunk);
  output.take('stdout', Buffer.from('\nnext\n'));
  expect(told.map((line) => line.length)).toEqual([5 + loggedLineLimit, 9]);
  expect(told[0]?.endsWith('x…')).toBe(true);
});

test('after the limit of lines it is told at once that more are left out, and at the end how many', () => {
  const { log, told } = noted();
  const output = new OutputLog(log);
  output.take('stdout', Buffer.from('line\n'.repeat(loggedLinesLimit + 3)));
  expect(told.slice(loggedLinesLimit - 1)).toEqual(['out: line', 'left out: null']);
  output.take('stderr', Buffer.from('line\n'.repeat(4)));
  output.end();
  expect(told.slice(loggedLinesLimit + 1)).toEqual(['left out: 7']);
});

test('of the kept output of a failed job, the last lines are told', () => {
  const { log, told } = noted();
  logKept({ stdout: 'a\n\nb', stderr: 'why\n' }, log);
  expect(told.splice(0)).toEqual(['out: a', 'out: b', 'err: why']);

  logKept({ stdout: 'x\n'.repeat(loggedLinesLimit + 5), stderr: 'why\n' }, log);
  expect(told[0]).toBe('left out: 6');
  expect(told).toHaveLength(loggedLinesLimit + 1);
  expect(told.at(-1)).toBe('err: why');
});

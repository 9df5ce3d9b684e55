import { expect, test } from 'vitest';
import { LoggedOutput, loggedLineLimit, loggedLinesLimit } from '../../../src/engine/jobs/logged-output.ts';
import { OutputTail } from '../../../src/engine/output/output-tail.ts';

/** Notes lines as `out: text`, and what is left out. */
function noted(which: 'all' | 'failed') {
  const told: string[] = [];
  const output = new LoggedOutput({ jobId: '1', queue: 'mail', jobClass: null }, which, (fact) => {
    if (fact.type === 'output.logged') told.push(`${fact.stream.slice(3)}: ${fact.line}`);
    if (fact.type === 'output.left-out') told.push(`left out: ${fact.lines}`);
  });
  return { output, told };
}

function kept(text: string): OutputTail {
  const tail = new OutputTail();
  tail.push(Buffer.from(text));
  return tail;
}

test('output becomes lines as soon as they are whole, each stream for itself, also within a character', () => {
  const { output, told } = noted('all');
  const [start, end] = [Buffer.from('Grü').subarray(0, 3), Buffer.from('Grü').subarray(3)];
  output.take('stdout', start);
  output.take('stderr', Buffer.from('no\nway'));
  output.take('stdout', Buffer.concat([end, Buffer.from('ße\r\n\n  \n10 %\r20 %\r30 %\n')]));
  expect(told).toEqual(['err: no', 'out: Grüße', 'out: 30 %']);
  output.end('succeeded', {});
  expect(told.slice(3)).toEqual(['err: way']);
});

test('a long line is cut, and a line without end needs no memory', () => {
  const { output, told } = noted('all');
  const chunk = Buffer.alloc(1024 * 1024, 'x');
  for (let megabytes = 0; megabytes < 50; megabytes += 1) output.take('stdout', chunk);
  output.take('stdout', Buffer.from('\nnext\n'));
  expect(told.map((line) => line.length)).toEqual([5 + loggedLineLimit, 9]);
  expect(told[0]?.endsWith('x…')).toBe(true);
});

test('after the limit of lines it is told at once that more are left out, and at the end how many', () => {
  const { output, told } = noted('all');
  output.take('stdout', Buffer.from('line\n'.repeat(loggedLinesLimit + 3)));
  expect(told.slice(loggedLinesLimit - 1)).toEqual(['out: line', 'left out: null']);
  output.take('stderr', Buffer.from('line\n'.repeat(4)));
  output.end('succeeded', {});
  expect(told.slice(loggedLinesLimit + 1)).toEqual(['left out: 7']);
});

test('of the kept output of a failed job, the last lines are told', () => {
  const { output, told } = noted('failed');
  output.end('failed', { stdout: kept('a\n\nb'), stderr: kept('why\n') });
  expect(told.splice(0)).toEqual(['out: a', 'out: b', 'err: why']);

  output.end('retried', { stdout: kept('x\n'.repeat(loggedLinesLimit + 5)), stderr: kept('why\n') });
  expect(told[0]).toBe('left out: 6');
  expect(told).toHaveLength(loggedLinesLimit + 1);
  expect(told.at(-1)).toBe('err: why');
});

/** What `enqueue` takes for a request, before anything is opened. */
import { expect, test } from 'vitest';
import { UsageError } from '../../../src/cli/command-line/exit-codes.ts';
import { type EnqueueRequest, readRequest } from '../../../src/cli/enqueue/request.ts';
import { readArguments } from '../../../src/cli/read-arguments.ts';
import { testIo } from '../run-command.ts';

function request(...args: string[]): EnqueueRequest {
  const read = readArguments(['enqueue', ...args], '/');
  if (read.kind === 'help') throw new Error('help');
  return readRequest(testIo().io, read.invocation);
}

test('a job, or a file of them', () => {
  expect(request('mail', 'A', 'b', '--count', '3', '--at-head')).toEqual({
    queue: 'mail',
    source: { kind: 'job', payload: Buffer.from('{"class":"A","args":["b"]}'), count: 3 },
    atHead: true,
    delay: null,
    lock: null,
    resumedId: null,
    isJson: false,
  });
  expect(request('mail', '--file', '-', '--from-line', '7', '--resume', '3fa9c1d2', '--json')).toEqual({
    queue: 'mail',
    source: { kind: 'file', file: '-', fromLine: 7 },
    atHead: false,
    delay: null,
    lock: null,
    resumedId: '3fa9c1d2',
    isJson: true,
  });
});

test.each([
  [['', 'C'], 'the queue is empty'],
  [['q', ' '], 'the class is empty'],
  [['q\nx', 'C'], 'the queue "q\\nx" contains a control character'],
  [['q', 'C\u001b[2J'], 'the class "C\\u001b[2J" contains a control character'],
  [['q'], 'enqueue needs a CLASS, or --file FILE; see resque-runner enqueue --help'],
  [['q', 'C', '--from-line', '2'], '--from-line needs --file; add --file or omit --from-line'],
  [['q', 'C', '--resume', 'x'], '--resume: "x" is not an ID; an ID looks like 3fa9c1d2'],
  [['q', '--file', 'f', '--count', '2'], "--count can't be combined with --file: each line is one job"],
  [['q', 'C', '--file', 'f'], 'CLASS "C" can\'t be combined with --file: each line is one job'],
  [
    ['q', 'C', '1', '--file', 'f'],
    'CLASS and ARG "C 1" can\'t be combined with --file: each line is one job',
  ],
])('%j is refused in words', (args, message) => {
  expect(() => request(...args)).toThrow(new UsageError(message));
});

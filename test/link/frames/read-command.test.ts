import fc from 'fast-check';
import { expect, test } from 'vitest';
import { readCommand } from '../../../src/link/frames/read-command.ts';
import type { Command } from '../../../src/protocol/commands.ts';
import { randomCases } from '../../helpers/random-cases.ts';

const filter = { queue: 'mail', jobClass: null, exception: null, exit: '1', text: null };
const group = { exception: null, jobClass: 'Send' };
const entries = [{ index: 0, recordBase64: 'e30=' }];

const commands: readonly Command[] = [
  { type: 'pause-queue', queue: 'mail' },
  { type: 'resume-queue', queue: 'mail' },
  { type: 'pause-all' },
  { type: 'resume-all' },
  { type: 'reset-queue', queue: 'mail' },
  { type: 'reset-all' },
  { type: 'set-concurrency', runner: 'mail', concurrency: 3 },
  { type: 'kill-job', jobId: 'a91f', signal: 'SIGTERM' },
  { type: 'kill-job', jobId: 'a91f', signal: 'SIGKILL' },
  { type: 'read-backlog' },
  { type: 'read-waiting', queue: 'mail', from: 0, count: 50, text: null },
  { type: 'read-waiting', queue: 'mail', from: 100, count: 50, text: 'ann' },
  { type: 'remove-waiting', queue: 'mail', jobs: [{ index: 0, sha1: 'a94a' }] },
  { type: 'move-waiting', queue: 'mail', job: { index: 7, sha1: 'a94a' }, to: 'head' },
  { type: 'read-statistics', queue: 'mail' },
  { type: 'find-output', text: 'timeout' },
  { type: 'find-failures', filter, before: null, count: 50 },
  { type: 'find-failures', filter, before: 7, count: 50 },
  { type: 'count-failures', filter },
  { type: 'count-failures', filter: { ...filter, olderThan: '30d' } },
  { type: 'group-failures', filter, byQueue: true, before: null },
  { type: 'group-failures', filter, byQueue: true, before: 5_000 },
  { type: 'count-failures', filter: { ...filter, group: { exception: 'E', jobClass: null } } },
  { type: 'remove-matching', filter: { ...filter, group: { ...group, queue: 'mail' } }, within: 1 },
  { type: 'retry-matching', filter: { ...filter, group: null }, within: 1 },
  { type: 'retry-matching', filter: { ...filter, without: ['spam', 'two words'] }, within: 1 },
  { type: 'retry-failures', entries },
  { type: 'remove-failures', entries },
  { type: 'retry-matching', filter, within: 100 },
  { type: 'remove-matching', filter, within: 100 },
  { type: 'read-workers', count: 200 },
  { type: 'remove-worker', worker: 'web1:7:mail' },
  { type: 'read-delayed', text: '', after: null, count: 200 },
  { type: 'read-delayed', text: 'send', after: '1795533619:20', count: 200 },
  { type: 'run-delayed', job: { time: '1795533619', index: 0, sha1: '3fa9' } },
  { type: 'remove-delayed', job: { time: '1795533619', index: 0, sha1: '3fa9' } },
  { type: 'read-schedules' },
  { type: 'reload-config' },
  { type: 'stop', mode: 'quit' },
];

test.each(commands.map((command) => [command.type, command] as const))(
  '%s is read unchanged',
  (_, command) => {
    expect(readCommand(JSON.parse(JSON.stringify(command)))).toEqual(command);
  },
);

test.each(commands.map((command) => [command.type, command] as const))(
  '%s is refused if a field is missing, has a wrong type, or is unknown',
  (_, command) => {
    for (const field of Object.keys(command)) {
      const { [field]: dropped, ...rest } = command as unknown as Record<string, unknown>;
      expect(readCommand(rest), `without ${field}, which is ${String(dropped)}`).toBeTypeOf('string');
      for (const wrong of [
        dropped === true ? 'x' : true,
        { a: 1 },
        ['x'],
        1.5,
        Number.POSITIVE_INFINITY,
        undefined,
      ]) {
        expect(readCommand({ ...rest, [field]: wrong }), `${field} is ${JSON.stringify(wrong)}`).toBeTypeOf(
          'string',
        );
      }
    }
    expect(readCommand({ ...command, more: 1 })).toBe(`${command.type} has no field "more"`);
  },
);

test('what a search may leave out must have the right type if it is there', () => {
  const reads = [
    { type: 'read-waiting', queue: 'mail', from: 0, count: 50, text: null },
    { type: 'read-delayed', text: '', after: null, count: 200 },
  ];
  for (const command of reads) {
    expect(readCommand({ ...command, without: ['bob'] })).toEqual({ ...command, without: ['bob'] });
    for (const wrong of [undefined, null, 'bob', [1], Array.from({ length: 21 }, () => 'bob')])
      expect(readCommand({ ...command, without: wrong })).toBeTypeOf('string');
  }
});

test.each([
  [{ type: 'kill-job', jobId: 'x', signal: 'SIGNOT' }, 'signal of kill-job must be SIGTERM or SIGKILL'],
  [{ type: 'stop', mode: 'constructor' }, 'mode of stop must be quit or terminate or kill'],
  [{ type: 'stop' }, 'stop needs mode'],
  [
    { type: 'find-output', text: 'x'.repeat(5_000) },
    'text of find-output must be a text of at most 4096 characters',
  ],
  [
    { type: 'count-failures', filter: { ...filter, exit: 1 } },
    'filter.exit of count-failures must be a text of at most 4096 characters',
  ],
  [{ type: 'read-workers', count: 0 }, 'count of read-workers must be a whole number from 1 to 1000, got 0'],
  [{ type: 'brew-coffee' }, 'unknown command "brew-coffee"'],
])('%j is refused with a sentence', (command, sentence) => {
  expect(readCommand(command)).toBe(sentence);
});

test('numbers and lists out of range are refused', () => {
  const [entry] = entries;
  const waiting = { type: 'read-waiting', queue: 'mail', from: 0, count: 1, text: null };
  const wrong = [
    ...[0, -1, 1.5, 1_001].map((count) => ({ type: 'find-failures', filter, before: null, count })),
    ...[-1, 0.5, Number.NaN].map((before) => ({ type: 'find-failures', filter, before, count: 1 })),
    ...[-1, 0.5].map((before) => ({ type: 'group-failures', filter, byQueue: true, before })),
    { type: 'retry-failures', entries: [] },
    { type: 'remove-failures', entries: Array.from({ length: 1_001 }, () => entry) },
    ...[Number.NaN, 0.5].map((index) => ({ type: 'retry-failures', entries: [{ ...entry, index }] })),
    ...[-1, 1.5, Number.POSITIVE_INFINITY].map((within) => ({ type: 'remove-matching', filter, within })),
    ...[0, 1_001, 1.5].map((count) => ({ type: 'read-workers', count })),
    ...[0, 501, 1.5].map((count) => ({ type: 'read-delayed', text: '', after: null, count })),
    ...[0, 1_001].map((count) => ({ ...waiting, count })),
    { ...waiting, from: -1 },
    { type: 'remove-waiting', queue: 'mail', jobs: [] },
    {
      type: 'remove-waiting',
      queue: 'mail',
      jobs: Array.from({ length: 101 }, () => ({ index: 0, sha1: 'a' })),
    },
    { type: 'move-waiting', queue: 'mail', job: { index: -1, sha1: 'a' }, to: 'head' },
  ];
  for (const command of wrong) expect(readCommand(command), JSON.stringify(command)).toMatch(/must be/);
});

test.each([
  ['nothing', undefined],
  ['null', null],
  ['a text', 'pause-all'],
  ['a list', [{ type: 'pause-all' }]],
  ['no type', {}],
  ['an unknown type', { type: 'format-disk' }],
  ['a type that every object has', { type: 'toString' }],
  ['a type that is the prototype', { type: '__proto__' }],
  ['a signal that is none of ours', { type: 'kill-job', jobId: 'a', signal: 'SIGSTOP' }],
  ['a mode that is none', { type: 'stop', mode: 'drained' }],
  ['a name without end', { type: 'pause-queue', queue: 'x'.repeat(5_000) }],
  ['a filter with a criterion too many', { type: 'count-failures', filter: { ...filter, since: 1 } }],
  ['a filter with a criterion too few', { type: 'count-failures', filter: { queue: null } }],
  ['a filter that is null', { type: 'count-failures', filter: null }],
  [
    'a group with a name too many',
    { type: 'count-failures', filter: { ...filter, group: { ...group, x: 1 } } },
  ],
  [
    'a group with a name too few',
    { type: 'count-failures', filter: { ...filter, group: { exception: 'E' } } },
  ],
  ['a group that is a text', { type: 'count-failures', filter: { ...filter, group: 'E' } }],
  [
    'a group of a wrong queue',
    { type: 'count-failures', filter: { ...filter, group: { ...group, queue: 1 } } },
  ],
  ['a job without its hash', { type: 'remove-waiting', queue: 'mail', jobs: [{ index: 0 }] }],
  ['an entry without its record', { type: 'retry-failures', entries: [{ index: 0 }] }],
  [
    'an entry with a string as its index',
    { type: 'retry-failures', entries: [{ index: '0', recordBase64: '' }] },
  ],
  ['an entry that is null', { type: 'retry-failures', entries: [null] }],
  ['entries that are no list', { type: 'retry-failures', entries: { 0: entries[0] } }],
])('%s is not a command', (_, value) => {
  expect(readCommand(value)).toBeTypeOf('string');
});

test('an entry of the failed list is reduced to a reference', () => {
  const whole = { ...entries[0], error: 'boom', backtrace: [] };
  expect(readCommand({ type: 'retry-failures', entries: [whole] })).toEqual({
    type: 'retry-failures',
    entries,
  });
});

test('a command with __proto__ is refused', () => {
  expect(readCommand(JSON.parse('{"type":"pause-all","__proto__":{"queue":"x"}}'))).toBeTypeOf('string');
  expect(readCommand(JSON.parse('{"type":"pause-queue","__proto__":{"queue":"x"}}'))).toBeTypeOf('string');
});

test('any JSON value is either a command or refused with a reason', () => {
  const types = fc.constantFrom(...commands.map(({ type }) => type));
  const near = fc.record({
    type: types,
    queue: fc.jsonValue(),
    filter: fc.jsonValue(),
    entries: fc.jsonValue(),
  });
  fc.assert(
    fc.property(fc.oneof(fc.jsonValue(), near), (value) => {
      const read = readCommand(value);
      expect(typeof read === 'string' || commands.some(({ type }) => type === read.type)).toBe(true);
    }),
    { numRuns: randomCases(1_000) },
  );
});

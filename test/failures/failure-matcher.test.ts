import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { failureMatcher } from '../../src/failures/failure-matcher.ts';
import type { FailureFilter } from '../../src/protocol/commands.ts';
import { viewFailure } from '../../src/resque/format/failure-record.ts';
import { randomCases } from '../helpers/random-cases.ts';

const all: FailureFilter = { queue: null, jobClass: null, exception: null, exit: null, text: null };
const record = {
  payload: { class: 'SendMail', args: ['bob@example.org', { Retry: 3 }] },
  exception: 'Net::SMTPError',
  error: 'no such user\nÄRGER',
  queue: 'mail-eu',
  worker: 'web1.runner:12-0:mail-eu',
  exit_code: 12,
  stderr: 'only on stderr',
};
const isMatch = (filter: Partial<FailureFilter>, rest: object = {}) =>
  failureMatcher({ ...all, ...filter })(viewFailure(Buffer.from(JSON.stringify({ ...record, ...rest }))));

test.each<[Partial<FailureFilter>, boolean]>([
  [{}, true],
  [{ queue: 'mail-eu' }, true],
  [{ queue: 'MAIL-EU' }, true],
  [{ queue: 'mail' }, false],
  [{ queue: 'mail*' }, true],
  [{ queue: '*eu' }, true],
  [{ queue: 'm*l*u' }, true],
  [{ queue: '*' }, true],
  [{ queue: 'mail-eu*' }, true],
  [{ queue: 'mail-e*eu' }, false],
  [{ queue: 'm.il-eu' }, false],
  [{ jobClass: 'mail' }, true],
  [{ jobClass: 'bob' }, false],
  [{ exception: 'smtp' }, true],
  [{ exception: 'no such' }, false],
  [{ exit: '12' }, true],
  [{ exit: ' 12 ' }, true],
  [{ exit: '1' }, false],
  [{ exit: 'KILL' }, false],
  [{ exit: '' }, false],
  [{ text: 'SENDMAIL' }, true],
  [{ text: 'bob@' }, true],
  [{ text: '"retry":3' }, true],
  [{ text: 'net::' }, true],
  [{ text: 'ärger' }, true],
  [{ text: 'eu' }, true],
  [{ text: 'web1' }, true],
  [{ text: 'only on stderr' }, false],
  [{ queue: 'mail*', exit: '12', text: 'user' }, true],
  [{ queue: 'mail*', exit: '13', text: 'user' }, false],
])('%j: %s', (filter, expected) => {
  expect(isMatch(filter)).toBe(expected);
});

test.each([
  ['kill', true],
  ['KILL', true],
  ['SIGKILL', true],
  ['sigkill', true],
  ['9', false],
  ['TERM', false],
  ['', false],
])('%s matches a job that died of SIGKILL: %s', (exit, expected) => {
  expect(isMatch({ exit }, { signal: 'SIGKILL', exit_code: undefined })).toBe(expected);
});

describe('an entry that is not a JSON object', () => {
  const view = viewFailure(Buffer.from('junk'));
  test.each<[Partial<FailureFilter>, boolean]>([
    [{}, true],
    [{ queue: '*' }, true],
    [{ queue: 'mail' }, false],
    [{ exit: '0' }, false],
    [{ text: 'junk' }, false],
  ])('matches %j: %s', (filter, expected) => {
    expect(failureMatcher({ ...all, ...filter })(view)).toBe(expected);
  });
});

test('a glob matches the same texts as the equivalent regular expression', () => {
  const word = fc.string({ unit: fc.constantFrom('a', 'b', '*', '.', '['), maxLength: 8 });
  fc.assert(
    fc.property(word, word, (glob, queue) => {
      const source = glob.split('*').map((part) => part.replace(/[.[]/g, '\\$&'));
      expect(isMatch({ queue: glob }, { queue })).toBe(new RegExp(`^${source.join('.*')}$`).test(queue));
    }),
    { numRuns: randomCases(2_000) },
  );
});

test('a hostile glob is matched quickly; backtracking would take years', () => {
  expect(isMatch({ queue: `${'a*'.repeat(5_000)}b` }, { queue: 'a'.repeat(50_000) })).toBe(false);
});

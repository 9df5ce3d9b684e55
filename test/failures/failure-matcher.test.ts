import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { failureMatcher, untimedMatcher } from '../../src/failures/failure-matcher.ts';
import type { FailureFilter } from '../../src/protocol/commands.ts';
import { viewFailure } from '../../src/resque/format/failure-record.ts';
import { randomCases } from '../helpers/random-cases.ts';

const all: FailureFilter = { queue: null, jobClass: null, exception: null, exit: null, text: null };
const nowMs = Date.parse('2026-03-31T12:00:00Z');
const record = {
  failed_at: '2026/03/01 12:00:00 UTC',
  payload: { class: 'SendMail', args: ['bob@example.org', { Retry: 3 }] },
  exception: 'Net::SMTPError',
  error: 'no such user\nÄRGER',
  queue: 'mail-eu',
  worker: 'web1.runner:12-0:mail-eu',
  exit_code: 12,
  stderr: 'only on stderr',
};
const isMatch = (filter: Partial<FailureFilter>, rest: object = {}) =>
  failureMatcher(
    { ...all, ...filter },
    nowMs,
  )(viewFailure(Buffer.from(JSON.stringify({ ...record, ...rest }))));

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
  [{ without: [] }, true],
  [{ without: ['alice'] }, true],
  [{ without: ['alice', 'BOB'] }, false],
  [{ without: ['web1'] }, false],
  [{ without: ['only on stderr'] }, true],
  [{ text: 'bob', without: ['ärger'] }, false],
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
  [{ olderThan: '29d' }, true],
  [{ olderThan: '30d' }, false],
  [{ olderThan: '4w' }, true],
  [{ olderThan: '719h' }, true],
  [{ olderThan: '720h' }, false],
  [{ olderThan: '43199m' }, true],
  [{ olderThan: '2591999s' }, true],
  [{ olderThan: '2592000s' }, false],
  [{ olderThan: '29' }, false],
  [{ olderThan: '' }, false],
  [{ olderThan: '1d', exit: '12' }, true],
  [{ olderThan: '1d', exit: '13' }, false],
  [{ group: { exception: 'Net::SMTPError', jobClass: 'SendMail' } }, true],
  [{ group: { exception: 'Net::SMTPError', jobClass: 'SendMail', queue: 'mail-eu' } }, true],
  [{ group: { exception: 'Net::SMTPError', jobClass: 'SendMail', queue: 'mail' } }, false],
  [{ group: { exception: 'Net::SMTPError', jobClass: 'SendMail', queue: null } }, false],
  [{ group: { exception: 'net::smtperror', jobClass: 'SendMail' } }, false],
  [{ group: { exception: 'Net::SMTP', jobClass: 'SendMail' } }, false],
  [{ group: { exception: 'Net::SMTPError', jobClass: 'Send' } }, false],
  [{ group: { exception: 'Net::SMTPError', jobClass: null } }, false],
  [{ group: null }, true],
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
    [{ olderThan: '0s' }, false],
  ])('matches %j: %s', (filter, expected) => {
    expect(failureMatcher({ ...all, ...filter }, nowMs)(view)).toBe(expected);
  });
});

describe('whether a failure is older than a day', () => {
  test.each([
    ['Ruby in UTC', '2026/03/30 11:59:59 UTC', true],
    ['exactly a day', '2026/03/30 12:00:00 UTC', false],
    ['the future', '2026/04/30 12:00:00 UTC', false],
    // At most 12 hours behind UTC.
    ['a zone that only its writer knows', '2026/03/29 23:59:59 CET', true],
    ['a zone that only its writer knows, in doubt', '2026/03/30 00:00:01 CET', false],
    ['a zone with two meanings', '2026/03/30 00:00:01 CST', false],
    ['no zone, as pyres and resque-retry write it', '2026/03/29 23:59:59', true],
    ['no zone, in doubt', '2026/03/30 00:00:01', false],
    ['php-resque', 'Sun Mar 29 23:59:59 CEST 2026', true],
    ['node-resque', 'Mon Mar 30 2026 13:59:59 GMT+0200 (Central European Summer Time)', true],
    ['ISO 8601', '2026-03-30T13:59:59+02:00', true],
    ['seconds', '1774871999', true],
    ['no time', 'a job with 5', false],
    ['a number that is no time', '5', false],
    ['nothing', '', false],
    ['another type', 1774871999, false],
    ['null', null, false],
  ])('%s', (_, failedAt, expected) => {
    expect(isMatch({ olderThan: '1d' }, { failed_at: failedAt })).toBe(expected);
  });
});

test.each([
  ['a job with 5', {}, true],
  [undefined, {}, true],
  ['a job with 5', { exit: '13' }, false],
  ['2026/03/30 00:00:01 CET', {}, false],
])('a failure at %j is without a readable time to %j: %s', (failedAt, filter, expected) => {
  const view = viewFailure(Buffer.from(JSON.stringify({ ...record, failed_at: failedAt })));
  expect(untimedMatcher({ ...all, ...filter, olderThan: '1d' })(view)).toBe(expected);
  expect(untimedMatcher({ ...all, ...filter })(view)).toBe(false);
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

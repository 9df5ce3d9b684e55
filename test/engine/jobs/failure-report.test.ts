import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type FailedRun, failureReport } from '../../../src/engine/jobs/failure-report.ts';
import { noResult } from '../../../src/engine/process/result-lines.ts';
import { oddOutputs } from '../../fixtures/odd-outputs.ts';
import { randomCases } from '../../helpers/random-cases.ts';

function report(stderr: string, rest: Partial<FailedRun> = {}) {
  const end = { exitCode: 1, signal: null };
  return failureReport({
    end,
    killedFor: null,
    timeoutSeconds: 5,
    answer: null,
    stderr,
    stdout: '',
    ...rest,
  });
}

const killed = { end: { exitCode: null, signal: 'SIGKILL' as const } };

describe('what a job says of its failure, when it prints', () => {
  // What the records do to it afterwards is theirs: markup, lone surrogates, what is cut.
  const shortOnes = oddOutputs.filter(({ stderr, name }) => stderr.length < 60_000 && !/markup/.test(name));
  test.each(shortOnes)('$name', ({ stderr, stdout = '', exitCode = 1, record, mentions = [] }) => {
    const said = report(stderr.toString(), { stdout, end: { exitCode, signal: null } });
    if (record.exception !== undefined) expect(said.exception).toBe(record.exception);
    if (record.error !== undefined) expect(said.error.trim()).toBe(record.error);
    if (record.backtrace !== undefined) expect(said.backtrace).toEqual(record.backtrace);
    if (record.stderr !== undefined) expect(said.stderr.trim()).toBe(record.stderr);
    if (record.stdout !== undefined) expect(said.stdout.trim()).toBe(record.stdout);
    const all = [said.exception, said.error, ...(said.backtrace ?? []), said.stderr, said.stdout].join('\n');
    for (const mention of mentions) expect(all).toContain(mention);
  });
});

describe('a job that was killed', () => {
  test('by a signal from somewhere is a dirty exit', () => {
    expect(report('', killed)).toMatchObject({
      exception: 'Resque::DirtyExit',
      error: 'killed by signal SIGKILL',
    });
    expect(report('oops', killed).error).toBe('killed by signal SIGKILL: oops');
  });

  test('by its timeout has timed out, whatever it says of itself', () => {
    const said = report('{"exception":"Mine","error":"x"}', { ...killed, killedFor: 'timeout' });
    expect(said).toMatchObject({ exception: 'TimeoutError', error: 'timed out after 5 s: x' });
    expect(report('', { killedFor: 'timeout', end: { exitCode: 0, signal: null } })).toMatchObject({
      exception: 'TimeoutError',
      error: 'timed out after 5 s',
    });
  });

  test('by a shutdown is terminated', () => {
    const said = report('half way', { ...killed, killedFor: 'shutdown' });
    expect(said.exception).toBe('Resque::TermException');
    expect(said.error).toContain('half way');
  });

  test.each(['operator', 'signal'] as const)('on request (%s) is a dirty exit', (killedFor) => {
    expect(report('', { ...killed, killedFor }).exception).toBe('Resque::DirtyExit');
  });

  test('by a signal of its own may say more itself', () => {
    expect(report('{"exception":"Mine","error":"x"}', killed)).toMatchObject({
      exception: 'Mine',
      error: 'x',
    });
  });
});

describe('a persistent child', () => {
  const goesOn = { exitCode: null, signal: null };
  const breach = { kind: 'breach', sentence: 'did what is not agreed' } as const;

  test('that tells of a failure is believed, and STDERR is what it had to say besides', () => {
    const told = { exception: 'E', error: 'x', backtrace: ['a:1', 'b:2'] };
    const stderr = 'one\n{"exception":"Not","error":"this"}\n';
    expect(report(stderr, { end: goesOn, answer: { kind: 'failure', told }, stdout: 'out' })).toEqual({
      ...told,
      stderr: stderr.trimEnd(),
      stdout: 'out',
    });
  });

  test.each([{ exception: 'E' }, { exception: 'E', error: '' }, { exception: 'E', error: null }])(
    'that tells no error (%j) has not said why, and has no exit code to say it',
    (told) => {
      const said = report('noise', { end: goesOn, answer: { kind: 'failure', told } });
      expect(said).toMatchObject({ exception: 'E', error: 'it did not say why', stderr: 'noise' });
    },
  );

  test('that tells of very much is cut', () => {
    const text = 'x'.repeat(1_000_000);
    const said = report('', {
      end: goesOn,
      answer: { kind: 'failure', told: { exception: text, error: text } },
    });
    expect([said.exception.length, said.error.length]).toEqual([65_536, 65_536]);
  });

  test.each(['timeout', 'shutdown', 'operator', 'signal'] as const)(
    'that was killed (%s) has that told first',
    (killedFor) => {
      const answer = { kind: 'failure', told: { exception: 'E', error: 'x' } } as const;
      const said = report('', { end: goesOn, answer, killedFor });
      expect(said.exception).not.toBe('E');
      expect(said.error).toMatch(/: x$/);
      for (const other of [breach, noResult]) {
        expect(report('', { end: goesOn, answer: other, killedFor }).exception).toBe(said.exception);
      }
    },
  );

  test('that breaks the agreement has that told, with what it printed', () => {
    expect(report('', { end: goesOn, answer: breach })).toMatchObject({
      exception: 'InvalidResultError',
      error: 'the persistent child did what is not agreed',
    });
    expect(report('oops\n', { end: goesOn, answer: breach }).error).toBe(
      'the persistent child did what is not agreed: oops',
    );
    expect(report('{"exception":"E","error":"x"}', { end: goesOn, answer: breach })).toMatchObject({
      exception: 'InvalidResultError',
      error: 'the persistent child did what is not agreed: x',
    });
  });

  test('that ends with exit code 0 and without a result has broken it, too', () => {
    expect(report('', { end: { exitCode: 0, signal: null }, answer: noResult })).toMatchObject({
      exception: 'InvalidResultError',
      error: 'the persistent child ended before it had written a result',
    });
  });

  test('that ends with another exit code, or by a signal, is as any other child', () => {
    expect(report('oops', { answer: noResult })).toEqual(report('oops'));
    expect(report('{"exception":"E","error":"x"}', { answer: noResult })).toMatchObject({ exception: 'E' });
    expect(report('oops', { ...killed, answer: noResult })).toEqual(report('oops', killed));
  });
});

// The stack once overflowed where such a value was written out again.
test.each(['exception', 'error', 'backtrace'])('a report whose %s is deep JSON is told', (member) => {
  const deep = `${'['.repeat(20_000)}"deep"${']'.repeat(20_000)}`;
  expect(report(`{"${member}":${deep}}`).error).not.toBe('');
  expect(report(`{"exception":"E","${member}":${deep}}`).exception).not.toBe('');
  expect(report(`{"backtrace":[{"toString":1}],"${member}":"x"}`).error).not.toBe('');
});

test('any output gives an exception, an error, and a backtrace that is an array of strings or null', () => {
  const member = fc.constantFrom('exception', 'error', 'backtrace', 'other', '__proto__');
  const json = fc.dictionary(member, fc.jsonValue()).map((object) => JSON.stringify(object));
  const text = fc.oneof(
    json,
    fc.string({ unit: 'binary' }),
    fc.tuple(fc.string(), json).map((lines) => lines.join('\n')),
  );
  const killedFor = fc.constantFrom(null, 'timeout', 'shutdown', 'operator', 'signal');
  const exitCode = fc.option(fc.nat(255));
  fc.assert(
    fc.property(text, text, killedFor, exitCode, (stderr, stdout, reason, code) => {
      const end = { exitCode: code, signal: code === null ? ('SIGTERM' as const) : null };
      const said = report(stderr, { stdout, end, killedFor: reason as FailedRun['killedFor'] });
      expect(said.exception).not.toBe('');
      expect(said.error).not.toBe('');
      for (const line of said.backtrace ?? []) expect(line).toBeTypeOf('string');
    }),
    { numRuns: randomCases(200) },
  );
});

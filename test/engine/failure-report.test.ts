import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type FailedRun, failureReport } from '../../src/engine/failure-report.ts';
import { oddOutputs } from '../fixtures/odd-outputs.ts';

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
    { numRuns: 200 },
  );
});

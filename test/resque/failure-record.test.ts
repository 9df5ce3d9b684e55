import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Failure, failureRecord } from '../../src/resque/failure-record.ts';
import { readPayload } from '../../src/resque/payload.ts';
import { assertSafeForResqueWeb, type FailureRecord } from '../helpers/resque-web.ts';
import { anyBytes, jsonObjects, nested, wrapper } from './payloads.ts';

const failedAt = new Date('2026-11-24T15:20:19.123Z');

/** A record as it is read back, checked for all that breaks resque-web. */
function recordOf(failure: Partial<Failure> & { text?: string | Buffer } = {}): FailureRecord {
  const { text = '{"class":"A","args":[1]}', ...rest } = failure;
  const json = failureRecord({
    failedAt,
    worker: 'h.runner:1-0:mail',
    queue: 'mail',
    payload: readPayload(Buffer.from(text as string)),
    exception: 'E',
    error: 'x',
    backtrace: null,
    exitCode: 1,
    signal: null,
    stderr: '',
    stdout: '',
    ...rest,
  });
  return assertSafeForResqueWeb(Buffer.from(json));
}

test('a record has the members of Resque and the exit code, and nothing else', () => {
  expect(recordOf({ backtrace: ['at a', 'at b'] })).toEqual({
    failed_at: '2026/11/24 15:20:19 UTC',
    payload: { class: 'A', args: [1] },
    exception: 'E',
    error: 'x',
    backtrace: ['at a', 'at b'],
    worker: 'h.runner:1-0:mail',
    queue: 'mail',
    exit_code: 1,
  });
});

test('the signal stands in place of the exit code', () => {
  const record = recordOf({ exitCode: null, signal: 'SIGKILL' });
  expect(record.signal).toBe('SIGKILL');
  expect(record).not.toHaveProperty('exit_code');
});

test('a job that never ran has an exit code of null', () => {
  expect(recordOf({ exitCode: null }).exit_code).toBeNull();
});

test('what a job printed stands there where there is any', () => {
  expect(recordOf({ stderr: 'err', stdout: 'out' })).toMatchObject({ stderr: 'err', stdout: 'out' });
});

test('the payload stands in the record byte for byte', () => {
  const text = '{ "class":"A", "args":[9007199254740993, 1.0, "ä"], "class":"A" }';
  const json = failureRecord({
    ...{ failedAt, worker: 'w', queue: 'q', exception: 'E', error: '', backtrace: null },
    ...{ exitCode: 1, signal: null, stderr: '', stdout: '', payload: readPayload(Buffer.from(text)) },
  });
  expect(json).toContain(`"payload":${text},`);
  expect(json).not.toContain('raw_payload');
});

describe('a payload that can not stand in the record is kept as raw_payload:', () => {
  test.each([
    ['text', 'not JSON'],
    ['nothing', ''],
    ['an array', '[1]'],
    ['a number', '42'],
    ['control characters', '\0\x1b[31m\x7f'],
    ['a lone surrogate', String.raw`{"class":"A","args":["\ud800"]}`],
    ['a wrapper without a job', `{"class":"${wrapper}","args":[]}`],
    ['deep JSON', nested(300)],
  ])('%s', (_, text) => {
    const record = recordOf({ text });
    expect(record.raw_payload).toBe(text);
    expect(record).not.toHaveProperty('raw_payload_base64');
  });

  test('in base64 where it is no UTF-8', () => {
    const bytes = Buffer.from('{"args":["\xe9\xff"]}', 'latin1');
    const record = recordOf({ text: bytes });
    expect(Buffer.from(record.raw_payload_base64 ?? '', 'base64').equals(bytes)).toBe(true);
    expect(record).not.toHaveProperty('raw_payload');
  });
});

test('markup in exception and queue is taken out, in error it stays', () => {
  const record = recordOf({ exception: 'A<b>', queue: 'q<i>', error: '<b>' });
  expect(record).toMatchObject({ exception: 'Ab', queue: 'qi', error: '<b>' });
});

test('an exception of nothing but markup leaves some name', () => {
  expect(recordOf({ exception: '<>' }).exception).not.toBe('');
});

test('no record breaks resque-web, and none loses the payload, whatever is in it', () => {
  const text = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.constantFrom('\ud800', 'a\udc00', '</script>', '\0', '\u2028'),
  );
  const failure = fc.record({
    payload: fc.oneof(jsonObjects, anyBytes).map(readPayload),
    worker: text,
    queue: text,
    exception: text.filter((name) => /[^<>]/.test(name)),
    error: text,
    backtrace: fc.option(fc.array(text, { maxLength: 3 })),
    exitCode: fc.option(fc.nat(255)),
    signal: fc.option(fc.constantFrom('SIGKILL', 'SIGTERM')),
    stderr: text,
    stdout: text,
  });
  fc.assert(
    fc.property(failure, (rest) => {
      const record = recordOf(rest);
      const { raw_payload: raw, raw_payload_base64: base64 } = record;
      const bytes = rest.payload.bytes;
      if (typeof raw === 'string') expect(Buffer.from(raw).equals(bytes)).toBe(true);
      else if (typeof base64 === 'string') expect(Buffer.from(base64, 'base64').equals(bytes)).toBe(true);
      else expect(record.payload).toEqual(JSON.parse(bytes.toString()));
    }),
    { numRuns: 500 },
  );
});

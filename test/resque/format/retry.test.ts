import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { failureRecord, retryOf, viewFailure } from '../../../src/resque/format/failure-record.ts';
import { readPayload } from '../../../src/resque/format/payload.ts';
import { randomCases } from '../../helpers/random-cases.ts';
import { assertSafeForResqueWeb } from '../../helpers/resque-web.ts';
import { anyBytes, jsonObjects } from '../payloads.ts';

const now = new Date('2026-11-25T01:02:03Z');
const nowText = '2026/11/25 01:02:03 UTC';

function retry(record: string | Buffer): { record: string; queue: string; payload: string } | null {
  const done = retryOf(Buffer.from(record as string), now);
  return done && { record: done.record.toString(), queue: done.queue, payload: done.payload.toString() };
}

test('the payload goes back byte for byte, and the rest of the entry is unchanged', () => {
  const payload = '{ "class":"A","args":[9007199254740993,1.0],"id":"x", "class":"A" }';
  const done = retry(`{"failed_at":"x", "payload": ${payload} ,"queue":"mail"}`);
  expect(done).toEqual({
    record: `{"failed_at":"x", "payload": ${payload} ,"queue":"mail","retried_at":"${nowText}"}`,
    queue: 'mail',
    payload,
  });
});

test('the time of an earlier retry is replaced in place', () => {
  const done = retry('{"retried_at": "old" ,"payload":{},"queue":"mail","error":"\\"retried_at\\":1"}');
  expect(done?.record).toBe(
    `{"retried_at": "${nowText}" ,"payload":{},"queue":"mail","error":"\\"retried_at\\":1"}`,
  );
});

test('nested members named retried_at or payload are left alone', () => {
  const inner = '{"retried_at":"a","payload":{"b":1}}';
  const done = retry(`{"payload":${inner},"queue":"q"} \n`);
  expect(done).toEqual({
    record: `{"payload":${inner},"queue":"q","retried_at":"${nowText}"} \n`,
    queue: 'q',
    payload: inner,
  });
});

test('raw_payload goes back instead of its stand-in', () => {
  const raw = String.raw`{"class":"A","args":["\ud800"]}`;
  const record = JSON.stringify({ payload: { class: 'A' }, queue: 'q', raw_payload: raw });
  expect(retry(record)?.payload).toBe(raw);
});

test('raw_payload_base64 goes back as decoded bytes', () => {
  const bytes = Buffer.from('\xff\x00{', 'latin1');
  const record = JSON.stringify({ payload: null, queue: 'q', raw_payload_base64: bytes.toString('base64') });
  expect(retryOf(Buffer.from(record), now)?.payload.equals(bytes)).toBe(true);
});

describe('there is nothing to retry in', () => {
  test.each([
    ['nothing', ''],
    ['text', 'oops'],
    ['JSON that is cut off', '{"queue":"q","payload":{}'],
    ['an array', '[]'],
    ['null', 'null'],
    ['a number', '7'],
    ['an entry without a queue', '{"payload":{}}'],
    ['an entry with an empty queue', '{"payload":{},"queue":""}'],
    ['a queue that is no string', '{"payload":{},"queue":7}'],
    ['an entry without a payload', '{"queue":"q"}'],
    ['a payload of null', '{"queue":"q","payload":null}'],
    ['a payload that is a string', '{"queue":"q","payload":"{}"}'],
    ['a payload that is an array', '{"queue":"q","payload":[]}'],
  ])('%s', (_, record) => {
    expect(retry(record)).toBeNull();
    expect(viewFailure(Buffer.from(record)).isRetryable).toBe(false);
  });
});

test('what we record of any payload brings back exactly its bytes, any number of times', () => {
  fc.assert(
    fc.property(fc.oneof(jsonObjects, anyBytes), fc.string({ unit: 'binary' }), (bytes, error) => {
      let record: Buffer = Buffer.from(
        failureRecord({
          ...{ failedAt: now, worker: 'w', queue: 'q', exception: 'E', error, backtrace: [error] },
          ...{ exitCode: 1, signal: null, stderr: error, stdout: '', payload: readPayload(bytes) },
        }),
      );
      for (let time = 0; time < 2; time += 1) {
        const done = retryOf(record, now);
        expect(viewFailure(record).isRetryable).toBe(true);
        expect(done?.payload.equals(bytes)).toBe(true);
        record = done?.record ?? Buffer.alloc(0);
        expect(assertSafeForResqueWeb(record)).toMatchObject({
          retried_at: nowText,
          error: error.toWellFormed(),
        });
      }
    }),
    { numRuns: randomCases(500) },
  );
});

// As `echo … | redis-cli -x RPUSH` pushes it.
test('white space around a payload comes back too', () => {
  const text = ' {"class":"A"}\n';
  const record = failureRecord({
    ...{ failedAt: now, worker: 'w', queue: 'q', exception: 'E', error: '', backtrace: [] },
    ...{ exitCode: 1, signal: null, stderr: '', stdout: '', payload: readPayload(Buffer.from(text)) },
  });
  expect(retry(record)?.payload).toBe(text);
});

test('a job of a queue with markup in its name goes back to that queue', () => {
  const record = failureRecord({
    ...{ failedAt: now, worker: 'w', queue: 'a<b>', exception: 'E', error: '', backtrace: [] },
    ...{ exitCode: 1, signal: null, stderr: '', stdout: '', payload: readPayload(Buffer.from('{}')) },
  });
  expect(retry(record)?.queue).toBe('a<b>');
});

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { readPayload } from '../../../src/resque/format/payload.ts';
import {
  isUnlockedRecord,
  payloadOfRecord,
  queueOfRecord,
  stepOfRecord,
  workerRecord,
} from '../../../src/resque/format/worker-record.ts';
import { randomCases } from '../../helpers/random-cases.ts';
import { assertSafeWorkerRecord } from '../../helpers/resque-web.ts';
import { anyBytes, jsonObjects } from '../payloads.ts';

const runAt = new Date('2026-11-24T15:20:19Z');
const about = { worker: 'web1.runner:4-3:mail', queue: 'mail', runAt, step: 7 };

test("a record has Resque's members, in its order, and the name that node-resque needs", () => {
  const payload = readPayload(Buffer.from('{"class":"A"}'));
  expect(workerRecord({ ...about, payload })).toBe(
    '{"queue":"mail","run_at":"2026-11-24T15:20:19Z","worker":"web1.runner:4-3","step":7,"payload":{"class":"A"}}',
  );
});

test('a record says whether the locks of the start are deleted, whatever its payload says', () => {
  const payload = readPayload(Buffer.from('{"class":"A","unlocked":true,"step":8}'));
  const records = [false, true].map((isUnlocked) => workerRecord({ ...about, payload, isUnlocked }));
  expect(records.map((record) => isUnlockedRecord(Buffer.from(record)))).toEqual([false, true]);
  expect(records.map((record) => stepOfRecord(Buffer.from(record)))).toEqual([7, 7]);
});

test.each([
  '{"queue":"mail","run_at":"2026-11-24T15:20:19Z","step":7,"payload":{"step":8}}',
  '{"queue":"mail","run_at":"2026-11-24T15:20:19Z","worker":"h:1-0","step":7,"payload":{"step":8}}',
])('reads records of this version and of older ones: %s', (text) => {
  const record = Buffer.from(text);
  expect(stepOfRecord(record)).toBe(7);
  expect(queueOfRecord(record)).toBe('mail');
  expect(payloadOfRecord(record)?.bytes.toString()).toBe('{"step":8}');
});

test('a record is harmless and has queue and payload, whatever they contain', () => {
  const name = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.constantFrom('a","payload":{}', ',"run_at":', '\ud800'),
  );
  fc.assert(
    fc.property(fc.oneof(jsonObjects, anyBytes), name, name, (bytes, queue, host) => {
      const payload = readPayload(bytes);
      const worker = `${host}:4-3:${queue}`;
      const record = Buffer.from(workerRecord({ ...about, worker, queue, payload }));
      assertSafeWorkerRecord(record);
      expect(queueOfRecord(record)).toBe(queue.replace(/[<>]/g, '').toWellFormed());
      expect(stepOfRecord(record)).toBe(7);
      if (payload.isObject && payload.isVerbatim) {
        expect(payloadOfRecord(record)?.bytes.equals(bytes)).toBe(true);
      }
    }),
    { numRuns: randomCases(1_000) },
  );
});

test.each(['', '{}', 'junk', '{"queue":"a"}', '[]'])(
  'a record that is none of ours has no job: %s',
  (record) => {
    expect(queueOfRecord(Buffer.from(record))).toBeNull();
    expect(payloadOfRecord(Buffer.from(record))).toBeNull();
  },
);

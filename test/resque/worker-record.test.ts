import fc from 'fast-check';
import { expect, test } from 'vitest';
import { readPayload } from '../../src/resque/payload.ts';
import {
  payloadOfRecord,
  queueOfRecord,
  stepOfRecord,
  workerRecord,
} from '../../src/resque/worker-record.ts';
import { assertSafeWorkerRecord } from '../helpers/resque-web.ts';
import { anyBytes, jsonObjects } from './payloads.ts';

const runAt = new Date('2026-11-24T15:20:19Z');

test('a record has the members of Resque, in its order', () => {
  const record = workerRecord('mail', readPayload(Buffer.from('{"class":"A"}')), runAt, 7);
  expect(record).toBe('{"queue":"mail","run_at":"2026-11-24T15:20:19Z","step":7,"payload":{"class":"A"}}');
});

test('a record is harmless and says queue and payload, whatever they are', () => {
  const name = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.constantFrom('a","payload":{}', ',"run_at":', '\ud800'),
  );
  fc.assert(
    fc.property(fc.oneof(jsonObjects, anyBytes), name, (bytes, queue) => {
      const payload = readPayload(bytes);
      const record = Buffer.from(workerRecord(queue, payload, runAt, 7));
      assertSafeWorkerRecord(record);
      expect(queueOfRecord(record)).toBe(queue.replace(/[<>]/g, '').toWellFormed());
      expect(stepOfRecord(record)).toBe(7);
      if (payload.isObject && payload.isVerbatim) {
        expect(payloadOfRecord(record)?.bytes.equals(bytes)).toBe(true);
      }
    }),
    { numRuns: 1_000 },
  );
});

test.each(['', '{}', 'junk', '{"queue":"a"}', '[]'])(
  'a record that is none of ours has no job: %s',
  (record) => {
    expect(queueOfRecord(Buffer.from(record))).toBeNull();
    expect(payloadOfRecord(Buffer.from(record))).toBeNull();
  },
);

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { viewFailure } from '../../../src/resque/format/failure-record.ts';
import { anyBytes, jsonObjects, nested } from '../payloads.ts';

const view = (record: string) => viewFailure(Buffer.from(record));

test('shows all members of an entry of Resque', () => {
  const record = {
    failed_at: '2026/11/24 15:20:19 UTC',
    retried_at: '2026/11/24 15:21:00 UTC',
    payload: { class: 'A', args: [1, 'a'] },
    exception: 'E',
    error: 'x',
    backtrace: ['at a'],
    worker: 'h:1:mail',
    queue: 'mail',
    exit_code: 3,
    cpu_ms: 12.5,
    peak_memory_bytes: 7_000,
    stderr: 'err',
    stdout: 'out',
  };
  expect(view(JSON.stringify(record))).toEqual({
    isReadable: true,
    failedAt: record.failed_at,
    retriedAt: record.retried_at,
    queue: 'mail',
    worker: 'h:1:mail',
    jobClass: 'A',
    args: '[1,"a"]',
    exception: 'E',
    error: 'x',
    backtrace: ['at a'],
    stderr: 'err',
    stdout: 'out',
    exitCode: 3,
    signal: null,
    cpuMs: 12.5,
    peakMemoryBytes: 7_000,
    isRetryable: true,
  });
});

test('shows the job behind a stand-in, and the stand-in of bytes that are not a job', () => {
  const shown = (raw: string) => {
    const members = { payload: { class: 'InvalidPayload', args: [raw] }, raw_payload: raw, queue: 'q' };
    const { jobClass, args, isRetryable } = view(JSON.stringify(members));
    return [jobClass, args, isRetryable];
  };
  expect(shown('{"args":[1]}')).toEqual([null, '[1]', true]);
  expect(shown(nested(200)).slice(0, 1)).toEqual(['Deep']);
  expect(shown('broken')).toEqual(['InvalidPayload', '["broken"]', true]);
});

test.each(['', 'junk', '[]', 'null', '7', '"x"'])(
  'an entry that is no object is unreadable: %s',
  (record) => {
    expect(view(record)).toMatchObject({
      isReadable: false,
      isRetryable: false,
      queue: null,
      error: null,
      backtrace: [],
    });
  },
);

test('members of the wrong type are shown as missing', () => {
  const record = '{"failed_at":1,"payload":[],"exception":{},"error":null,"backtrace":"x","exit_code":"1"}';
  expect(view(record)).toMatchObject({
    isReadable: true,
    failedAt: null,
    jobClass: null,
    args: '',
    exception: null,
    error: null,
    backtrace: [],
    exitCode: null,
  });
});

test.each([
  // String() of such an object throws.
  ['objects in the backtrace that can not be made text', '{"backtrace":[{"toString":1}]}'],
  ['a backtrace of everything', '{"backtrace":[1,null,{"a":1},["b"],true]}'],
  ['deep args', `{"payload":${nested(20_000)}}`],
  ['a deep backtrace', `{"backtrace":[${'['.repeat(20_000)}${']'.repeat(20_000)}]}`],
])('shows an entry despite %s', (_, record) => {
  const { isReadable, backtrace } = view(record);
  expect(isReadable).toBe(true);
  for (const line of backtrace) expect(line).toBeTypeOf('string');
});

test('any bytes can be shown', () => {
  fc.assert(
    fc.property(fc.oneof(anyBytes, jsonObjects), (bytes) => {
      expect(viewFailure(bytes).isReadable).toBeTypeOf('boolean');
    }),
  );
});

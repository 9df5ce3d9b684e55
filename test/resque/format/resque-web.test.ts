import { describe, expect, test } from 'vitest';
import { type Failure, failureRecord } from '../../../src/resque/format/failure-record.ts';
import { readPayload } from '../../../src/resque/format/payload.ts';
import { resqueWebFields } from '../../../src/resque/format/resque-web.ts';

function fields(payload: string, rest: Partial<Failure> = {}) {
  const failure: Failure = {
    failedAt: new Date('2026-11-24T15:20:19Z'),
    worker: 'web1.runner:4431-0:mail',
    queue: 'mail',
    payload: readPayload(Buffer.from(payload)),
    exception: 'NoSuchUser',
    error: 'user 7 is gone',
    backtrace: ['job.sh:1', 'main'],
    exitCode: 1,
    signal: null,
    stderr: '',
    stdout: '',
    ...rest,
  };
  return resqueWebFields(failureRecord(failure));
}

describe('resque-web shows', () => {
  test('of a failure its worker, class, arguments, exception, error and backtrace', () => {
    expect(fields('{"class":"Send","args":["bob",{"id":12345678901234567890}]}')).toEqual({
      worker: 'web1.runner:4431-0 on mail at 2026/11/24 15:20:19 +0000',
      class: 'Send',
      arguments: '--- bob\n\n---\nid: 12345678901234567890\n',
      exception: 'NoSuchUser',
      error: 'user 7 is gone',
      backtrace: 'job.sh:1\nmain',
    });
  });

  test('no backtrace where there is none', () => {
    expect(fields('{}', { backtrace: [] }).backtrace).toBe('');
  });

  test.each([
    ['what is not JSON', 'broken', 'InvalidPayload', '--- broken\n'],
    ['no class', '{}', 'InvalidPayload', '--- "{}"\n'],
    ['no args', '{"class":"A"}', 'A', ''],
    ['a class that is no string', '{"class":{"a":1},"args":5}', '{"a":1}', '--- 5\n'],
    [
      'a job of ActiveJob',
      '{"class":"ActiveJob::QueueAdapters::ResqueAdapter::JobWrapper","args":[{"job_class":"Mail"}]}',
      'Mail (via ActiveJob)',
      '---\njob_class: Mail\n',
    ],
    ['the last of two members', '{"class":"A","class":"B","args":[1],"args":[2]}', 'B', '--- 2\n'],
  ])('%s', (_, payload, name, args) => {
    const shown = fields(payload);
    expect([shown.class, shown.arguments]).toEqual([name, args]);
  });
});

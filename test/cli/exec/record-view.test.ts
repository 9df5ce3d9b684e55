import { describe, expect, test } from 'vitest';
import { resqueWebFields } from '../../../src/cli/exec/record-view.ts';
import { type Failure, failureRecord } from '../../../src/resque/format/failure-record.ts';
import { readPayload } from '../../../src/resque/format/payload.ts';

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
  test('the worker, class, arguments, exception, error and backtrace of a failure', () => {
    expect(fields('{"class":"Send","args":["bob",{"id":12345678901234567890}]}')).toEqual({
      worker: 'web1.runner:4431-0 on mail at 2026/11/24 15:20:19 +0000',
      class: 'Send',
      arguments: '"bob"\n{"id":12345678901234567890}',
      exception: 'NoSuchUser',
      error: 'user 7 is gone',
      backtrace: 'job.sh:1\nmain',
    });
  });

  test('no backtrace if there is none', () => {
    expect(fields('{}', { backtrace: [] }).backtrace).toBe('');
  });

  test.each([
    ['what is not JSON', 'broken', 'InvalidPayload', '"broken"'],
    ['no class', '{}', 'InvalidPayload', '"{}"'],
    ['no args', '{"class":"A"}', 'A', ''],
    ['no argument', '{"class":"A","args":[]}', 'A', ''],
    ['a list in a list', '{"class":"A","args":[[1, "a,b"], null, "\\n"]}', 'A', '[1,"a,b"]\nnull\n"\\n"'],
    ['a class that is no string', '{"class":{"a":1},"args":5}', '{"a":1}', '5'],
    [
      'a job of ActiveJob',
      '{"class":"ActiveJob::QueueAdapters::ResqueAdapter::JobWrapper","args":[{"job_class":"Mail"}]}',
      'Mail (via ActiveJob)',
      '{"job_class":"Mail"}',
    ],
    ['the last of two members', '{"class":"A","class":"B","args":[1],"args":[2]}', 'B', '2'],
  ])('%s', (_, payload, name, args) => {
    const shown = fields(payload);
    expect([shown.class, shown.arguments]).toEqual([name, args]);
  });
});

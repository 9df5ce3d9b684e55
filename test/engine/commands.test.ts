/** Every command, what it does and what it answers. */
import { describe, expect, test } from 'vitest';
import type { CommandReply, RefusalCode } from '../../src/protocol/commands.ts';
import { useRedis } from '../helpers/redis.ts';
import { waitFor } from '../helpers/wait-for.ts';
import { startProxy } from './proxies.ts';
import { useEngines } from './stage.ts';

const stage = useEngines(useRedis());
const payload = { class: 'Job', args: [1] };
const base64 = (text: string) => Buffer.from(text).toString('base64');
const entry = (error: string, rest: object = {}) =>
  JSON.stringify({
    failed_at: '2026/11/24 15:20:19 UTC',
    payload,
    exception: 'E',
    error,
    queue: 'mail',
    ...rest,
  });

const mail = (concurrency = 1) => stage.runner('mail', stage.script('sleep 30'), { concurrency });
const done = (message = expect.any(String)) => ({ ok: true, message });
const refused = (code: RefusalCode) => ({ ok: false, code, message: expect.stringMatching(/\S/) });

describe('pausing', () => {
  test('holds a queue until it is resumed', async () => {
    const engine = await stage.start([stage.runner('mail', stage.script(':'))]);
    expect(await engine.do({ type: 'pause-queue', queue: 'mail' })).toEqual(done());
    await stage.enqueue('mail', 1);
    expect(engine.all('queue.paused')).toMatchObject([
      { queue: 'mail', pauses: [{ kind: 'operator', detail: '' }] },
    ]);
    // A sign of life from Redis behind which it would have started.
    await engine.do({ type: 'read-backlog' });
    expect(engine.all('job.started')).toEqual([]);
    expect(await engine.do({ type: 'resume-queue', queue: 'mail' })).toEqual(done('mail is resumed'));
    await engine.wait('job.finished');
  });

  test('all holds every queue, and a queue stays paused for a reason of its own', async () => {
    const engine = await stage.start([mail(), stage.runner('news', stage.script(':'))]);
    await engine.do({ type: 'pause-queue', queue: 'mail' });
    expect(await engine.do({ type: 'pause-all' })).toEqual(done());
    expect(await engine.do({ type: 'resume-queue', queue: 'mail' })).toEqual(
      done('mail is still paused: all'),
    );
    expect(await engine.do({ type: 'resume-all' })).toEqual(done());
    expect(engine.all('queue.resumed').map(({ queue }) => queue)).toEqual(['mail', 'news']);
  });
});

test.each([1, 10_000])('concurrency can be %i', async (concurrency) => {
  const engine = await stage.start([mail(2)]);
  const reply = await engine.do({ type: 'set-concurrency', runner: 'mail', concurrency });
  expect(reply).toEqual(done(`mail: 2 → ${concurrency} slots`));
  expect(engine.all('runner.changed')).toMatchObject([{ runner: { concurrency, configuredConcurrency: 2 } }]);
});

test.each(['SIGTERM', 'SIGKILL'] as const)(
  'a job can be killed with %s, and is a failure then',
  async (signal) => {
    const engine = await stage.start([mail()]);
    await stage.enqueue('mail', 1);
    const { job } = await engine.wait('job.started');
    expect(await engine.do({ type: 'kill-job', jobId: job.id, signal })).toEqual(done());
    expect(await engine.wait('job.finished')).toMatchObject({
      ...{ jobId: job.id, outcome: 'failed', signal, exitCode: null },
      failure: { exception: 'Resque::DirtyExit', jobId: job.id },
    });
    expect(engine.all('job.killed')).toMatchObject([{ jobId: job.id, signal, reason: 'operator' }]);
    expect(await engine.do({ type: 'kill-job', jobId: job.id, signal })).toEqual(refused('unknown-job'));
  },
);

test('the backlog is told for every queue, -1 where there is no list', async () => {
  const engine = await stage.start([
    stage.runner('a,b', stage.script(':')),
    stage.runner('c', stage.script(':')),
  ]);
  await engine.do({ type: 'pause-all' });
  await stage.enqueue('a', 1, 2, 3);
  await stage.redis.set('resque:queue:c', 'text');
  stage.mayLeaveKeys('queue:a', 'queue:c');
  const reply = await engine.do({ type: 'read-backlog' });
  expect(reply).toEqual({ ...done(), data: { kind: 'backlog', queues: { a: 3, b: 0, c: -1 } } });
  expect(engine.all('queue.backlog').map(({ queue, backlog }) => [queue, backlog])).toEqual([
    ['a', 3],
    ['b', 0],
    ['c', -1],
  ]);
});

describe('failures', () => {
  test('are listed newest first, with all that they say', async () => {
    const engine = await stage.start([mail()]);
    await stage.redis.rpush('resque:failed', entry('1'), entry('2'), 'junk');
    const reply = await engine.do({ type: 'list-failures', offset: 0, count: 2 });
    expect(reply).toMatchObject({ ok: true, data: { kind: 'failures', total: 3 } });
    const entries = reply.ok && reply.data?.kind === 'failures' ? reply.data.entries : [];
    expect(entries).toMatchObject([
      { index: 2, isReadable: false, recordBase64: base64('junk') },
      {
        index: 1,
        isReadable: true,
        recordBase64: base64(entry('2')),
        error: '2',
        jobClass: 'Job',
        args: '[1]',
      },
    ]);
    expect(JSON.parse(JSON.stringify(entries))).toEqual(entries);
  });

  test('are put back and noted, and can be again by what the list then says', async () => {
    const engine = await stage.start([mail()]);
    await engine.do({ type: 'pause-all' });
    await stage.redis.rpush('resque:failed', entry('1'));
    stage.mayLeaveKeys('queue:mail');
    const retry = (text: string): Promise<CommandReply> =>
      engine.do({ type: 'retry-failure', entry: { index: 0, recordBase64: base64(text) } });
    expect(await retry(entry('1'))).toEqual(done('put back onto mail'));
    expect(await stage.redis.lrange('resque:queue:mail', 0, -1)).toEqual([JSON.stringify(payload)]);
    expect(engine.all('failure.retried')).toMatchObject([{ queue: 'mail', jobClass: 'Job' }]);
    expect(await retry(entry('1'))).toEqual(refused('failure-gone'));
    expect(await retry((await stage.redis.lindex('resque:failed', 0)) ?? '')).toEqual(done());
    expect(await stage.redis.llen('resque:queue:mail')).toBe(2);
  });

  test('are removed by value', async () => {
    const engine = await stage.start([mail()]);
    await stage.redis.rpush('resque:failed', entry('1'), entry('2'));
    const remove = () =>
      engine.do({ type: 'remove-failure', entry: { index: 1, recordBase64: base64(entry('1')) } });
    expect(await remove()).toEqual(done('removed'));
    expect(await stage.redis.lrange('resque:failed', 0, -1)).toEqual([entry('2')]);
    expect(engine.all('failure.removed')).toMatchObject([{ queue: 'mail', jobClass: 'Job' }]);
    expect(await remove()).toEqual(refused('failure-gone'));
  });

  test('that say not what to retry are refused', async () => {
    const engine = await stage.start([mail()]);
    await stage.redis.rpush('resque:failed', 'junk');
    const reply = await engine.do({
      type: 'retry-failure',
      entry: { index: 0, recordBase64: base64('junk') },
    });
    expect(reply).toEqual(refused('failure-unretryable'));
    expect(engine.all('failure.retried')).toEqual([]);
  });

  test('are listed whatever anyone wrote there', async () => {
    const engine = await stage.start([mail()]);
    await stage.redis.rpush('resque:failed', '{"backtrace":[{"toString":1}]}', '', '[1]');
    const reply = await engine.do({ type: 'list-failures', offset: 0, count: 10 });
    expect(reply).toMatchObject({ ok: true, data: { total: 3 } });
  });
});

test('what makes no sense is refused, with its code', async () => {
  const engine = await stage.start([mail()]);
  const unknown = { type: 'pause-queue', queue: 'other' } as const;
  expect(await engine.do(unknown)).toEqual(refused('unknown-queue'));
  expect(await engine.do({ ...unknown, type: 'resume-queue' })).toEqual(refused('unknown-queue'));
  expect(await engine.do({ type: 'kill-job', jobId: 'x', signal: 'SIGKILL' })).toEqual(
    refused('unknown-job'),
  );
  expect(await engine.do({ type: 'set-concurrency', runner: 'other', concurrency: 1 })).toEqual(
    refused('unknown-runner'),
  );
  for (const concurrency of [0, -1, 1.5, 10_001, Number.NaN, Number.POSITIVE_INFINITY]) {
    const reply = await engine.do({ type: 'set-concurrency', runner: 'mail', concurrency });
    expect(reply).toEqual(refused('out-of-range'));
  }
  for (const [offset, count] of [
    [-1, 1],
    [0.5, 1],
    [0, 0],
    [0, -1],
    [0, 1.5],
    [0, 1_001],
  ] as const) {
    expect(await engine.do({ type: 'list-failures', offset, count })).toEqual(refused('out-of-range'));
  }
  expect(engine.all('runner.changed')).toEqual([]);
});

test('what needs Redis is refused while it is away', async () => {
  const proxy = await startProxy(stage.server.port);
  const engine = await stage.start([mail()], { port: proxy.port });
  proxy.judge = () => 'cut';
  proxy.cut();
  await engine.wait('redis.down');
  const ref = { index: 0, recordBase64: base64(entry('1')) };
  expect(await engine.do({ type: 'read-backlog' })).toEqual(refused('redis-down'));
  expect(await engine.do({ type: 'list-failures', offset: 0, count: 1 })).toEqual(refused('redis-down'));
  expect(await engine.do({ type: 'retry-failure', entry: ref })).toEqual(refused('redis-down'));
  expect(await engine.do({ type: 'remove-failure', entry: ref })).toEqual(refused('redis-down'));
  // What doesn't need it goes on.
  expect(await engine.do({ type: 'pause-queue', queue: 'mail' })).toEqual(done());
  expect(await engine.do({ type: 'set-concurrency', runner: 'mail', concurrency: 2 })).toEqual(done());
  proxy.judge = () => 'pass';
  await engine.wait('redis.up', 2);
});

test('nothing can be resumed while it stops', async () => {
  const engine = await stage.start([mail()]);
  await stage.enqueue('mail', 1);
  const { job } = await engine.wait('job.started');
  engine.engine.stop('quit');
  expect(await engine.do({ type: 'resume-all' })).toEqual(refused('stopping'));
  expect(await engine.do({ type: 'resume-queue', queue: 'mail' })).toEqual(refused('stopping'));
  expect(await engine.do({ type: 'kill-job', jobId: job.id, signal: 'SIGKILL' })).toEqual(done());
  await waitFor(() => engine.all('engine.stopped').length > 0, { message: 'it has stopped' });
});

/** What an engine tells of itself. */
import { expect, test } from 'vitest';
import type { Config } from '../../src/config/config.ts';
import { wordingOf } from '../../src/messages/events.ts';
import { useRedis } from '../helpers/redis.ts';
import { startProxy } from './proxies.ts';
import { firstOwner, useEngines } from './stage.ts';

const stage = useEngines(useRedis());

test('the story of a job that failed, from the start to the stop', async () => {
  const script = stage.script(`echo '{"exception":"E","error":"x"}' >&2; exit 3`);
  const engine = await stage.start([stage.runner('mail', script)]);
  await stage.enqueue('mail', 1);
  await engine.wait('counters.changed');
  await engine.stop();
  expect(engine.events.map(({ type }) => type)).toEqual([
    ...['runner.added', 'queue.added', 'engine.started', 'redis.up'],
    ...['job.started', 'job.finished', 'failure.recorded', 'counters.changed'],
    ...['engine.stopping', 'engine.stopped'],
  ]);
  const failure = {
    queue: 'mail',
    jobId: '1',
    jobClass: 'Job',
    exception: 'E',
    error: 'x',
    exitCode: 3,
    signal: null,
  };
  expect(engine.all('job.started')[0]?.job).toMatchObject({
    ...{ id: '1', queue: 'mail', runner: 'mail', jobClass: 'Job', args: '[1]', payloadBytes: 26 },
    worker: `${firstOwner}-0:mail`,
    pid: expect.any(Number),
  });
  expect(engine.all('job.finished')[0]).toMatchObject({
    jobId: '1',
    outcome: 'failed',
    exitCode: 3,
    failure,
  });
  expect(engine.all('failure.recorded')[0]).toMatchObject({ failure });
  expect(engine.all('counters.changed')[0]).toMatchObject({ processed: 1, failed: 1, unwritten: 0 });
  expect(engine.all('engine.stopped')[0]).toMatchObject({ processed: 1, failed: 1, unwritten: 0 });
});

test('every event survives JSON, and the seq has no gap', async () => {
  const engine = await stage.start([stage.runner('mail', stage.script(':'), { concurrency: 3 })]);
  await stage.enqueue('mail', ...Array.from({ length: 20 }, (_, at) => at));
  await engine.wait('job.finished', 20);
  await engine.stop();
  expect(JSON.parse(JSON.stringify(engine.events))).toEqual(engine.events);
  expect(engine.events.map(({ seq }) => seq)).toEqual(engine.events.map((_, at) => at + 1));
});

test('a payload that is no JSON object is a failure that never ran', async () => {
  await stage.redis.rpush('resque:queue:mail', 'junk');
  const engine = await stage.start([stage.runner('mail', stage.script(':'))]);
  const { failure } = await engine.wait('failure.recorded');
  expect(failure).toMatchObject({
    exception: 'InvalidPayloadError',
    jobClass: null,
    exitCode: null,
    signal: null,
  });
  expect(failure.error).toContain('junk');
  expect(engine.all('job.started')).toEqual([]);
});

test('an outage is told once, and its end with how long it was', async () => {
  const proxy = await startProxy(stage.server.port);
  const engine = await stage.start([stage.runner('mail', stage.script(':'))], { port: proxy.port });
  let refused = 0;
  proxy.judge = () => {
    refused += 1;
    if (refused >= 3) proxy.judge = () => 'pass';
    return 'cut';
  };
  proxy.cut();
  const up = await engine.wait('redis.up', 2);
  expect(engine.all('redis.down')).toHaveLength(1);
  expect(engine.all('redis.up')[0]?.awayMs).toBeNull();
  expect(up.awayMs).toBeGreaterThan(0);
  await stage.enqueue('mail', 1);
  await engine.wait('job.finished');
});

test('a runner that is gone is heard of no more, although its program could not be started', async () => {
  const engine = await stage.start([
    stage.runner('mail', stage.path('missing')),
    stage.runner('news', stage.script(':')),
  ]);
  await stage.enqueue('mail', 1);
  stage.mayLeaveKeys('queue:mail');
  await engine.wait('queue.paused');
  engine.engine.reconfigure(stage.config([stage.runner('news', stage.script(':'))]));
  const { seq } = await engine.wait('runner.removed');
  // Programs are looked at every second, and one is still missing there.
  await stage.enqueue('news', 2);
  const { atMs } = await engine.wait('job.finished');
  await expect.poll(() => Date.now() - atMs, { timeout: 5_000 }).toBeGreaterThan(2_200);
  expect(
    engine.events.filter((event) => event.seq > seq && 'queue' in event && event.queue === 'mail'),
  ).toEqual([]);
});

test('a new config says which of its changes need a restart, again and again until that', async () => {
  const mail = stage.runner('mail', stage.script(':'));
  const engine = await stage.start([mail]);
  const config = {
    ...stage.config([{ ...mail, concurrency: 2 }]),
    namespace: 'other',
    redis: { ...stage.config([]).redis, password: 'hunter2' },
    shutdownTimeoutSeconds: 77,
    maxRecoveries: 9,
    workerHost: 'web9',
  } as Config;
  engine.engine.reconfigure(config);
  engine.engine.reconfigure(config);
  engine.engine.reconfigure(stage.config([mail]));
  await engine.wait('config.reloaded', 3);
  const texts = engine.all('config.reloaded').map((event) => wordingOf(event, null)?.text);
  const fields = [
    ...['redis.password (changed)', 'namespace ("resque" → "other")', 'shutdownTimeout (8 → 77)'],
    ...['maxRecoveries (3 → 9)', 'worker.host ("test.runner" → "web9")'],
  ].join(', ');
  expect(texts).toEqual([
    `reloaded: mail.concurrency: 1 → 2; restart the runner to apply the new ${fields}`,
    `reloaded, nothing else changed; restart the runner to apply the new ${fields}`,
    'reloaded: mail.concurrency: 2 → 1',
  ]);
});

test('workers of a runner that a new config removed during an outage are unregistered in the end', async () => {
  const proxy = await startProxy(stage.server.port);
  const engine = await stage.start(
    [stage.runner('mail', stage.script(':')), stage.runner('news', stage.script(':'))],
    {
      port: proxy.port,
    },
  );
  proxy.judge = () => 'cut';
  proxy.cut();
  await engine.wait('redis.down');
  engine.engine.reconfigure(stage.config([stage.runner('news', stage.script(':'))]));
  proxy.judge = () => 'pass';
  await engine.wait('redis.up', 2);
  await engine.stop();
  expect(await stage.redis.smembers('resque:workers')).toEqual([]);
});

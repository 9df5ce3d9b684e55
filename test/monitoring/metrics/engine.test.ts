/** Metrics of a real engine with a real Redis: they are what happened, and what is there. */
import { afterEach, expect, test } from 'vitest';
import { Health } from '../../../src/monitoring/health/health.ts';
import { MetricsServer } from '../../../src/monitoring/http/metrics-server.ts';
import { MetricsPages } from '../../../src/monitoring/metrics/page.ts';
import { type TestEngine, useEngines } from '../../engine/stage.ts';
import { freePort, useRedis } from '../../helpers/redis.ts';
import { waitFor } from '../../helpers/wait-for.ts';
import { valuesOf } from './figures.ts';

const stage = useEngines(useRedis());
const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0)) await end();
});

/** A page that no reader has seen. */
async function textOf({ engine }: TestEngine): Promise<string> {
  const pages = new MetricsPages(engine, { version: '1', onFolded: () => {} });
  const body = await pages.page();
  pages.stop();
  return body.toString();
}

async function waitForTotal(engine: TestEngine, count: number): Promise<string> {
  await engine.wait('job.finished', count);
  await waitFor(() => engine.engine.figures().unwritten === 0, { message: 'all outcomes are written' });
  return await textOf(engine);
}

test('jobs are counted as they ended, once by queue, and with their class if asked', async () => {
  const script = stage.script('case $(cat) in *bad*) exit 1;; esac');
  const engine = await stage.start([stage.runner('mail', script, { concurrency: 2 })]);
  engine.engine.countClasses(true);
  await stage.enqueue('mail', 'good', 'bad', 'good');
  await stage.redis.rpush(
    'resque:queue:mail',
    '{"class":"Other","args":[],"enqueued_at":1700000000}',
    'no JSON',
  );
  await engine.wait('failure.recorded', 2);
  const text = await waitForTotal(engine, 4);
  const finished = valuesOf(text, 'resque_runner_jobs_finished_total');
  expect(finished).toMatchObject({
    '{outcome="succeeded",queue="mail",class="Job"}': 2,
    '{outcome="failed",queue="mail",class="Job"}': 1,
    '{outcome="succeeded",queue="mail",class="Other"}': 1,
    '{outcome="failed",queue="mail",class=""}': 1,
  });
  expect(valuesOf(text, 'resque_runner_job_wait_seconds_count')).toEqual({
    '{queue="mail",class="Other"}': 1,
  });
  // The same numbers as on the screen.
  engine.engine.countClasses(false);
  const plain = valuesOf(await textOf(engine), 'resque_runner_jobs_finished_total');
  expect(plain).toMatchObject({
    '{outcome="succeeded",queue="mail"}': 3,
    '{outcome="failed",queue="mail"}': 2,
  });
  expect(valuesOf(text, 'resque_runner_step_duration_seconds_count')['']).toBeGreaterThan(0);
  expect(valuesOf(text, 'resque_runner_failed_length')).toEqual({ '': 2 });
});

test('what is in Redis is read as it is: lengths, the oldest job, delayed jobs, and keys of another type', async () => {
  const names = Array.from({ length: 250 }, (_, at) => `q${at}`);
  const engine = await stage.start([stage.runner(names.join(','), '/bin/true')]);
  await engine.do({ type: 'pause-all' });
  const hourAgo = Math.floor(Date.now() / 1_000) - 3_600;
  const weird = '{"class":"A","args":[]}';
  await stage.redis.rpush('resque:queue:q0', `{"class":"A","args":[],"enqueued_at":${hourAgo}}`, weird);
  await stage.redis.rpush('resque:queue:q249', weird);
  await stage.redis.set('resque:queue:q1', 'no list');
  await stage.redis.rpush('resque:queue:q2', `{"class":"A","args":["${'x'.repeat(20_000)}"]}`);
  for (const time of ['100', '200']) {
    await stage.redis.zadd('resque:delayed_queue_schedule', time, time);
    await stage.redis.rpush(`resque:delayed:${time}`, weird, weird);
  }
  stage.mayLeaveKeys('queue:q0', 'queue:q1', 'queue:q2', 'queue:q249');
  stage.mayLeaveKeys('delayed_queue_schedule', 'delayed:100', 'delayed:200');
  const text = await textOf(engine);
  const lengths = valuesOf(text, 'resque_runner_queue_length');
  expect(lengths).toMatchObject({
    '{queue="q0"}': 2,
    '{queue="q249"}': 1,
    '{queue="q2"}': 1,
    '{queue="q3"}': 0,
  });
  expect(Object.keys(lengths)).toHaveLength(249);
  const oldest = valuesOf(text, 'resque_runner_queue_oldest_seconds');
  expect(oldest['{queue="q0"}']).toBeGreaterThanOrEqual(3_600);
  expect(oldest).toMatchObject({ '{queue="q3"}': 0 });
  expect(Object.keys(oldest)).toHaveLength(247);
  expect(valuesOf(text, 'resque_runner_delayed_length')).toEqual({ '': 4 });
  expect(valuesOf(text, 'resque_runner_queue_paused')).toMatchObject({ '{queue="q0"}': 1 });
});

test('a program that can not be started is named before a job has tried', async () => {
  const engine = await stage.start([
    stage.runner('mail', '/nonexistent'),
    stage.runner('video', '/bin/true'),
  ]);
  await engine.wait('queue.paused');
  const text = await textOf(engine);
  expect(valuesOf(text, 'resque_runner_program_unstartable')).toEqual({
    '{pool="mail"}': 1,
    '{pool="video"}': 0,
  });
  expect(valuesOf(text, 'resque_runner_queue_paused')).toEqual({ '{queue="mail"}': 1, '{queue="video"}': 0 });
});

test('the address follows the config; if a new one is taken, metrics are off until the next reload', async () => {
  const { engine, ...run } = await stage.start([stage.runner('mail', '/bin/true')]);
  const all = (type: string) => run.events.filter((event) => event.type === type);
  const health = new Health(engine);
  const server = new MetricsServer(engine, health, '1');
  ends.push(
    () => server.close(),
    () => health.close(),
  );
  const at = (name: string) => ({
    listen: { kind: 'unix' as const, text: `unix:${stage.path(name)}`, path: stage.path(name) },
    hasClassLabel: false,
  });
  await server.open(at('a'));
  stage.write('taken');
  await server.reconfigure(at('taken'));
  expect(server.address).toBeNull();
  await waitFor(() => all('metrics.failed').length === 1, { message: 'it says so' });
  expect(all('metrics.failed')[0]).toMatchObject({
    address: `unix:${stage.path('taken')}`,
    reason: expect.stringContaining('EADDRINUSE'),
  });
  await server.reconfigure(at('a'));
  await server.reconfigure(at('b'));
  expect(server.address).toBe(`unix:${stage.path('b')}`);
  await server.reconfigure({ listen: null, hasClassLabel: false });
  expect(server.address).toBeNull();
  await waitFor(() => all('metrics.closed').length === 1, { message: 'it says so' });
  expect(all('metrics.opened')).toHaveLength(2);
});

test('it can move between one address of the machine and all of them, with the same port', async () => {
  const { engine } = await stage.start([stage.runner('mail', '/bin/true')]);
  const health = new Health(engine);
  const server = new MetricsServer(engine, health, '1');
  ends.push(
    () => server.close(),
    () => health.close(),
  );
  const port = await freePort();
  const at = (host: string) => ({
    listen: { kind: 'tcp' as const, text: `${host}:${port}`, host, port },
    hasClassLabel: false,
  });
  const status = async () => (await fetch(`http://127.0.0.1:${port}/livez`)).status;
  await server.open(at('127.0.0.1'));
  await server.reconfigure(at(''));
  expect(server.address).toBe(`http://0.0.0.0:${port}/metrics`);
  expect(await status()).toBe(200);
  // No address of this machine: metrics are off until the next reload.
  await server.reconfigure(at('192.0.2.1'));
  expect(server.address).toBeNull();
  await server.reconfigure(at('127.0.0.1'));
  expect(server.address).toBe(`http://127.0.0.1:${port}/metrics`);
  expect(await status()).toBe(200);
});

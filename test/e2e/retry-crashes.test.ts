/** SIGKILL of a runner at each step of a retry: its attempts go on with the next runner, and there is one record. */
import { expect, onTestFinished, test } from 'vitest';
import { startProxy } from '../engine/proxies.ts';
import { useEndToEnd } from '../helpers/end-to-end.ts';
import { freePort } from '../helpers/redis.ts';
import { RedisProxy } from '../helpers/redis-proxy.ts';
import type { Runner } from '../helpers/runner.ts';
import { waitFor } from '../helpers/wait-for.ts';

const stage = useEndToEnd();
const runs = () => stage.fileLines('runs');
const waiting = () => stage.client.zcard(stage.key('delayed_queue_schedule'));

async function start(port = stage.redis.port): Promise<Runner> {
  return await stage.run({
    redis: { server: '127.0.0.1', port },
    runners: { mail: { concurrency: 1, delivery: 'at-least-once' } },
    retry: { attempts: 2, backoff: [0, 0], jitter: 0 },
    script: stage.script(
      'echo "$RESQUE_ATTEMPT" >> "$D/runs"; while [ ! -e "$D/go-$RESQUE_ATTEMPT" ]; do sleep 0.05; done; exit 1',
    ),
  });
}

/** A runner whose job runs as this attempt. */
async function startJob(port?: number): Promise<Runner> {
  const runner = await start(port);
  await stage.enqueue('mail', { class: 'Job', args: [1] });
  await waitFor(() => runs().length === 1, { message: 'the job runs' });
  await waitFor(async () => (await stage.client.keys(stage.key('worker:*:mail'))).length === 1, {
    message: 'it is on record',
  });
  return runner;
}

/** Kills the runner. The next one finishes the work. */
async function succeed(runner: Runner, expected: readonly string[]): Promise<void> {
  runner.signal('SIGKILL');
  await runner.waitForExit();
  for (const attempt of [1, 2]) stage.write(`go-${attempt}`);
  const next = await start();
  await next.waitForLine('peer.recovered');
  const [failure] = await stage.failures(1);
  expect(failure).toMatchObject({ attempts: 2, payload: { class: 'Job', args: [1] } });
  expect(runs()).toEqual(expected);
  await next.stop();
  const keys = await stage.client.keys(stage.key('*'));
  expect(keys.filter((key) => /delayed|timestamps|retry/.test(key))).toEqual([]);
}

test('before the retry reaches Redis: the attempt runs again', async () => {
  const proxy = await startProxy(stage.redis.port);
  const runner = await startJob(proxy.port);
  proxy.judge = (text) => (text.includes(':step') ? 'lose' : 'pass');
  const steps = proxy.count(':step');
  stage.write('go-1');
  await waitFor(() => proxy.count(':step') > steps, { message: 'the runner reports how the job ended' });
  await succeed(runner, ['1', '1', '2']);
});

test('after Redis has delayed the job, and before the reply: the next attempt runs', async () => {
  const port = await freePort();
  const proxy = new RedisProxy(port, stage.redis.port);
  onTestFinished(() => proxy.close());
  // Another scheduler keeps the retry where it is.
  await stage.client.set(stage.key('resque_scheduler_leader_lock'), 'node:1');
  const runner = await startJob(port);
  proxy.hold('evalsha');
  stage.write('go-1');
  await waitFor(async () => (await waiting()) === 1, { message: 'the retry waits' });
  await stage.client.del(stage.key('resque_scheduler_leader_lock'));
  await succeed(runner, ['1', '2']);
});

test('while the retry runs: the attempt runs again', async () => {
  const runner = await startJob();
  stage.write('go-1');
  await waitFor(() => runs().length === 2, { message: 'the retry runs' });
  await waitFor(async () => (await stage.client.keys(stage.key('worker:*:retry'))).length === 1, {
    message: 'it is on record',
  });
  await succeed(runner, ['1', '2', '2']);
});

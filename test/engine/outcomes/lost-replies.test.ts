/**
 * Connections that are lost while a step is on its way: Redis has done it or not, and nobody can tell. No job
 * is lost by that, none runs twice, and every outcome counts once.
 */
import { rmSync } from 'node:fs';
import { expect, test } from 'vitest';
import type { PoolConfig } from '../../../src/config/config.ts';
import { unregisterScript } from '../../../src/resque/workers/registration.ts';
import { useRedis } from '../../helpers/redis.ts';
import { waitFor } from '../../helpers/wait-for.ts';
import { atStep, cutAndBack, isStep, startProxy } from '../proxies.ts';
import type { Verdict } from '../redis-proxy.ts';
import { firstOwner, useEngines } from '../stage.ts';

const stage = useEngines(useRedis());

const note = 'read -r job || :; echo "$job" >> "$D/ran"; case "$job" in *-*) exit 1;; esac';

/** A runner whose jobs note their arg in `ran`, and fail where it is negative. */
function noting(key: string, rest: Partial<PoolConfig> = {}): PoolConfig {
  return stage.runner(key, stage.script(note), rest);
}

/** The same, but no job goes on before there is a file of this name: time to say what becomes of the steps behind it. */
function notingAfter(gate: string, key: string, rest: Partial<PoolConfig> = {}): PoolConfig {
  return stage.runner(key, stage.script(`while [ ! -e "$D/${gate}" ]; do sleep 0.1; done; ${note}`), rest);
}

/** Args of the jobs that ran, in that order. */
function ran(): number[] {
  return stage.lines('ran').map((line) => (JSON.parse(line) as { args: [number] }).args[0]);
}

async function failedArgs(): Promise<number[]> {
  const records = await stage.redis.lrange('resque:failed', 0, -1);
  return records.map((text) => (JSON.parse(text) as { payload: { args: [number] } }).payload.args[0]);
}

async function processed(count: number, say: () => string): Promise<void> {
  await waitFor(async () => (await stage.stat('processed')) >= count, {
    message: () => `${count} jobs are processed\n${say()}`,
  });
  expect(await stage.stat('processed')).toBe(count);
}

test.each<[string, Verdict]>([
  ['Redis has done', 'pass-and-cut'],
  ['Redis never got', 'cut'],
])('jobs run once and count once where the lost step is one that %s', async (_, verdict) => {
  for (const step of [1, 2, 3, 4, 5]) {
    await stage.redis.flushall();
    stage.write('ran');
    const proxy = await startProxy(stage.server.port);
    // Enough that there are as many steps, however many outcomes go with one.
    const args = [1, -2, 3, -4, 5, -6, 7, 8, 9, 10, 11, 12];
    await stage.enqueue('mail', ...args);
    const runner = notingAfter(`go-${step}`, 'mail', { concurrency: 2 });
    const engine = await stage.start([runner], { port: proxy.port });
    await engine.wait('job.started', 2);
    atStep(proxy, step, verdict);
    stage.write(`go-${step}`);
    await cutAndBack(engine, proxy);
    await processed(args.length, () => `step ${step}\n${engine.describe()}`);
    await engine.stop();
    expect(ran().sort()).toEqual(args.sort());
    expect(await stage.stat('failed')).toBe(3);
    expect((await failedArgs()).sort()).toEqual([-2, -4, -6]);
  }
});

test.each<[string, Verdict]>([
  ['Redis has done', 'pass-and-cut'],
  ['Redis never got', 'cut'],
])('a job that BLPOP brought runs once where the lost step is one that %s', async (_, verdict) => {
  for (const step of [1, 2, 3]) {
    await stage.redis.flushall();
    stage.write('ran');
    const proxy = await startProxy(stage.server.port);
    const engine = await stage.start([noting('mail')], { port: proxy.port });
    await stage.waitForIdle();
    atStep(proxy, step, verdict);
    for (const arg of [1, -2, 3]) {
      await stage.enqueue('mail', arg);
      await processed(Math.abs(arg), () => `step ${step}\n${engine.describe()}`);
      if (proxy.cuts > 0) await engine.wait('redis.up', 2);
      await stage.waitForIdle();
    }
    await engine.stop();
    expect(proxy.cuts).toBe(1);
    expect(ran()).toEqual([1, -2, 3]);
    expect(await failedArgs()).toEqual([-2]);
  }
});

test('a job whose program can not be started is put back, although neither its start nor that reached Redis', async () => {
  const proxy = await startProxy(stage.server.port);
  const script = stage.script(':');
  const engine = await stage.start([stage.runner('mail', script)], { port: proxy.port });
  await stage.waitForIdle();
  rmSync(script);
  let steps = 0;
  proxy.judge = (text) => {
    if (!isStep(text)) return 'pass';
    steps += text.split('\r\nEVALSHA\r\n').length - 1;
    if (steps < 2) return 'lose';
    proxy.judge = () => 'pass';
    return 'cut';
  };
  await stage.enqueue('mail', 1);
  stage.mayLeaveKeys('queue:mail');
  await cutAndBack(engine, proxy);
  await engine.stop();
  expect(await stage.backlog('mail')).toEqual([1]);
});

test('a job that came to a paused queue goes back once, although the reply to that was lost', async () => {
  const proxy = await startProxy(stage.server.port);
  const engine = await stage.start([noting('mail')], { port: proxy.port });
  await stage.waitForIdle();
  // Redis is not told that the wait should end until the job has come.
  let hasReturned = false;
  proxy.judge = (text) => {
    hasReturned ||= isStep(text);
    return 'hold';
  };
  await engine.do({ type: 'pause-queue', queue: 'mail' });
  await stage.enqueue('mail', 1);
  stage.mayLeaveKeys('queue:mail');
  await waitFor(() => hasReturned, { message: 'the job is on its way back' });
  proxy.judge = () => 'pass';
  proxy.releaseAndCut();
  await cutAndBack(engine, proxy);
  await engine.stop();
  expect(await stage.backlog('mail')).toEqual([1]);
  expect(ran()).toEqual([]);
});

test('a job goes back once and the next of its slot stays, although the reply to both was lost', async () => {
  const proxy = await startProxy(stage.server.port);
  await stage.enqueue('mail', 0);
  const engine = await stage.start([noting('mail,news')], { port: proxy.port });
  await processed(1, () => engine.describe());
  await engine.do({ type: 'pause-all' });
  await stage.enqueue('mail', 1);
  await stage.enqueue('news', 2);
  stage.mayLeaveKeys('queue:mail');
  // The first step takes the job of mail; mail is paused before the reply. The second puts it back and takes
  // that of news.
  let steps = 0;
  proxy.judge = (text) => {
    if (!isStep(text)) return 'pass';
    steps += 1;
    if (steps === 1) void engine.do({ type: 'pause-queue', queue: 'mail' });
    if (steps < 2) return 'pass';
    proxy.judge = () => 'pass';
    return 'pass-and-cut';
  };
  await engine.do({ type: 'resume-all' });
  await cutAndBack(engine, proxy);
  await processed(2, () => engine.describe());
  await engine.stop();
  expect(ran()).toEqual([0, 2]);
  expect(await stage.backlog('mail')).toEqual([1]);
});

test('a job of a queue with markup in its name runs, although the reply that brought it was lost', async () => {
  const proxy = await startProxy(stage.server.port);
  await stage.enqueue('a<b>', 1, 2);
  const engine = await stage.start([notingAfter('go', 'a<b>')], { port: proxy.port });
  await engine.wait('job.started');
  atStep(proxy, 1, 'pass-and-cut');
  stage.write('go');
  await cutAndBack(engine, proxy);
  await processed(2, () => engine.describe());
  expect(ran()).toEqual([1, 2]);
});

test('a failure is recorded, although a worker of the same name left its counts behind', async () => {
  // In a container every run has the same host name and process id; after a crash nobody took the counts away.
  await stage.redis.set(`resque:stat:processed:${firstOwner}-0:mail`, '100');
  const proxy = await startProxy(stage.server.port);
  const engine = await stage.start([noting('mail')], { port: proxy.port });
  await stage.waitForIdle();
  // The step behind the one that says that the job has begun.
  atStep(proxy, 2, 'cut');
  await stage.enqueue('mail', -1);
  await cutAndBack(engine, proxy);
  await engine.stop();
  expect(ran()).toEqual([-1]);
  expect(await failedArgs()).toEqual([-1]);
  expect(await stage.stat('processed')).toBe(1);
});

test('jobs run once and count once where one connection falls silent and the other is lost', async () => {
  const proxy = await startProxy(stage.server.port);
  await stage.enqueue('mail', -1, -2, -3);
  const engine = await stage.start([notingAfter('go', 'mail')], { port: proxy.port });
  await engine.wait('job.started');
  // As with a firewall that forgets connections: nobody hangs up on the silent one.
  atStep(proxy, 2, 'silence');
  stage.write('go');
  await cutAndBack(engine, proxy);
  await processed(3, () => engine.describe());
  await engine.stop();
  expect(ran()).toEqual([-1, -2, -3]);
  expect((await failedArgs()).sort()).toEqual([-1, -2, -3]);
  expect(engine.all('redis.down')).toHaveLength(1);
});

test('outcomes count once, although the reply to the end of the runner was lost', async () => {
  // Then the script of the end comes as a whole.
  await stage.redis.script('FLUSH');
  const proxy = await startProxy(stage.server.port);
  await stage.enqueue('mail', 1, -2, 3);
  const engine = await stage.start([noting('mail')], { port: proxy.port });
  await processed(3, () => engine.describe());
  proxy.judge = (text) => {
    if (!text.includes(unregisterScript.source)) return 'pass';
    proxy.judge = () => 'pass';
    return 'pass-and-cut';
  };
  expect(await engine.stop()).toEqual({ unwritten: 0, isUnregistered: true });
  expect(proxy.cuts).toBe(1);
  expect(await stage.stat('processed')).toBe(3);
  expect(await failedArgs()).toEqual([-2]);
  expect(engine.all('steps.forgotten')).toEqual([]);
});

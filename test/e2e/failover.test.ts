/** Failover to a lagging replica: Redis Sentinel, real servers, and a connection between them that is cut. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { useEndToEnd } from '../helpers/end-to-end.ts';
import {
  expectForgottenTwice,
  gatedJobs,
  gatedScript,
  jobCount,
  runs,
  slots,
  waitForGate,
} from '../helpers/gates.ts';
import { freePort, RedisServer } from '../helpers/redis.ts';
import { RedisProxy } from '../helpers/redis-proxy.ts';
import type { LogLine } from '../helpers/runner.ts';
import { masterName, Sentinel } from '../helpers/sentinel.ts';
import { waitFor } from '../helpers/wait-for.ts';

// The stage's server is the replica that becomes the master.
const stage = useEndToEnd({ timeoutMs: 60_000, isInProcess: true });
const clean = { code: 0, signal: undefined };
const deliveries = ['at-most-once', 'at-least-once'] as const;

let master: RedisServer;
let link: RedisProxy;
let sentinel: Sentinel;

beforeEach(async () => {
  master = new RedisServer();
  await master.start();
  const port = await freePort();
  link = new RedisProxy(port, master.port);
  await stage.client.replicaof('127.0.0.1', port);
  await waitFor(async () => (await stage.client.info('replication')).includes('master_link_status:up'), {
    message: 'the replica has the data of the master',
  });
  sentinel = await Sentinel.watching(master.port);
});

afterEach(async () => {
  link.close();
  await sentinel.dispose();
  await master.dispose();
  await stage.client.replicaof('NO', 'ONE');
});

async function enqueue(): Promise<void> {
  await master.client.sadd('resque:queues', 'mail');
  await master.client.rpush('resque:queue:mail', ...gatedJobs().map((job) => JSON.stringify(job)));
  await waitFor(async () => (await stage.backlog('mail')).length === jobCount, {
    message: 'the replica has the jobs',
  });
}

function configOf(delivery: string, script: string) {
  // The first sentinel doesn't exist.
  const redis = { sentinels: ['127.0.0.1:1', `127.0.0.1:${sentinel.port}`], master: masterName };
  return { redis, script: stage.script(script), runners: { mail: { concurrency: slots, delivery } } };
}

/** The message of `redis.up` after an outage. */
function isBack({ awayMs }: LogLine): boolean {
  return awayMs !== null;
}

test.each(deliveries)(
  '%s: no job is lost, and only jobs run twice whose start had not reached the new master',
  async (delivery) => {
    await enqueue();
    const runner = await stage.run(configOf(delivery, gatedScript), { args: ['--drain'] });
    await waitForGate(stage, 100);
    await stage.waitForStat('processed', 100);
    link.hold('psync');
    stage.write('go-1');
    await waitForGate(stage, 200);
    await master.kill();
    await sentinel.hasten();
    stage.write('go-2');

    expect(await runner.waitForExit(30_000)).toEqual(clean);
    expect(await sentinel.masterPort()).toBe(stage.redis.port);
    const message = expect.stringMatching(/without the last \d+ steps of this runner/);
    expect(runner.all('steps.forgotten')).toEqual([expect.objectContaining({ message, settled: 0 })]);
    await expectForgottenTwice(stage);
  },
);

test('the runner leaves a working master as soon as it is replaced, long before it becomes a replica', async () => {
  await enqueue();
  const runner = await stage.run(configOf('at-most-once', gatedScript));
  await waitForGate(stage, 100);
  await sentinel.hasten();
  await sentinel.failOver();
  const { message } = await runner.waitForLine('redis.down');
  expect(message).toContain('the sentinels name another master');
  expect(await master.client.info('replication')).toContain('role:master');
  await runner.waitForLine('redis.up', isBack);
  stage.write('go-1');
  stage.write('go-2');
  await stage.waitForStat('processed', jobCount);
  expect(runs(stage).size).toBe(jobCount);
  expect(runner.all('steps.forgotten')).toEqual([]);
});

test('a master that comes back as a replica changes nothing', async () => {
  const runner = await stage.run(configOf('at-least-once', 'echo >> "$D/ran"'));
  await master.client.rpush('resque:queue:mail', '{"class":"Job","args":[0]}');
  await stage.waitForFileLines('ran', 1);
  await sentinel.hasten();
  await master.kill();
  await waitFor(async () => (await sentinel.masterPort()) === stage.redis.port, {
    message: 'the replica is the master',
  });
  await runner.waitForLine('redis.up', isBack);
  await stage.enqueue('mail', { class: 'Job', args: [1] });
  await stage.waitForFileLines('ran', 2);
  await sentinel.correctRoles();
  await master.start();
  await waitFor(async () => /^role:slave/m.test(await master.client.info('replication')), {
    message: 'the old master is a replica',
  });
  await stage.enqueue('mail', { class: 'Job', args: [2] });
  await stage.waitForFileLines('ran', 3);
  expect(runner.all('redis.down')).toHaveLength(1);
  expect(await runner.stop()).toEqual(clean);
  expect(await stage.stat('processed')).toBe(3);
});

test('a master that hangs for a while and is replaced: no job is lost', async () => {
  await enqueue();
  const runner = await stage.run(configOf('at-least-once', gatedScript), { args: ['--drain'] });
  await waitForGate(stage, 100);
  await sentinel.hasten();
  master.freeze();
  await waitFor(async () => (await sentinel.masterPort()) === stage.redis.port, {
    message: 'the replica is the master',
  });
  await sentinel.correctRoles();
  master.thaw();
  stage.write('go-1');
  stage.write('go-2');
  expect(await runner.waitForExit(30_000)).toEqual(clean);
  expect(runs(stage).size).toBe(jobCount);
  expect(await stage.stat('processed')).toBe(stage.fileLines('ran').length);
});

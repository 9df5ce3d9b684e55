/** A failover to a replica that lags: Redis Sentinel, real servers, and a link between them that is cut. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { useEndToEnd } from '../helpers/end-to-end.ts';
import { freePort, RedisServer } from '../helpers/redis.ts';
import { RedisProxy } from '../helpers/redis-proxy.ts';
import { masterName, Sentinel } from '../helpers/sentinel.ts';
import { waitFor } from '../helpers/wait-for.ts';

// The stage's own server is the replica, which becomes the master.
const stage = useEndToEnd({ timeoutMs: 60_000 });
const clean = { code: 0, signal: undefined };
const jobs = 400;
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

async function enqueue(count: number): Promise<void> {
  const payloads = Array.from({ length: count }, (_, n) => JSON.stringify({ class: 'Job', args: [n] }));
  await master.client.sadd('resque:queues', 'mail');
  await master.client.rpush('resque:queue:mail', ...payloads);
  await waitFor(async () => (await stage.client.llen('resque:queue:mail')) === count, {
    message: 'the replica has the jobs',
  });
}

function configOf(delivery: string, script: string) {
  const redis = { sentinels: [`127.0.0.1:${sentinel.port}`], master: masterName };
  return { redis, script, runners: { mail: { concurrency: 8, delivery } } };
}

function argOf(payload: string): number {
  return Number(/\d+/.exec(payload)?.[0]);
}

/** How often each job ran, by its number. */
function runs(): Map<number, number> {
  const counts = new Map<number, number>();
  for (const arg of stage.fileLines('ran').map(argOf)) counts.set(arg, (counts.get(arg) ?? 0) + 1);
  return counts;
}

const note = 'read -r job || :; echo "$job" >> "$D/ran"';

test.each(deliveries)(
  '%s: no job is lost, and only those run twice that the new master had not seen taken',
  async (delivery) => {
    await enqueue(jobs);
    const script = stage.script(`${note}; case $job in *7]*) exit 1;; esac`);
    const runner = await stage.run(configOf(delivery, script), { args: ['--drain'] });
    await stage.waitForFileLines('ran', 60);
    link.hold('psync');
    await waitFor(() => link.isHolding, { message: 'the replica lags' });
    const before = stage.fileLines('ran').length;
    await stage.waitForFileLines('ran', before + 60);
    const waiting = (await stage.backlog('mail')).map(argOf);
    await master.kill();

    expect(await runner.waitForExit(30_000)).toEqual(clean);
    expect(await sentinel.masterPort()).toBe(stage.redis.port);
    const forgotten = runner.all('steps.forgotten');
    expect(forgotten.map(({ message }) => message)).toEqual([
      expect.stringMatching(/forgot the last \d+ steps of this runner/),
    ]);
    expect(forgotten[0]?.settled).toBe(0);
    const counts = runs();
    expect(counts.size).toBe(jobs);
    const twice = [...counts].filter(([, count]) => count > 1).map(([arg]) => arg);
    expect(twice.length).toBeGreaterThan(0);
    expect(waiting).toEqual(expect.arrayContaining(twice));
    expect(Math.max(...counts.values())).toBe(2);
    const total = jobs + twice.length;
    expect(await stage.stat('processed')).toBe(total);
    const failed = 40 + twice.filter((arg) => arg % 10 === 7).length;
    expect(await stage.stat('failed')).toBe(failed);
    expect(await stage.client.llen('resque:failed')).toBe(failed);
    expect(await stage.client.smembers('resque:workers')).toEqual([]);
  },
);

test('a master that is replaced while it works: what it still took then is written to the new one', async () => {
  await enqueue(jobs);
  const runner = await stage.run(configOf('at-least-once', stage.script(note)));
  await stage.waitForFileLines('ran', 60);
  // The old one goes on as a master until the sentinel has made it a replica.
  await sentinel.correctRoles();
  await sentinel.failOver();
  await runner.waitForLine('redis.down');
  await runner.waitForLine('steps.forgotten');
  runner.signal('SIGQUIT');
  expect(await runner.waitForExit()).toEqual(clean);
  const { length: ran } = stage.fileLines('ran');
  expect(await stage.stat('processed')).toBe(ran);
  const args = [...runs().keys(), ...(await stage.backlog('mail')).map(argOf)];
  expect(new Set(args).size).toBe(jobs);
  stage.mayLeaveKeys('queue:mail');
});

test('a master that comes back as a replica changes nothing', async () => {
  const runner = await stage.run(configOf('at-least-once', stage.script(note)));
  await master.client.rpush('resque:queue:mail', '{"class":"Job","args":[0]}');
  await stage.waitForFileLines('ran', 1);
  await master.kill();
  await waitFor(async () => (await sentinel.masterPort()) === stage.redis.port, {
    message: 'the replica is the master',
  });
  await runner.waitForLine('redis.up', () => true, {
    from: runner.lines.findIndex(({ event }) => event === 'redis.down'),
  });
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
  await enqueue(jobs);
  const runner = await stage.run(configOf('at-least-once', stage.script(note)), { args: ['--drain'] });
  await stage.waitForFileLines('ran', 60);
  master.freeze();
  await waitFor(async () => (await sentinel.masterPort()) === stage.redis.port, {
    message: 'the replica is the master',
  });
  await sentinel.correctRoles();
  master.thaw();
  expect(await runner.waitForExit(30_000)).toEqual(clean);
  expect(runs().size).toBe(jobs);
  expect(await stage.stat('processed')).toBe(stage.fileLines('ran').length);
});

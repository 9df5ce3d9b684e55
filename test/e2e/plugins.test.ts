/** Checks docs/plugins.md: keys of other clients' plugins stay unchanged. */
import { Queue } from 'node-resque';
import { expect, onTestFinished, test } from 'vitest';
import { runCommand } from '../cli/run-command.ts';
import { useEndToEnd } from '../helpers/end-to-end.ts';

const e2e = useEndToEnd({ isInProcess: true });

test('without `locks`, keys of plugins are neither written nor deleted', async () => {
  const job = { class: 'Job', args: ['9c1e'] };
  const keys = {
    'loners:queue:mail:job:e3c46016': '1',
    'lock:Job-["9c1e"]': '1795900000',
    'loner:lock:Job:9c1e': 'true',
    'lock:Job:mail:["9c1e"]': '1795900000',
    'workerslock:Job:mail:["9c1e"]': '1',
    'resque-retry:Job:9c1e': '0',
    'status:9c1e': '{"time":1795900000,"status":"queued","uuid":"9c1e","options":{}}',
  };
  for (const [name, value] of Object.entries(keys)) await e2e.client.set(e2e.key(name), value);
  await e2e.client.rpush(e2e.key('mail_failed'), 'of redis_multi_queue');
  await e2e.client.sadd(e2e.key('failed_queues'), 'mail_failed');
  e2e.mayLeaveKeys(...Object.keys(keys), 'mail_failed', 'failed_queues');

  const script = e2e.script('[ -e "$D/again" ] || { touch "$D/again"; exit 1; }');
  await e2e.enqueue('mail', job, job);
  const runner = await e2e.run({ runners: { mail: 1 }, script }, { args: ['--drain'] });
  expect(await runner.waitForExit()).toEqual({ code: 0, signal: undefined });
  await e2e.failures(1);
  for (const [name, value] of Object.entries(keys)) expect(await e2e.client.get(e2e.key(name))).toBe(value);
  expect(await e2e.client.lrange(e2e.key('mail_failed'), 0, -1)).toEqual(['of redis_multi_queue']);
});

test("node-resque's QueueLock and `enqueue --unique` keep a job from waiting twice, until the runner takes it", async () => {
  const jobs = { Job: { plugins: ['QueueLock'], perform: async () => {} } };
  const queue = new Queue({ connection: { pkg: 'ioredis', host: '127.0.0.1', port: e2e.redis.port } }, jobs);
  await queue.connect();
  onTestFinished(() => queue.end());
  e2e.mayLeaveKeys('connection_test_key');
  const args = [1, 'é "x"', { b: 1.5, a: [null] }];
  const enqueueHere = async () => {
    const words = ['enqueue', 'mail', 'Job', ...args.map((arg) => JSON.stringify(arg)), '--unique'];
    const where = ['--redis', `redis://127.0.0.1:${e2e.redis.port}`];
    return (await runCommand([...words, ...where], { cwd: e2e.directory })).code;
  };
  expect(await queue.enqueue('mail', 'Job', args)).toBe(true);
  expect(await queue.enqueue('mail', 'Job', args)).toBe(false);
  expect(await enqueueHere()).toBe(3);

  const script = e2e.script('cat > /dev/null; echo >> "$D/ran"');
  const runner = await e2e.run({ runners: { mail: 1 }, script, locks: ['node'] });
  await e2e.waitForStat('processed', 1);
  expect(await e2e.client.keys(e2e.key('lock:*'))).toEqual([]);
  await runner.stop();

  expect(await enqueueHere()).toBe(0);
  expect(await queue.enqueue('mail', 'Job', args)).toBe(false);
  await e2e.run({ runners: { mail: 1 }, script, locks: ['node'] });
  await e2e.waitForStat('processed', 2);
  expect(await queue.enqueue('mail', 'Job', args)).toBe(true);
  await e2e.waitForStat('processed', 3);
});

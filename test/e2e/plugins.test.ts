/** Checks docs/plugins.md: keys of other clients' plugins stay unchanged. */
import { expect, test } from 'vitest';
import { useEndToEnd } from '../helpers/end-to-end.ts';

const e2e = useEndToEnd({ isInProcess: true });

test('locks, statuses and failure lists of plugins are neither written nor deleted', async () => {
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

/**
 * Redis answers BLPOP on one connection, and everything else on another. That a queue holds jobs while BLPOP's
 * answer is still on its way is no sign of a dead connection, and to drop it would lose the job in the answer.
 */
import { afterEach, expect, test } from 'vitest';
import { useEndToEnd } from '../helpers/end-to-end.ts';
import { freePort } from '../helpers/redis.ts';
import { RedisProxy } from '../helpers/redis-proxy.ts';
import type { Runner } from '../helpers/runner.ts';
import { staysTrue, waitFor } from '../helpers/wait-for.ts';

const e2e = useEndToEnd({ isInProcess: true });
let proxy: RedisProxy;

afterEach(() => proxy.close());

async function runThroughProxy(): Promise<Runner> {
  const port = await freePort();
  proxy = new RedisProxy(port, e2e.redis.port);
  const script = e2e.script('read -r p; echo "$p" >> "$D/ran"');
  const redis = { server: '127.0.0.1', port };
  const runner = await e2e.run({ redis, runners: { mail: 1 }, script });
  await waitFor(() => proxy.count('blpop') > 0, { message: 'the runner waits for jobs' });
  return runner;
}

test('a job whose arrival is told later than a heartbeat is not lost', async () => {
  const runner = await runThroughProxy();
  proxy.hold('blpop');
  await e2e.enqueue('mail', ...[1, 2, 3].map((n) => ({ class: 'Job', args: [n] })));
  await waitFor(() => proxy.isHolding, { message: 'Redis has answered the wait' });
  // A reload looks after workers and connections at once.
  const heartbeats = proxy.count('time');
  runner.signal('SIGHUP');
  await waitFor(() => proxy.count('time') > heartbeats, { message: 'a heartbeat' });
  await staysTrue(() => runner.all('redis.down').length === 0, { message: 'no trouble', forMs: 100 });
  proxy.release();
  await runner.waitForFinished(3);
  expect(e2e.fileLines('ran')).toHaveLength(3);
  expect(runner.all('redis.down')).toEqual([]);
  await runner.stop();
});

test('a wait whose answer never comes is given up, and the jobs behind it run', async () => {
  const runner = await runThroughProxy();
  proxy.hold('blpop');
  await e2e.enqueue('mail', ...[1, 2, 3].map((n) => ({ class: 'Job', args: [n] })));
  await runner.waitForLine('redis.down', undefined, { timeoutMs: 29_000 });
  await runner.waitForFinished(2);
  await runner.stop();
});

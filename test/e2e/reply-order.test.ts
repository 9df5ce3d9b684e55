/**
 * Redis answers BLPOP on one connection and all other commands on another. A queue may contain jobs while BLPOP's reply is
 * still on its way. The connection is not dead then, and dropping it would lose the job in the reply.
 */
import { afterEach, expect, test } from 'vitest';
import { useEndToEnd } from '../helpers/end-to-end.ts';
import { freePort } from '../helpers/redis.ts';
import { RedisProxy } from '../helpers/redis-proxy.ts';
import type { Runner } from '../helpers/runner.ts';
import { staysTrue, waitFor } from '../helpers/wait-for.ts';

const e2e = useEndToEnd({ isInProcess: true });
/** The runner must notice a dead connection within 30 s: at a heartbeat, it begins to check it. */
const heartbeatSeconds = 20;
const checkSeconds = 10;
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

test('a job is not lost if its reply arrives after a heartbeat', async () => {
  const runner = await runThroughProxy();
  proxy.hold('blpop');
  await e2e.enqueue('mail', ...[1, 2, 3].map((n) => ({ class: 'Job', args: [n] })));
  await waitFor(() => proxy.isHolding, { message: 'Redis has answered the wait' });
  // A reload checks workers and connections immediately.
  const heartbeats = proxy.count('time');
  runner.signal('SIGHUP');
  await waitFor(() => proxy.count('time') > heartbeats, { message: 'a heartbeat' });
  await staysTrue(() => runner.all('redis.down').length === 0, { message: 'no Redis error', forMs: 100 });
  proxy.release();
  await runner.waitForFinished(3);
  expect(e2e.fileLines('ran')).toHaveLength(3);
  expect(runner.all('redis.down')).toEqual([]);
  await runner.stop();
});

test('the runner gives up a wait without a reply, and the jobs after it run', async () => {
  const runner = await runThroughProxy();
  proxy.hold('blpop');
  await e2e.enqueue('mail', ...[1, 2, 3].map((n) => ({ class: 'Job', args: [n] })));
  await waitFor(() => proxy.isHolding, { message: 'Redis has answered the wait' });
  await e2e.pass(heartbeatSeconds);
  await waitFor(() => proxy.count('unblock') > 0, { message: 'the runner tries to end the wait' });
  await e2e.pass(checkSeconds);
  await runner.waitForLine('redis.down', undefined, { timeoutMs: 1_000 });
  await runner.waitForFinished(2);
  await runner.stop();
});

/** Proxies of one test, and when to break them. */
import { onTestFinished } from 'vitest';
import { waitFor } from '../helpers/wait-for.ts';
import { RedisProxy, type Verdict } from './redis-proxy.ts';
import type { TestEngine } from './stage.ts';

/** A proxy until the engines of this test have stopped. */
export async function startProxy(redisPort: number): Promise<RedisProxy> {
  const proxy = new RedisProxy(redisPort);
  await proxy.listen();
  onTestFinished(() => proxy.dispose());
  return proxy;
}

/** Whether a piece has a script in it: a step, or a heartbeat. */
export function isStep(text: string): boolean {
  return /\r\nEVAL(SHA)?\r\n/.test(text);
}

/** Does this with the nth step from now, and passes everything else. */
export function atStep(proxy: RedisProxy, n: number, verdict: Verdict): void {
  let steps = 0;
  proxy.judge = (text) => {
    if (!isStep(text)) return 'pass';
    steps += 1;
    if (steps !== n) return 'pass';
    proxy.judge = () => 'pass';
    return verdict;
  };
}

/** Waits for so many cuts, and for the connection to be back after the last. */
export async function cutAndBack(engine: TestEngine, proxy: RedisProxy, cuts = 1): Promise<void> {
  await waitFor(() => proxy.cuts >= cuts, { message: () => `the connection is cut\n${engine.describe()}` });
  await engine.wait('redis.up', cuts + 1);
}

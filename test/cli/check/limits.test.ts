/** What `check` finds about limits over all runners. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, expect, test } from 'vitest';
import type { RunnerEntry } from '../../../src/resque/workers/runner-entry.ts';
import { useRedis } from '../../helpers/redis.ts';
import { useDirectory } from '../directory.ts';
import { runCommand } from '../run-command.ts';

const server = useRedis();
const directory = useDirectory();

beforeEach(() => {
  const redis = `redis://127.0.0.1:${server.port}`;
  const runners = { mail: { limit: 10, rate: '5/s' } };
  writeFileSync(join(directory.path, 'cfg.json'), JSON.stringify({ redis, runners, script: '/bin/true' }));
});

/** Another host's runner, which has been heard of just now. */
async function register(owner: string, about: Partial<RunnerEntry>): Promise<void> {
  const [seconds] = await server.client.time();
  const entry = {
    ...{ machine: 'another kernel', pid: 1, startedAt: '7', nonce: owner, requeues: [], maxRecoveries: 3 },
    ...{ seenAtMs: Number(seconds) * 1_000, slots: [{ runner: 'mail', count: 5 }], ...about },
  };
  await server.client.hset('resque:runners', owner, JSON.stringify(entry));
}

async function check(): Promise<string> {
  return (await runCommand(['check'], { cwd: directory.path })).stdout;
}

test('runners with the same limits are fine', async () => {
  const limits = [{ runner: 'mail', limit: 10, rate: '5/s' }];
  await register('a.runner:1', { limits });
  await register('b.runner:1', { limits });
  await register('c.runner:1', { slots: [{ runner: 'other', count: 1 }] });
  expect(await check()).not.toContain('disagree');
});

test('names runners that disagree about a queue, even one without limits and one with a pattern', async () => {
  await register('a.runner:1', { limits: [{ runner: 'mail', limit: 10, rate: '5/s' }] });
  await register('b.runner:1', {});
  await register('c.runner:1', {
    slots: [{ runner: 'ma*', count: 2 }],
    limits: [{ runner: 'ma*', limit: 1000, rate: null }],
  });
  await server.client.sadd('resque:queues', 'mail', 'other');
  const text = (await check()).replace(/\s+/g, ' ');
  expect(text).toContain(
    'runners disagree about queue mail: a.runner:1 has limit 10, rate 5/s; b.runner:1 has no limit; c.runner:1 has limit 1,000; give it the same "limit" and "rate" in all their configs',
  );
  expect(text).not.toContain('queue other');
});

test('reports a Redis user who may not use the keys of limits', async () => {
  await server.client.acl('SETUSER', 'default', '-srem');
  try {
    expect(await check()).toMatch(/FAIL +permission +SREM/);
  } finally {
    await server.client.acl('SETUSER', 'default', '+@all');
  }
});

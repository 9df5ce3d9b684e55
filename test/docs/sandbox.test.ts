/** What the sandbox of a document guarantees. */
import { expect, test } from 'vitest';
import { useRedis } from '../helpers/redis.ts';
import { useSandbox } from './sandbox.ts';

const redis = useRedis();
const sandbox = useSandbox(redis);

test('localhost:6379 is the test Redis', async () => {
  const { exitCode, output } = await sandbox().run(
    'resque-runner enqueue mail Welcome && redis-cli llen resque:queue:mail',
  );
  expect({ exitCode, last: output.split('\n').at(-1) }).toEqual({ exitCode: 0, last: '1' });
  expect(await redis.client.llen('resque:queue:mail')).toBe(1);
});

test('a runner keeps running, the next block waits for its jobs, and attach has a terminal', async () => {
  sandbox().write('cfg.json', '{"runners": {"mail": 1}, "script": "./job.sh"}');
  sandbox().write('job.sh', '#!/bin/sh\ncat > jobs\n');
  expect(await sandbox().run('chmod +x job.sh; resque-runner')).toEqual({ exitCode: 0, output: '' });
  await sandbox().run('resque-runner enqueue mail Welcome');
  await sandbox().settle();
  expect((await sandbox().run('cat jobs')).output).toBe('{"class":"Welcome","args":[]}');
  expect(await sandbox().run('resque-runner attach --read-only')).toMatchObject({ exitCode: 0 });
});

test('a runner that fails to start fails its block', async () => {
  sandbox().write('cfg.json', '{"runers": {}}');
  const { exitCode, output } = await sandbox().run('resque-runner cfg.json');
  expect(exitCode).toBe(2);
  expect(output).toContain('did you mean "runners"?');
});

test('a command that fails in the middle of a block fails the block', async () => {
  expect(await sandbox().run('false\necho reached')).toEqual({ exitCode: 1, output: '' });
});

/** `resque-runner failed` and `status` with a Redis that closes connections with more than 1 MB of pending output. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { runCommand } from '../run-command.ts';
import { idOf, record, useFailedStage } from './stage.ts';

const stage = useFailedStage();
const { failed } = stage;
const large = record({ args: ['x'.repeat(4 * 1024 * 1024)], error: 'large' });
const entries = [record({ error: '0' }), large, record({ error: '2' }), record({ error: '3' })];

beforeEach(() => limitReplies('1mb 1mb 1'));
afterEach(() => limitReplies('0 0 0'));

async function limitReplies(limit: string): Promise<void> {
  await stage.redis.client.config('SET', 'client-output-buffer-limit', `normal ${limit}`);
}

test('a large failure is listed, shown and put back like others', async () => {
  await stage.fill(...entries);
  const { code, stdout } = await failed('list');
  expect(code).toBe(0);
  expect(stdout.split('\n').map((line) => line.split('\t')[0])).toEqual(
    entries.map((entry, at) => idOf(at, entry)).toReversed(),
  );
  expect(await failed('retry', '1')).toMatchObject({ code: 0, stderr: '' });
  await limitReplies('0 0 0');
  expect((await stage.queued()).map(({ length }) => length)).toEqual([
    JSON.stringify((JSON.parse(large) as { payload: unknown }).payload).length,
  ]);
});

test('all failures are put back together, each once', async () => {
  await stage.fill(...entries, ...entries);
  expect((await failed('retry', '--all', '--yes')).stdout).toBe('retried 8 failures');
  await limitReplies('0 0 0');
  expect(await stage.queued()).toHaveLength(8);
});

test('all failures are removed together', async () => {
  await stage.fill(...entries, ...entries);
  expect((await failed('remove', '--all', '--yes')).stdout).toBe('removed 8 failures');
  expect(await stage.redis.client.exists('resque:failed')).toBe(0);
});

test('status shows a worker with a large job', async () => {
  const { client } = stage.redis;
  const payload = { class: 'Large', args: ['x'.repeat(4 * 1024 * 1024)] };
  const id = 'web1:12:mail';
  await client.sadd('resque:workers', id);
  await client.set(`resque:worker:${id}`, JSON.stringify({ queue: 'mail', run_at: 'now', payload }));
  const status = await runCommand(['status', '--redis', stage.url]);
  expect(status).toMatchObject({ code: 0, stderr: '' });
  expect(status.stdout).toContain('Large');
});

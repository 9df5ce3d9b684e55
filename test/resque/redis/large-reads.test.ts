/** Reads from a server that closes connections on which more than 64 KB wait. */
import { Redis } from 'ioredis';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { FailedList } from '../../../src/resque/failed/failed-list.ts';
import { resqueKeys } from '../../../src/resque/format/keys.ts';
import { LargeReads } from '../../../src/resque/redis/large-reads.ts';
import type { CommandSender } from '../../../src/resque/redis/send.ts';
import { useRedis } from '../../helpers/redis.ts';

const server = useRedis();
const limit = 16 * 1024;
let connection: Redis;

beforeAll(async () => {
  await server.client.config('SET', 'client-output-buffer-limit', 'normal 64kb 0 0');
  connection = new Redis(server.port, '127.0.0.1', { protocol: 2, retryStrategy: () => null });
});
beforeEach(() => expect(connection.status).not.toBe('end'));
afterAll(() => connection.disconnect());

const limited = (): CommandSender => ({ command: (send) => send(connection), replyLimit: limit });
const text = (size: number) => Buffer.from(Array.from({ length: size }, (_, n) => 97 + (n % 26)));

const sizes = [0, 1, limit - 1, limit, 1, limit + 1, 3 * limit, 10, 300_000, 2];

test('reads values of any size; null for other types', async () => {
  const keys = sizes.map((size) => `value-${size}`);
  for (const [at, key] of keys.entries()) await server.client.set(key, text(sizes[at] ?? 0));
  await server.client.rpush('list', 'x');
  const values = await new LargeReads(limited()).values(['none', ...keys, 'list', Buffer.from('value-1')]);
  expect(values.map((value) => value?.length ?? null)).toEqual([null, ...sizes, null, 1]);
  for (const [at, size] of sizes.entries()) expect(values[at + 1]?.equals(text(size))).toBe(true);
});

test('reads the elements of a list in order', async () => {
  for (const size of sizes) await server.client.rpush('list', text(size));
  const elements = await new LargeReads(limited()).list('list');
  expect(elements.map(({ length }) => length)).toEqual(sizes);
  for (const [at, size] of sizes.entries()) expect(elements[at]?.equals(text(size))).toBe(true);
  expect(await new LargeReads(limited()).list('none')).toEqual([]);
});

test('concurrent reads wait for each other', async () => {
  await server.client.set('value', text(limit));
  const reads = new LargeReads(limited());
  const values = await Promise.all(Array.from({ length: 50 }, () => reads.values(['value'])));
  expect(values.flat().every((value) => value?.length === limit)).toBe(true);
});

test('a value that is gone is null', async () => {
  expect(await new LargeReads(limited()).value('none', 3 * limit)).toBe(null);
});

test('without a limit, each read is one command', async () => {
  let commands = 0;
  const sender: CommandSender = {
    command: (send) => {
      commands += 1;
      return send(server.client);
    },
  };
  await server.client.config('SET', 'client-output-buffer-limit', 'normal 0 0 0');
  await server.client.set('value', text(300_000));
  expect((await new LargeReads(sender).values(['value', 'none'])).map((value) => value?.length)).toEqual([
    300_000,
    undefined,
  ]);
  expect(commands).toBe(1);
});

test('pages of failures are the same as without a limit', async () => {
  await server.client.config('SET', 'client-output-buffer-limit', 'normal 64kb 0 0');
  for (const size of [...sizes, ...sizes.toReversed()])
    await server.client.rpush('resque:failed', text(size));
  const keys = resqueKeys('resque');
  const whole = new FailedList({ command: (send) => send(server.client) }, keys);
  const parts = new FailedList(limited(), keys);
  await server.client.config('SET', 'client-output-buffer-limit', 'normal 0 0 0');
  const pages: [number | null, number][] = [];
  for (const before of [null, 0, 1, 9, 10, 20, 23, 100])
    for (const size of [1, 3, 50]) pages.push([before, size]);
  const expected = await Promise.all(pages.map(([before, size]) => whole.page(before, size)));
  await server.client.config('SET', 'client-output-buffer-limit', 'normal 64kb 0 0');
  for (const [at, [before, size]] of pages.entries()) {
    const page = await parts.page(before, size);
    expect(page.total).toBe(expected[at]?.total);
    expect(page.entries.map(({ index }) => index)).toEqual(expected[at]?.entries.map(({ index }) => index));
    expect(page.entries.map(({ record }) => record.length)).toEqual(
      expected[at]?.entries.map(({ record }) => record.length),
    );
  }
});

/** Retrying and removing failures while others change the list. */
import { describe, expect, test } from 'vitest';
import { useRedis } from '../helpers/redis.ts';
import { useClient } from './client.ts';

const stage = useClient(useRedis());
const failed = 'resque:failed';
const payload = '{"class":"A","args":[9007199254740993],"id":"x"}';
const entry = (error: string) => Buffer.from(`{"payload":${payload},"queue":"mail","error":"${error}"}`);
const list = () => stage.redis.lrange(failed, 0, -1);
const isRetried = (text: string | undefined) => /,"retried_at":"[\d/]{10} [\d:]{8} UTC"}$/.test(text ?? '');

describe('a retry', () => {
  test('puts the original bytes onto the queue, makes the queue known and notes the time', async () => {
    await stage.redis.rpush(failed, entry('1'), entry('2'), entry('3'));
    expect(await stage.client.retryFailure(entry('2'), 1)).toBe('retried');
    expect(await stage.redis.lrange('resque:queue:mail', 0, -1)).toEqual([payload]);
    expect(await stage.redis.smembers('resque:queues')).toEqual(['mail']);
    const [first, second, third] = await list();
    expect([first, third]).toEqual([entry('1').toString(), entry('3').toString()]);
    expect(isRetried(second)).toBe(true);
  });

  test.each([0, 1, 2, 99, -1])('finds the entry although the index says %i', async (index) => {
    await stage.redis.rpush(failed, entry('1'), entry('2'), entry('3'));
    expect(await stage.client.retryFailure(entry('3'), index)).toBe('retried');
    expect((await list()).map(isRetried)).toEqual([false, false, true]);
  });

  test('finds it far down a list that another client shifts meanwhile', async () => {
    const others = Array.from({ length: 1_234 }, (_, at) => entry(`other ${at}`));
    await stage.redis.rpush(failed, entry('it'), ...others);
    await stage.redis.lpush(failed, ...others.slice(0, 1_100));
    expect(await stage.client.retryFailure(entry('it'), 0)).toBe('retried');
    expect((await list()).findIndex(isRetried)).toBe(1_100);
  });

  test('is of one of several that are alike', async () => {
    await stage.redis.rpush(failed, entry('1'), entry('1'));
    expect(await stage.client.retryFailure(entry('1'), 1)).toBe('retried');
    expect((await list()).map(isRetried)).toEqual([false, true]);
    expect(await stage.redis.llen('resque:queue:mail')).toBe(1);
  });

  test('is refused where the entry is gone or has changed', async () => {
    expect(await stage.client.retryFailure(entry('1'), 0)).toBe('gone');
    await stage.redis.rpush(failed, entry('1'));
    expect(await stage.client.retryFailure(entry('1'), 0)).toBe('retried');
    expect(await stage.client.retryFailure(entry('1'), 0)).toBe('gone');
    expect(await stage.redis.llen('resque:queue:mail')).toBe(1);
  });

  test('is refused where the entry says not what to retry, and changes nothing', async () => {
    const text = Buffer.from('{"payload":"text","queue":"mail"}');
    await stage.redis.rpush(failed, text);
    expect(await stage.client.retryFailure(text, 0)).toBe('unretryable');
    expect(await list()).toEqual([text.toString()]);
    expect(await stage.redis.exists('resque:queue:mail', 'resque:queues')).toBe(0);
  });

  test('works on bytes that are no UTF-8', async () => {
    const bytes = Buffer.from(`{"payload":{"a":"\xe9"},"queue":"mail"}`, 'latin1');
    await stage.redis.rpush(failed, bytes);
    expect(await stage.client.retryFailure(bytes, 0)).toBe('retried');
    expect((await stage.redis.lindexBuffer('resque:queue:mail', 0))?.toString('latin1')).toBe('{"a":"\xe9"}');
  });
});

describe('a removal', () => {
  test('takes out exactly that entry, wherever it is', async () => {
    await stage.redis.rpush(failed, entry('1'), entry('2'), entry('3'));
    expect(await stage.client.removeFailure(entry('2'))).toBe('removed');
    expect(await list()).toEqual([entry('1').toString(), entry('3').toString()]);
  });

  test('takes out one of several that are alike', async () => {
    await stage.redis.rpush(failed, entry('1'), entry('1'), entry('2'));
    expect(await stage.client.removeFailure(entry('1'))).toBe('removed');
    expect(await list()).toEqual([entry('1').toString(), entry('2').toString()]);
  });

  test('is refused where the entry is gone', async () => {
    await stage.redis.rpush(failed, entry('1'));
    expect(await stage.client.removeFailure(entry('2'))).toBe('gone');
    expect(await stage.redis.llen(failed)).toBe(1);
  });

  test.each(['', 'junk', '\0\xff'])('works on any entry: %j', async (text) => {
    const bytes = Buffer.from(text, 'latin1');
    await stage.redis.rpush(failed, bytes, 'x');
    expect(await stage.client.removeFailure(bytes)).toBe('removed');
    expect(await list()).toEqual(['x']);
  });
});

describe('a page of failures', () => {
  const errors = async (offset: number, count: number) => {
    const { total, entries } = await stage.client.failures(offset, count);
    return { total, entries: entries.map(({ error, index }) => `${index} ${error}`) };
  };

  test('has the newest first, each with its index', async () => {
    await stage.redis.rpush(failed, ...['a', 'b', 'c', 'd', 'e'].map(entry));
    expect(await errors(0, 2)).toEqual({ total: 5, entries: ['4 e', '3 d'] });
    expect(await errors(2, 2)).toEqual({ total: 5, entries: ['2 c', '1 b'] });
    expect(await errors(4, 2)).toEqual({ total: 5, entries: ['0 a'] });
    expect(await errors(5, 2)).toEqual({ total: 5, entries: [] });
    expect(await errors(0, 100)).toEqual({ total: 5, entries: ['4 e', '3 d', '2 c', '1 b', '0 a'] });
  });

  test('is empty where there are none', async () => {
    expect(await errors(0, 10)).toEqual({ total: 0, entries: [] });
  });

  test('has what can not be read too', async () => {
    await stage.redis.rpush(failed, '', 'junk');
    const { entries } = await stage.client.failures(0, 10);
    expect(entries.map(({ isReadable, record }) => [isReadable, record.toString()])).toEqual([
      [false, 'junk'],
      [false, ''],
    ]);
  });
});

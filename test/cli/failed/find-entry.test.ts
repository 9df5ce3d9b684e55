/** The ID of a failure finds the right entry on a list that others have changed since. */
import { describe, expect, test } from 'vitest';
import { failureId, findEntry } from '../../../src/cli/failed/find-entry.ts';
import { FailedList } from '../../../src/resque/failed/failed-list.ts';
import { resqueKeys } from '../../../src/resque/format/keys.ts';
import { useRedis } from '../../helpers/redis.ts';
import { idOf } from './stage.ts';

const redis = useRedis();
const key = 'resque:failed';
const numbered = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, at) => `entry ${from + at}`);

async function find(id: string): Promise<string> {
  const list = new FailedList({ command: (send) => send(redis.client) }, resqueKeys('resque'));
  const { index, record } = await findEntry(list, id);
  return `${index} ${record.toString()}`;
}

describe('an ID', () => {
  test('is the index and the start of the SHA-1 of the bytes', async () => {
    expect(failureId({ index: 12, record: Buffer.from('abc') })).toBe('12@a9993e36');
    await redis.client.rpush(key, 'abc', Buffer.from([0xff, 0x00]));
    expect(await find('0@a9993e36')).toBe('0 abc');
    expect(await find('0@A9993E36')).toBe('0 abc');
    expect(await find(idOf(1, Buffer.from([0xff, 0x00])))).toMatch(/^1 /);
  });

  test('without a checksum is the entry at that index', async () => {
    await redis.client.rpush(key, 'a', 'b');
    expect([await find('0'), await find('1')]).toEqual(['0 a', '1 b']);
    await expect(find('2')).rejects.toThrow('there is no failure 2: indexes are 0 to 1');
    await redis.client.ltrim(key, 0, 0);
    await expect(find('2')).rejects.toThrow('there is no failure 2: the only index is 0');
    await redis.client.del(key);
    await expect(find('0')).rejects.toThrow('there is no failure 0: the list is empty');
  });

  test('"last" is the newest entry, the first that list shows', async () => {
    await redis.client.rpush(key, 'a', 'b', 'c');
    expect(await find('last')).toBe('2 c');
    await redis.client.del(key);
    await expect(find('last')).rejects.toMatchObject({
      name: 'UsageError',
      message: 'there is no failure: the list is empty',
    });
  });

  test.each([
    '',
    'x',
    '-1',
    '1@',
    '1@abc',
    '1@abcdefgh',
    '1@a9993e3600',
    ' 1',
    '1.5',
    '9999999999',
    '@a9993e36',
  ])('%j is rejected', async (id) => {
    await redis.client.rpush(key, 'abc');
    await expect(find(id)).rejects.toMatchObject({
      name: 'UsageError',
      message: `"${id}" is not a failure ID; use one that resque-runner failed list shows, such as 12@3fa9c1d2, or last for the newest`,
    });
  });
});

describe('an entry that has moved', () => {
  test('to a lower index, since older ones were removed, is found even far away', async () => {
    await redis.client.rpush(key, ...numbered(0, 2_000));
    await redis.client.ltrim(key, 1_500, -1);
    expect(await find(idOf(1_600, 'entry 1600'))).toBe('100 entry 1600');
    expect(await find(idOf(1_999, 'entry 1999'))).toBe('499 entry 1999');
    expect(await find(idOf(1_500, 'entry 1500'))).toBe('0 entry 1500');
  });

  test('to a higher index, since others were inserted before it, is found nearby', async () => {
    await redis.client.rpush(key, ...numbered(0, 300));
    await redis.client.lpush(key, ...numbered(1_000, 1_250));
    expect(await find(idOf(0, 'entry 0'))).toBe('250 entry 0');
    expect(await find(idOf(299, 'entry 299'))).toBe('549 entry 299');
    await redis.client.lpush(key, 'one more');
    await expect(find(idOf(0, 'entry 0'))).rejects.toThrow('it was retried or removed');
  });

  test('is the nearest one below if several are equal', async () => {
    await redis.client.rpush(key, 'same', 'a', 'same', 'b', 'c', 'same');
    expect(await find(idOf(4, 'same'))).toBe('2 same');
    expect(await find(idOf(5, 'same'))).toBe('5 same');
    expect(await find(idOf(0, 'same'))).toBe('0 same');
  });
});

describe('an entry that is gone', () => {
  test('is reported as gone, with the entry that is there now, and no other entry is used', async () => {
    await redis.client.rpush(key, ...numbered(0, 5));
    await expect(find('3@00000000')).rejects.toMatchObject({
      name: 'UsageError',
      message: `there is no failure 3@00000000 anymore: it was retried or removed; index 3 is now ${idOf(3, 'entry 3')}`,
    });
    await expect(find('7@00000000')).rejects.toThrow('it was retried or removed; indexes are 0 to 4');
  });

  test('because it was retried is reported with the time', async () => {
    const retried = '{"retried_at":"2026/03/04 05:06:07 UTC"}';
    await redis.client.rpush(key, retried);
    await expect(find('0@00000000')).rejects.toThrow(
      `index 0 is now ${idOf(0, retried)}, retried at 2026/03/04 05:06:07 UTC`,
    );
  });
});

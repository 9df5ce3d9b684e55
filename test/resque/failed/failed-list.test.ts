/** Retrying and removing failures while others change the list. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Change, ChangeResult, WalkPage } from '../../../src/resque/failed/failed-list.ts';
import type { FailurePage, ListedRecord } from '../../../src/resque/failed/failed-page.ts';
import { randomCases } from '../../helpers/random-cases.ts';
import { useRedis } from '../../helpers/redis.ts';
import { useClient } from '../client.ts';

const stage = useClient(useRedis());
const failed = 'resque:failed';
const payload = '{"class":"A","args":[9007199254740993],"id":"x"}';
const entry = (error: string | number) =>
  Buffer.from(`{"payload":${payload},"queue":"mail","error":"${error}"}`);
const list = () => stage.redis.lrange(failed, 0, -1);
const isRetried = (text: string | undefined) => /,"retried_at":"[\d/]{10} [\d:]{8} UTC"}$/.test(text ?? '');
const errorOf = (text: string | Buffer) => /"error":"(.*?)"/.exec(text.toString())?.[1] ?? text.toString();
const errors = async () => (await list()).map(errorOf);
const change = (kind: Change['kind'], ...entries: [Buffer, number][]) =>
  stage.client.failed.change({ kind, entries: entries.map(([record, index]) => ({ record, index })) });
const retry = async (record: Buffer, index: number) => (await change('retry', [record, index]))[0];
const remove = async (record: Buffer, index = 0) => (await change('remove', [record, index]))[0];

describe('a retry', () => {
  test('puts the original bytes onto the queue, makes the queue known and notes the time', async () => {
    await stage.redis.rpush(failed, entry('1'), entry('2'), entry('3'));
    expect(await retry(entry('2'), 1)).toBe('done');
    expect(await stage.redis.lrange('resque:queue:mail', 0, -1)).toEqual([payload]);
    expect(await stage.redis.smembers('resque:queues')).toEqual(['mail']);
    const [first, second, third] = await list();
    expect([first, third]).toEqual([entry('1').toString(), entry('3').toString()]);
    expect(isRetried(second)).toBe(true);
  });

  test.each([0, 1, 2, 99, -1, Number.MAX_SAFE_INTEGER])(
    'finds the entry although the index says %i',
    async (index) => {
      await stage.redis.rpush(failed, entry('1'), entry('2'), entry('3'));
      expect(await retry(entry('3'), index)).toBe('done');
      expect((await list()).map(isRetried)).toEqual([false, false, true]);
    },
  );

  test('finds it far down a list that another client shifts meanwhile', async () => {
    const others = Array.from({ length: 1_234 }, (_, at) => entry(`other ${at}`));
    await stage.redis.rpush(failed, entry('it'), ...others);
    await stage.redis.lpush(failed, ...others.slice(0, 1_100));
    expect(await retry(entry('it'), 0)).toBe('done');
    expect((await list()).findIndex(isRetried)).toBe(1_100);
  });

  test('is of one of several that are alike', async () => {
    await stage.redis.rpush(failed, entry('1'), entry('1'));
    expect(await retry(entry('1'), 1)).toBe('done');
    expect((await list()).map(isRetried)).toEqual([false, true]);
    expect(await stage.redis.llen('resque:queue:mail')).toBe(1);
  });

  test('is refused where the entry is gone or has changed', async () => {
    expect(await retry(entry('1'), 0)).toBe('gone');
    await stage.redis.rpush(failed, entry('1'));
    expect(await retry(entry('1'), 0)).toBe('done');
    expect(await retry(entry('1'), 0)).toBe('gone');
    expect(await stage.redis.llen('resque:queue:mail')).toBe(1);
  });

  test('is refused where the entry says not what to retry, and changes nothing', async () => {
    const text = Buffer.from('{"payload":"text","queue":"mail"}');
    await stage.redis.rpush(failed, text);
    expect(await retry(text, 0)).toBe('unretryable');
    expect(await list()).toEqual([text.toString()]);
    expect(await stage.redis.exists('resque:queue:mail', 'resque:queues')).toBe(0);
  });

  test('is refused where the queue is no list, and loses nothing', async () => {
    await stage.redis.rpush(failed, entry('1'));
    await stage.redis.set('resque:queue:mail', 'text');
    expect(await retry(entry('1'), 0)).toBe('unretryable');
    expect(await list()).toEqual([entry('1').toString()]);
    await stage.redis.del('resque:queue:mail');
    await stage.redis.set('resque:queues', 'text');
    await expect(retry(entry('1'), 0)).rejects.toThrow('WRONGTYPE');
    expect(await stage.redis.keys('*')).not.toContain('resque:queue:mail');
    expect(await list()).toEqual([entry('1').toString()]);
  });

  test('works on bytes that are no UTF-8', async () => {
    const bytes = Buffer.from(`{"payload":{"a":"\xe9"},"queue":"mail"}`, 'latin1');
    await stage.redis.rpush(failed, bytes);
    expect(await retry(bytes, 0)).toBe('done');
    expect((await stage.redis.lindexBuffer('resque:queue:mail', 0))?.toString('latin1')).toBe('{"a":"\xe9"}');
  });

  test('of many puts them back in the order given, each once', async () => {
    const records = Array.from({ length: 20 }, (_, at) =>
      Buffer.from(`{"payload":{"n":${at}},"queue":"q${at % 2}"}`),
    );
    await stage.redis.rpush(failed, ...records);
    const results = await change('retry', ...records.map((record, at): [Buffer, number] => [record, at]));
    expect(results).toEqual(records.map(() => 'done'));
    const even = [0, 2, 4, 6, 8, 10, 12, 14, 16, 18].map((n) => `{"n":${n}}`);
    expect(await stage.redis.lrange('resque:queue:q0', 0, -1)).toEqual(even);
    expect((await list()).every(isRetried)).toBe(true);
  });
});

describe('a removal', () => {
  test('takes out exactly that entry, wherever it is', async () => {
    await stage.redis.rpush(failed, entry('1'), entry('2'), entry('3'));
    expect(await remove(entry('2'))).toBe('done');
    expect(await errors()).toEqual(['1', '3']);
  });

  test('takes out one of several that are alike', async () => {
    await stage.redis.rpush(failed, entry('1'), entry('1'), entry('2'));
    expect(await remove(entry('1'))).toBe('done');
    expect(await errors()).toEqual(['1', '2']);
  });

  test('takes out two of three that are alike, where asked for two', async () => {
    await stage.redis.rpush(failed, entry('1'), entry('1'), entry('2'), entry('1'));
    expect(await change('remove', [entry('1'), 1], [entry('1'), 99])).toEqual(['done', 'done']);
    expect(await errors()).toEqual(['1', '2']);
  });

  test('is refused where the entry is gone', async () => {
    await stage.redis.rpush(failed, entry('1'));
    expect(await remove(entry('2'))).toBe('gone');
    expect(await stage.redis.llen(failed)).toBe(1);
  });

  test.each(['', 'junk', '\0\xff'])('works on any entry: %j', async (text) => {
    const bytes = Buffer.from(text, 'latin1');
    await stage.redis.rpush(failed, bytes, 'x');
    expect(await remove(bytes)).toBe('done');
    expect(await list()).toEqual(['x']);
  });

  test('works where Redis is out of memory', async () => {
    await stage.redis.rpush(failed, entry('1'), entry('2'), entry('3'), entry('2'));
    await stage.redis.config('SET', 'maxmemory', '1');
    try {
      expect(await change('remove', [entry('1'), 0], [entry('2'), 1])).toEqual(['done', 'done']);
      expect((await errors()).toSorted()).toEqual(['2', '3']);
    } finally {
      await stage.redis.config('SET', 'maxmemory', '0');
    }
  });

  test('that is not permitted to the end leaves the list as it was', async () => {
    await stage.redis.rpush(failed, entry('1'), entry('2'));
    await stage.redis.acl('SETUSER', 'default', '-lrem');
    try {
      await expect(change('remove', [entry('1'), 0], [entry('2'), 1])).rejects.toMatchObject({
        kind: 'denied',
      });
      expect(await errors()).toEqual(['1', '2']);
    } finally {
      await stage.redis.acl('SETUSER', 'default', '+lrem');
    }
  });

  test('shows nobody an entry that is none, at any moment', async () => {
    const records = Array.from({ length: 300 }, (_, at) => entry(at));
    await stage.redis.rpush(failed, ...records);
    let isOver = false;
    const odd: string[] = [];
    const looking = (async () => {
      while (!isOver) {
        const seen = await list();
        odd.push(...seen.filter((text) => !text.startsWith('{"payload"')));
      }
    })();
    for (let at = 0; at < 300; at += 30) {
      const some = records.slice(at, at + 30).map((record): [Buffer, number] => [record, 0]);
      expect(new Set(await change('remove', ...some))).toEqual(new Set(['done']));
    }
    isOver = true;
    await looking;
    expect(odd).toEqual([]);
    expect(await stage.redis.exists(failed)).toBe(0);
  });
});

describe('any change', () => {
  const scripts = fc.record({
    kind: fc.constantFrom('retry' as const, 'remove' as const),
    // Few different ones, so that some are alike.
    list: fc.array(fc.nat(12), { minLength: 1, maxLength: 60 }),
    named: fc.array(fc.tuple(fc.nat(15), fc.integer({ min: -3, max: 70 })), { minLength: 1, maxLength: 12 }),
  });

  test('hits as many of each as were named and are there, and nothing else', async () => {
    await fc.assert(
      fc.asyncProperty(scripts, async ({ kind, list: values, named }) => {
        await stage.redis.del(failed, 'resque:queue:mail');
        await stage.redis.rpush(failed, ...values.map(entry));
        const results = await change(
          kind,
          ...named.map(([value, at]): [Buffer, number] => [entry(value), at]),
        );
        const count = (of: readonly (number | string)[], value: number) =>
          of.filter((each) => String(each) === String(value)).length;
        const left = (await list()).filter((text) => !isRetried(text)).map(errorOf);
        for (let value = 0; value <= 15; value += 1) {
          const asked = named.filter(([each]) => each === value).length;
          const hit = Math.min(asked, count(values, value));
          expect(count(left, value)).toBe(count(values, value) - hit);
          const ofValue = results.filter((_, at) => named[at]?.[0] === value);
          expect(ofValue.filter((result) => result === 'done')).toHaveLength(hit);
          expect(ofValue.filter((result) => result === 'gone')).toHaveLength(asked - hit);
        }
        const done = results.filter((result) => result === 'done').length;
        expect(await stage.redis.llen(failed)).toBe(values.length - (kind === 'remove' ? done : 0));
        expect(await stage.redis.llen('resque:queue:mail')).toBe(kind === 'retry' ? done : 0);
      }),
      { numRuns: randomCases(150) },
    );
  });

  test('hits one entry once, although it was named twice', async () => {
    await stage.redis.rpush(failed, entry('1'), entry('2'));
    expect(await change('retry', [entry('1'), 0], [entry('1'), 0])).toEqual(['done', 'gone']);
    expect(await stage.redis.llen('resque:queue:mail')).toBe(1);
    expect(await change('remove', [entry('2'), 1], [entry('2'), 1])).toEqual(['done', 'gone']);
    expect((await list()).map(isRetried)).toEqual([true]);
  });

  test('hits the one at the index where that is alike to others', async () => {
    await stage.redis.rpush(failed, ...['a', 'x', 'b', 'x', 'c', 'x'].map(entry));
    await change('retry', [entry('x'), 3]);
    expect((await list()).map(isRetried)).toEqual([false, false, false, true, false, false]);
  });
});

/** Goes through the list as a command does, doing that to every entry that is wanted. */
async function walk(
  kind: Change['kind'],
  isWanted: (record: Buffer) => boolean,
  options: { before?: number; size?: number; between?: (page: FailurePage) => Promise<unknown> } = {},
): Promise<{ seen: string[]; results: ChangeResult[]; isLost: boolean }> {
  const { before = 1e9, size = 10, between } = options;
  const seen: string[] = [];
  const results: ChangeResult[] = [];
  let page: WalkPage | null = null;
  do {
    if (page !== null) await between?.(page);
    const entries: readonly ListedRecord[] = page?.entries ?? [];
    seen.push(...entries.map(({ record }) => errorOf(record)).reverse());
    const wanted = entries.filter(({ record }) => isWanted(record));
    const step: Awaited<ReturnType<typeof stage.client.failed.step>> = await stage.client.failed.step(
      { kind, entries: wanted },
      { page, before, size },
    );
    results.push(...step.results);
    if (step.page === null) return { seen, results, isLost: true };
    page = step.page;
  } while (page.entries.length > 0);
  return { seen, results, isLost: false };
}

describe('a walk', () => {
  const numbers = (from: number, to: number) => Array.from({ length: to - from }, (_, at) => from + at);
  const fill = (count: number) => stage.redis.rpush(failed, ...numbers(0, count).map(entry));
  const texts = (from: number, to: number) => numbers(from, to).map(String);
  const isOdd = (record: Buffer) => Number(errorOf(record)) % 2 === 1;

  test.each(['retry', 'remove'] as const)(
    'to %s comes by every entry once, newer ones first',
    async (kind) => {
      await fill(57);
      const { seen, results } = await walk(kind, isOdd);
      expect(seen).toEqual(texts(0, 57).reverse());
      expect(results).toEqual(numbers(0, 28).map(() => 'done'));
      const left = (await list()).filter((text) => !isRetried(text)).map(errorOf);
      expect(left).toEqual(texts(0, 57).filter((text) => Number(text) % 2 === 0));
    },
  );

  test('begins where it is told to', async () => {
    await fill(30);
    expect((await walk('remove', () => true, { before: 12 })).seen).toEqual(texts(0, 12).reverse());
    expect(await errors()).toEqual(texts(12, 30));
  });

  test('of an empty list is over at once', async () => {
    expect(await walk('remove', () => true)).toEqual({ seen: [], results: [], isLost: false });
  });

  test('is not led astray by what others append', async () => {
    await fill(40);
    let count = 0;
    const between = () => stage.redis.rpush(failed, ...numbers(0, 5).map(() => entry(1_000 + count++)));
    const { seen } = await walk('remove', () => true, { before: 40, between });
    expect(seen).toEqual(texts(0, 40).reverse());
    expect((await errors()).every((text) => Number(text) >= 1_000)).toBe(true);
  });

  test.each(['retry', 'remove'] as const)('to %s passes over none when others remove some', async (kind) => {
    await fill(60);
    let removed = 0;
    // The oldest, then some in the middle of the page, and its oldest one.
    const between = async ({ entries }: FailurePage) => {
      await stage.redis.lpop(failed);
      removed += 1;
      for (const at of [0, 3, 4]) {
        const record = entries[at]?.record;
        if (record !== undefined) removed += await stage.redis.lrem(failed, 1, record);
      }
    };
    const { seen, results, isLost } = await walk(kind, () => true, { between });
    expect(isLost).toBe(false);
    expect(new Set(seen).size).toBe(seen.length);
    const done = results.filter((result) => result === 'done').length;
    expect(done + removed).toBe(60);
    expect((await list()).filter((text) => !isRetried(text))).toEqual([]);
  });

  test('passes over none when others put some to the head', async () => {
    await fill(40);
    let count = 0;
    const between = () => stage.redis.lpush(failed, entry(1_000 + count++), entry(1_000 + count++));
    const { seen } = await walk('retry', () => true, { between });
    expect(seen).toEqual(texts(0, 40).reverse());
    expect(count).toBeGreaterThan(0);
  });

  test('stops where the list was cleared, and leaves alone what came then', async () => {
    await fill(40);
    let isCleared = false;
    const between = async () => {
      if (isCleared) return;
      isCleared = true;
      await stage.redis.del(failed);
      await stage.redis.rpush(failed, ...numbers(100, 140).map(entry));
    };
    const { results, isLost } = await walk('remove', () => true, { between });
    expect(isLost).toBe(true);
    expect(results).toEqual(numbers(0, 10).map(() => 'gone'));
    expect(await errors()).toEqual(texts(100, 140));
  });

  test('does not take an equal far down for the one that others removed', async () => {
    await stage.redis.rpush(
      failed,
      ...numbers(0, 31).map((at) => entry(at === 0 || at === 21 ? 'alike' : at)),
    );
    let isRemoved = false;
    const between = async () => {
      if (!isRemoved) await stage.redis.lrem(failed, -1, entry('alike'));
      isRemoved = true;
    };
    await walk('retry', (record) => !isRetried(record.toString()), { between });
    expect((await list()).map(isRetried)).toEqual(numbers(0, 30).map(() => true));
    expect(await stage.redis.llen('resque:queue:mail')).toBe(30);
  });

  test('finds its way among entries that are alike', async () => {
    await stage.redis.rpush(failed, ...numbers(0, 50).map((at) => entry(at % 3)));
    const { results } = await walk('remove', (record) => errorOf(record) === '1', {
      between: () => stage.redis.lpop(failed),
    });
    expect(results.every((result) => result !== 'unretryable')).toBe(true);
    expect((await errors()).filter((text) => text === '1')).toEqual([]);
  });
});

describe('a walk, whatever others do between its steps,', () => {
  type Deed = { readonly kind: 'append' } | { readonly kind: 'remove'; readonly place: number };
  const deeds: fc.Arbitrary<Deed[]> = fc.array(
    fc.oneof(
      fc.record({ kind: fc.constant('append' as const) }),
      fc.record({ kind: fc.constant('remove' as const), place: fc.nat(1_000) }),
    ),
    { maxLength: 4 },
  );
  const plans = fc.record({
    kind: fc.constantFrom('retry' as const, 'remove' as const),
    values: fc.uniqueArray(fc.nat(500), { minLength: 1, maxLength: 50 }),
    /** 3: most have an equal. */
    variety: fc.constantFrom(3, 1_000),
    size: fc.integer({ min: 1, max: 12 }),
    between: fc.array(deeds, { maxLength: 20 }),
  });

  test('does all that is left of what was there, and nothing that came later', async () => {
    let lost = 0;
    await fc.assert(
      fc.asyncProperty(plans, async ({ kind, values, variety, size, between }) => {
        await stage.redis.del(failed, 'resque:queue:mail');
        const texts = values.map((value) => String(value % variety));
        await stage.redis.rpush(failed, ...texts.map(entry));
        let appended = 0;
        let step = 0;
        const disturb = async () => {
          for (const deed of between[step] ?? []) {
            if (deed.kind === 'append') await stage.redis.rpush(failed, entry(10_000 + appended++));
            else {
              const place = deed.place % Math.max(1, await stage.redis.llen(failed));
              const there = await stage.redis.lindexBuffer(failed, place);
              // Only of those that the walk has not come to yet.
              if (there !== null && !isRetried(there.toString()) && Number(errorOf(there)) < 10_000) {
                await stage.redis.lset(failed, place, 'gone');
                await stage.redis.lrem(failed, 1, 'gone');
              }
            }
          }
          step += 1;
        };
        const isWanted = (record: Buffer) =>
          !isRetried(record.toString()) && Number(errorOf(record)) % 3 !== 0;
        const { results, isLost } = await walk(kind, isWanted, {
          before: texts.length,
          size,
          between: disturb,
        });
        const left = (await stage.redis.lrangeBuffer(failed, 0, -1)).filter(isWanted).map(errorOf);
        const newer = left.filter((text) => Number(text) >= 10_000);
        const wantedNewer = Array.from({ length: appended }, (_, at) => 10_000 + at).filter(
          (n) => n % 3 !== 0,
        );
        expect(newer).toEqual(wantedNewer.map(String));
        const done = results.filter((result) => result === 'done').length;
        expect(await stage.redis.llen('resque:queue:mail')).toBe(kind === 'retry' ? done : 0);
        if (isLost) lost += 1;
        // Where others remove an entry, one of its equals further down may be taken for it.
        else if (variety > 3) expect(left.filter((text) => Number(text) < 10_000)).toEqual([]);
      }),
      { numRuns: 300 },
    );
    // The whole page removed by others in one moment: it can happen, with pages of one entry.
    expect(lost).toBeLessThan(60);
  });
});

describe('a page of failures', () => {
  const page = async (before: number | null, size: number) => {
    const { total, entries } = await stage.client.failed.page(before, size);
    return { total, entries: entries.map(({ record, index }) => `${index} ${errorOf(record)}`) };
  };

  test('holds what lies right before an index, each entry with its own', async () => {
    await stage.redis.rpush(failed, ...['a', 'b', 'c', 'd', 'e'].map(entry));
    expect(await page(null, 2)).toEqual({ total: 5, entries: ['3 d', '4 e'] });
    expect(await page(3, 2)).toEqual({ total: 5, entries: ['1 b', '2 c'] });
    expect(await page(1, 2)).toEqual({ total: 5, entries: ['0 a'] });
    expect(await page(0, 2)).toEqual({ total: 5, entries: [] });
    expect(await page(7, 4)).toEqual({ total: 5, entries: ['3 d', '4 e'] });
    expect(await page(100, 4)).toEqual({ total: 5, entries: [] });
    expect(await page(null, 100)).toEqual({ total: 5, entries: ['0 a', '1 b', '2 c', '3 d', '4 e'] });
  });

  test('is empty where there are none', async () => {
    expect(await page(null, 10)).toEqual({ total: 0, entries: [] });
  });

  test('has what can not be read too', async () => {
    await stage.redis.rpush(failed, '', 'junk');
    expect((await page(null, 10)).entries).toEqual(['0 ', '1 junk']);
  });

  test('can not be read of what is no list', async () => {
    await stage.redis.set(failed, 'text');
    await expect(page(null, 10)).rejects.toMatchObject({ name: 'RedisError', kind: 'refused' });
  });
});

/** Finding, counting, retrying and removing failures, while others change the list. */
import { describe, expect, test } from 'vitest';
import type {
  Command,
  CommandData,
  CommandReply,
  FailureEntry,
  FailureFilter,
  RefusalCode,
} from '../../src/protocol/commands.ts';
import { startProxy } from '../engine/proxies.ts';
import { type TestEngine, useEngines } from '../engine/stage.ts';
import { randomCases } from '../helpers/random-cases.ts';
import { useRedis } from '../helpers/redis.ts';
import { waitFor } from '../helpers/wait-for.ts';

const stage = useEngines(useRedis());
/** So many that others, at random places, can do a lot meanwhile. */
const manyFailures = randomCases(40_000);
/** What blocks for them would be noticed. */
const largeFailures = randomCases(10_000);
const failed = 'resque:failed';
const all: FailureFilter = { queue: null, jobClass: null, exception: null, exit: null, text: null };
const payload = { class: 'Job', args: [1] };
const base64 = (text: string) => Buffer.from(text).toString('base64');
const entry = (error: string | number, rest: object = {}) =>
  JSON.stringify({
    failed_at: '2026/11/24 15:20:19 UTC',
    payload,
    exception: 'E',
    error: String(error),
    queue: 'mail',
    ...rest,
  });
const ref = (text: string, index = 0) => ({ index, recordBase64: base64(text) });
const numbers = (from: number, to: number) => Array.from({ length: to - from }, (_, at) => from + at);
const done = (message: string) => ({ ok: true, message });
const bulk = (message: string, counts: Partial<CommandData & { kind: 'bulk' }>) => ({
  ...{ ok: true, message },
  data: { kind: 'bulk', done: 0, gone: 0, unretryable: 0, ...counts },
});
const refused = (code: RefusalCode) => ({ ok: false, code, message: expect.stringMatching(/\S/) });
const isRetried = (text: string) => text.includes('"retried_at"');
const list = () => stage.redis.lrange(failed, 0, -1);
const errors = async () => (await list()).map((text) => (JSON.parse(text) as { error: string }).error);
const queued = () => stage.redis.llen('resque:queue:mail');

/** An engine that takes no jobs, so that retried jobs stay on their queue. */
async function start(): Promise<TestEngine> {
  const engine = await stage.start([stage.runner('mail', stage.script(':'))]);
  await engine.do({ type: 'pause-all' });
  await stage.waitForNoWait();
  stage.mayLeaveKeys('queue:mail', 'queue:news');
  return engine;
}

async function fill(...records: string[]): Promise<void> {
  for (let at = 0; at < records.length; at += 1_000) {
    await stage.redis.rpush(failed, ...records.slice(at, at + 1_000));
  }
}

type Found = CommandData & { kind: 'failures' };

async function find(
  engine: TestEngine,
  rest: Partial<Command & { type: 'find-failures' }> = {},
): Promise<Found> {
  const reply = await engine.do({ type: 'find-failures', filter: all, before: null, count: 10, ...rest });
  if (!reply.ok || reply.data?.kind !== 'failures') throw new Error(`refused: ${reply.message}`);
  return reply.data;
}

const shown = (entries: readonly FailureEntry[]) => entries.map(({ index, error }) => `${index} ${error}`);

describe('finding', () => {
  test('lists the newest first, with all of their fields', async () => {
    const engine = await start();
    await fill(entry('1'), entry('2'), 'junk');
    const { total, entries, next } = await find(engine, { count: 2 });
    expect(total).toBe(3);
    expect(next).toBe(1);
    expect(entries).toMatchObject([
      { index: 2, isReadable: false, recordBase64: base64('junk') },
      {
        ...{ index: 1, isReadable: true, recordBase64: base64(entry('2')) },
        ...{ error: '2', jobClass: 'Job', args: '[1]' },
      },
    ]);
    expect(JSON.parse(JSON.stringify(entries))).toEqual(entries);
    expect(await find(engine, { before: 1 })).toMatchObject({ entries: [{ index: 0 }], next: null });
  });

  test('continues page by page to the oldest', async () => {
    const engine = await start();
    await fill(...numbers(0, 700).map((n) => entry(n, { exception: n % 3 === 0 ? 'Third' : 'Other' })));
    const found: string[] = [];
    let before: number | null = null;
    do {
      const page: Found = await find(engine, { filter: { ...all, exception: 'third' }, before, count: 100 });
      found.push(...shown(page.entries));
      before = page.next;
    } while (before !== null);
    expect(found).toEqual(
      numbers(0, 700)
        .filter((n) => n % 3 === 0)
        .reverse()
        .map((n) => `${n} ${n}`),
    );
  });

  test('without a match says how far it has searched, and where to continue', async () => {
    const engine = await start();
    await fill('{"error":"it"}', ...numbers(0, 6_000).map((n) => entry(n)));
    const filter = { ...all, text: 'it' };
    expect(await find(engine, { filter })).toEqual({
      kind: 'failures',
      total: 6_001,
      entries: [],
      next: 1_001,
    });
    expect(await find(engine, { filter, before: 1_001 })).toMatchObject({
      entries: [{ error: 'it' }],
      next: null,
    });
  });

  test('finds the end of a list that has become shorter or does not exist', async () => {
    const engine = await start();
    expect(await find(engine)).toEqual({ kind: 'failures', total: 0, entries: [], next: null });
    await fill(entry('1'), entry('2'));
    expect(shown((await find(engine, { before: 1_000_000 })).entries)).toEqual(['1 2', '0 1']);
    expect(await find(engine, { before: 0 })).toEqual({
      kind: 'failures',
      total: 2,
      entries: [],
      next: null,
    });
  });

  test('shows entries of any form', async () => {
    const engine = await start();
    await fill('{"backtrace":[{"toString":1}]}', '', '[1]', '{"payload":{"args":{"__proto__":1}}}');
    expect((await find(engine)).entries).toHaveLength(4);
  });

  test('cuts the texts of a record of several megabytes, but not its bytes', async () => {
    const engine = await start();
    const text = 'x'.repeat(1_000_000);
    const huge = entry(text, {
      stderr: text,
      stdout: text,
      backtrace: [text, text],
      payload: { class: text, args: [text] },
    });
    await fill(huge);
    const [found] = (await find(engine)).entries;
    expect(found?.recordBase64).toBe(base64(huge));
    expect(JSON.stringify({ ...found, recordBase64: '' }).length).toBeLessThan(7 * 66_000);
    expect(found?.error?.length).toBe(65_536);
  });

  test('ends a page before it becomes too large', async () => {
    const engine = await start();
    await fill(...numbers(0, 30).map((n) => entry(`${n} ${'x'.repeat(1_000_000)}`)));
    const { entries, next } = await find(engine, { count: 1_000 });
    expect(entries.length).toBeLessThan(12);
    expect(next).toBe(30 - entries.length);
  });
});

test('counting says how many match, and how many of them can still be retried', async () => {
  const engine = await start();
  await fill(
    ...numbers(0, 600).map((n) => entry(n, { queue: n % 2 === 0 ? 'mail' : 'news' })),
    entry('again', { retried_at: '2026/11/25 15:20:19 UTC' }),
    '{"queue":"mail"}',
    'junk',
  );
  const count = async (filter: Partial<FailureFilter>) =>
    engine.do({ type: 'count-failures', filter: { ...all, ...filter } });
  expect(await count({})).toMatchObject({ data: { total: 603, matching: 603, retryable: 600 } });
  expect(await count({ queue: 'mail' })).toEqual({
    ...done('302 of 603 failures match'),
    data: { kind: 'failure-count', total: 603, matching: 302, retryable: 300 },
  });
  expect(await count({ text: 'nowhere' })).toMatchObject({ data: { matching: 0, retryable: 0 } });
  await stage.redis.del(failed);
  expect(await count({})).toMatchObject({ data: { total: 0, matching: 0, retryable: 0 } });
});

describe('one failure', () => {
  const retry = (engine: TestEngine, text: string): Promise<CommandReply> =>
    engine.do({ type: 'retry-failures', entries: [ref(text)] });

  test('is put back and marked as retried, and can be retried again by its changed record', async () => {
    const engine = await start();
    await fill(entry('1'));
    expect(await retry(engine, entry('1'))).toEqual(bulk('put back on mail', { done: 1 }));
    expect(await stage.redis.lrange('resque:queue:mail', 0, -1)).toEqual([JSON.stringify(payload)]);
    expect(engine.all('failures.retried')).toMatchObject([{ count: 1, queues: ['mail'], jobClass: 'Job' }]);
    expect(await retry(engine, entry('1'))).toEqual(refused('failure-gone'));
    expect(await retry(engine, (await list())[0] ?? '')).toMatchObject({ ok: true });
    expect(await queued()).toBe(2);
  });

  test('is removed', async () => {
    const engine = await start();
    await fill(entry('1'), entry('2'));
    const remove = () => engine.do({ type: 'remove-failures', entries: [ref(entry('1'), 1)] });
    expect(await remove()).toEqual(bulk('removed', { done: 1 }));
    expect(await errors()).toEqual(['2']);
    expect(engine.all('failures.removed')).toMatchObject([{ count: 1, queues: ['mail'], jobClass: 'Job' }]);
    expect(await remove()).toEqual(refused('failure-gone'));
  });

  test('that has no job is not retried', async () => {
    const engine = await start();
    await fill('junk');
    expect(await retry(engine, 'junk')).toEqual(refused('failure-unretryable'));
    expect(engine.all('failures.retried')).toEqual([]);
    expect(await engine.do({ type: 'remove-failures', entries: [ref('junk')] })).toMatchObject({ ok: true });
    expect(engine.all('failures.removed')).toMatchObject([{ count: 1, queues: [], jobClass: null }]);
  });
});

describe('some failures', () => {
  test('are retried in one step, published as one event, then counted', async () => {
    const engine = await start();
    await fill(entry('1'), entry('2', { queue: 'news' }), entry('3'), entry('4'));
    const entries = [ref(entry('3'), 2), ref(entry('1')), ref(entry('2', { queue: 'news' }), 1)];
    expect(await engine.do({ type: 'retry-failures', entries })).toEqual(
      bulk('retried 3 failures', { done: 3 }),
    );
    expect((await list()).map(isRetried)).toEqual([true, true, true, false]);
    expect(engine.events.slice(-2)).toMatchObject([
      { type: 'failures.retried', count: 3, queues: ['mail', 'news'], jobClass: null },
      { type: 'failures.counted', total: 4 },
    ]);
  });

  test('that are gone and those that have no job are reported separately', async () => {
    const engine = await start();
    await fill(entry('1'), entry('2'), 'junk');
    const entries = [ref(entry('1')), ref(entry('2')), ref(entry('3')), ref('junk'), ref('trash')];
    expect(await engine.do({ type: 'retry-failures', entries })).toEqual(
      bulk("retried 2; 1 was already retried or removed; 2 can't be retried (no job or no queue)", {
        done: 2,
        gone: 1,
        unretryable: 2,
      }),
    );
    expect(await engine.do({ type: 'retry-failures', entries: entries.slice(0, 3) })).toEqual(
      bulk('retried none; 3 were already retried or removed', { gone: 3 }),
    );
  });

  test('are removed, a thousand at once; an entry that is named twice counts once', async () => {
    const engine = await start();
    const records = numbers(0, 1_500).map((n) => entry(n));
    await fill(...records);
    const entries = records.slice(0, 999).map((text, index) => ref(text, index));
    const [twice] = entries;
    if (twice === undefined) throw new Error('no entry');
    const reply = await engine.do({ type: 'remove-failures', entries: [...entries, twice] });
    expect(reply).toEqual(bulk('removed 999 failures', { done: 999 }));
    expect(await errors()).toEqual(numbers(999, 1_500).map(String));
    expect(engine.all('failures.removed')).toMatchObject([{ count: 999 }]);
  });

  test('are counted only if Redis can tell their number', async () => {
    const engine = await start();
    await stage.redis.set(failed, 'text');
    const reply = await engine.do({ type: 'remove-failures', entries: [ref('a'), ref('b')] });
    expect(reply).toEqual(refused('redis-down'));
    expect(engine.all('failures.counted')).toEqual([]);
  });
});

describe('all that match', () => {
  const odd = (n: number) => entry(n, { exception: n % 2 === 1 ? 'Odd' : 'Even' });
  const filter = { ...all, exception: 'odd' };

  test('are retried within the given number of entries, each once, older ones of a page first', async () => {
    const engine = await start();
    await fill(
      ...numbers(0, 600).map((n) => entry(n, { exception: n % 2 ? 'Odd' : 'Even', payload: { n } })),
    );
    const reply = await engine.do({ type: 'retry-matching', filter, within: 500 });
    expect(reply).toEqual(bulk('retried 250 failures', { done: 250 }));
    expect((await list()).map(isRetried)).toEqual(numbers(0, 600).map((n) => n < 500 && n % 2 === 1));
    const jobs = (await stage.redis.lrange('resque:queue:mail', 0, -1)).map(
      (text) => (JSON.parse(text) as { n: number }).n,
    );
    expect(new Set(jobs)).toEqual(new Set(numbers(0, 500).filter((n) => n % 2 === 1)));
    expect(jobs.slice(0, 2)).toEqual([401, 403]);
    const again = await engine.do({ type: 'retry-matching', filter, within: 500 });
    expect(again).toEqual(bulk('retried no failures', {}));
    expect(await queued()).toBe(250);
    const told = engine.all('failures.retried');
    expect(told.reduce((sum, { count }) => sum + count, 0)).toBe(250);
    expect(told.length).toBeGreaterThan(1);
    expect(engine.all('failures.counted').map(({ total }) => total)).toEqual([600, 600]);
  });

  test('are removed within the given number of entries', async () => {
    const engine = await start();
    await fill(...numbers(0, 600).map(odd));
    const reply = await engine.do({ type: 'remove-matching', filter, within: 500 });
    expect(reply).toEqual(bulk('removed 250 failures', { done: 250 }));
    expect(await errors()).toEqual(
      numbers(0, 600)
        .filter((n) => n >= 500 || n % 2 === 0)
        .map(String),
    );
    const rest = await engine.do({ type: 'remove-matching', filter: all, within: 1_000 });
    expect(rest).toEqual(bulk('removed 350 failures', { done: 350 }));
    expect(await stage.redis.exists(failed)).toBe(0);
  });

  test('are left alone if they have no job or the number is 0', async () => {
    const engine = await start();
    await fill('junk', '{"queue":"mail","exception":"Odd"}', entry('1'));
    expect(await engine.do({ type: 'retry-matching', filter, within: 3 })).toEqual(
      bulk("retried none; 1 can't be retried (no job or no queue)", { unretryable: 1 }),
    );
    expect(await engine.do({ type: 'remove-matching', filter: all, within: 0 })).toEqual(
      bulk('removed no failures', {}),
    );
    expect(await stage.redis.llen(failed)).toBe(3);
  });

  test('are those that were counted, even if the list has become shorter and grown again', async () => {
    const engine = await start();
    await fill(...numbers(0, 400).map(odd));
    const counted = await engine.do({ type: 'count-failures', filter });
    expect(counted).toMatchObject({ data: { total: 400, matching: 200 } });
    await stage.redis.lpop(failed, 150);
    await fill(...numbers(400, 500).map(odd));
    const reply = await engine.do({ type: 'remove-matching', filter, within: 400 });
    expect(reply).toEqual(bulk('removed 125 failures', { done: 125 }));
    expect(await errors()).toEqual(
      numbers(150, 500)
        .filter((n) => n >= 400 || n % 2 === 0)
        .map(String),
    );
    // Without a count, the command goes by the number alone.
    const rest = await engine.do({ type: 'remove-matching', filter, within: 400 });
    expect(rest).toEqual(bulk('removed 50 failures', { done: 50 }));
  });

  test('are none if all counted entries are gone, and the reply says so', async () => {
    const engine = await start();
    await fill(...numbers(0, 300).map(odd));
    await engine.do({ type: 'count-failures', filter });
    await stage.redis.del(failed);
    await fill(...numbers(300, 700).map(odd));
    const reply = await engine.do({ type: 'remove-matching', filter, within: 300 });
    expect(reply.message).toBe(
      'removed none; 50 were already retried or removed; stopped there because other clients changed the list',
    );
    expect(await stage.redis.llen(failed)).toBe(400);
  });

  test.each(['retry-matching', 'remove-matching'] as const)(
    `%s of ${manyFailures} never acts on a wrong entry while other clients change the list`,
    async (type) => {
      const engine = await start();
      const size = manyFailures;
      for (let from = 0; from < size; from += 5_000) await fill(...numbers(from, from + 5_000).map(odd));
      const state = { isOver: false, removed: 0, appended: 0 };
      const odds: string[] = [];
      const others = (async () => {
        while (!state.isOver) {
          // Removes the oldest, which shifts all others, and a matching one anywhere; appends new ones that match.
          if ((await stage.redis.lpop(failed))?.includes('"Odd"') === true) state.removed += 1;
          const somewhere = odd(1 + 2 * Math.floor((Math.random() * size) / 2));
          state.removed += await stage.redis.lrem(failed, 1, somewhere);
          await fill(odd(1_000_001 + 2 * state.appended));
          state.appended += 1;
          odds.push(
            ...(await stage.redis.lrange(failed, -300, -1)).filter((text) => !text.startsWith('{"failed_at')),
          );
        }
      })();
      const reply = await engine.do({ type, filter, within: size });
      state.isOver = true;
      await others;
      expect(odds).toEqual([]);
      expect(state.appended).toBeGreaterThan(3);
      if (!reply.ok || reply.data?.kind !== 'bulk') throw new Error(reply.message);
      const left = (await list()).filter((text) => text.includes('"Odd"') && !isRetried(text));
      expect(left).toHaveLength(state.appended);
      expect(left.every((text) => /"error":"1\d{6}/.test(text))).toBe(true);
      if (type === 'retry-matching') expect(await queued()).toBe(reply.data.done);
      // The others removed some before or after the command reached them.
      expect(reply.data.done).toBeGreaterThanOrEqual(size / 2 - state.removed);
      expect(reply.data.done).toBeLessThanOrEqual(size / 2);
    },
  );

  test('stop when others clear the list, and leave all newer entries alone', async () => {
    const engine = await start();
    await fill(...numbers(0, 3_000).map(odd));
    const end = engine.engine.subscribe((event) => {
      if (event.type !== 'failures.removed') return;
      end();
      // Sent before the next step.
      void stage.redis.del(failed);
      void stage.redis.rpush(failed, ...numbers(5_000, 8_000).map(odd));
    });
    const reply = await engine.do({ type: 'remove-matching', filter, within: 3_000 });
    expect(reply.message).toMatch(
      /^removed \d+; \d+ were already retried or removed; .*other clients changed the list/,
    );
    expect(await errors()).toEqual(numbers(5_000, 8_000).map(String));
  });

  test('don’t keep other jobs waiting, even if there are thousands', async () => {
    const engine = await stage.start([stage.runner('news', stage.script(':'))]);
    stage.mayLeaveKeys('queue:mail');
    await fill(...numbers(0, largeFailures).map((n) => entry(n, { stderr: 'x'.repeat(900) })));
    const replies = (async () => [
      await engine.do({ type: 'retry-matching', filter: all, within: largeFailures }),
      await engine.do({ type: 'remove-matching', filter: all, within: largeFailures }),
    ])();
    for (let at = 1; at <= 5; at += 1) {
      await stage.enqueue('news', at);
      await engine.wait('job.finished', at, 2_000);
    }
    expect((await replies).map(({ message }) => message)).toEqual([
      `retried ${largeFailures.toLocaleString('en-US')} failures`,
      `removed ${largeFailures.toLocaleString('en-US')} failures`,
    ]);
    expect(await queued()).toBe(largeFailures);
  });
});

test('the engine keeps running jobs while it counts a hundred thousand failures', async () => {
  const engine = await stage.start([stage.runner('news', stage.script(':'))]);
  await stage.redis.eval(
    `for i = 1, 100000 do redis.call('RPUSH', KEYS[1], ARGV[1]) end`,
    1,
    failed,
    entry('x', { stderr: 'x'.repeat(800) }),
  );
  let isCounted = false;
  const counting = engine.do({ type: 'count-failures', filter: all }).then((reply) => {
    isCounted = true;
    return reply;
  });
  let finished = 0;
  while (!isCounted) {
    await stage.enqueue('news', finished);
    finished += 1;
    await engine.wait('job.finished', finished, 2_000);
  }
  expect(await counting).toMatchObject({ data: { matching: 100_000, retryable: 100_000 } });
  expect(finished).toBeGreaterThan(3);
});

describe('while Redis is away', () => {
  test('every command is refused', async () => {
    const proxy = await startProxy(stage.server.port);
    const engine = await stage.start([stage.runner('mail', stage.script(':'))], { port: proxy.port });
    proxy.judge = () => 'cut';
    proxy.cut();
    await engine.wait('redis.down');
    const entries = [ref(entry('1')), ref(entry('2'))];
    const commands: Command[] = [
      { type: 'find-failures', filter: all, before: null, count: 1 },
      { type: 'count-failures', filter: all },
      { type: 'retry-failures', entries },
      { type: 'remove-failures', entries },
      { type: 'retry-matching', filter: all, within: 1 },
      { type: 'remove-matching', filter: all, within: 1 },
    ];
    for (const command of commands) expect(await engine.do(command)).toEqual(refused('redis-down'));
    proxy.judge = () => 'pass';
    await engine.wait('redis.up', 2);
  });

  test('the reply says how much was done before the outage', async () => {
    const proxy = await startProxy(stage.server.port);
    const engine = await stage.start([stage.runner('news', stage.script(':'))], { port: proxy.port });
    await fill(...numbers(0, 2_000).map((n) => entry(n)));
    let steps = 0;
    proxy.judge = (text) => {
      if (!text.includes('remove')) return 'pass';
      steps += 1;
      if (steps !== 4) return 'pass';
      proxy.judge = () => 'pass';
      return 'cut';
    };
    const reply = await engine.do({ type: 'remove-matching', filter: all, within: 2_000 });
    expect(reply).toMatchObject({ ok: false, code: 'redis-down' });
    expect(reply.message).toMatch(/; removed \d+ before that$/);
    const told = engine.all('failures.removed').reduce((sum, { count }) => sum + count, 0);
    expect(told).toBeGreaterThan(0);
    await waitFor(async () => (await stage.redis.llen(failed)) <= 2_000 - told, {
      message: 'they are removed',
    });
    await engine.wait('redis.up', 2);
  });
});

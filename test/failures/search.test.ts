/** Failures in groups, and changing exactly one of them. */
import { expect, test } from 'vitest';
import type { CommandData, FailureFilter, FailureGroup } from '../../src/protocol/commands.ts';
import { everyFailure } from '../../src/protocol/commands.ts';
import { type TestEngine, useEngines } from '../engine/stage.ts';
import { randomCases } from '../helpers/random-cases.ts';
import { useRedis } from '../helpers/redis.ts';

const stage = useEngines(useRedis());
const failed = 'resque:failed';
const largeList = randomCases(20_000);
type Groups = Extract<CommandData, { kind: 'failure-groups' }>;

const entry = (exception: string | null, jobClass: string | null, rest: object = {}) =>
  JSON.stringify({
    failed_at: '2026/11/24 15:20:19 UTC',
    payload: jobClass === null ? { args: [] } : { class: jobClass, args: [1] },
    ...(exception === null ? {} : { exception }),
    error: 'boom',
    queue: 'mail',
    ...rest,
  });

async function start(): Promise<TestEngine> {
  const engine = await stage.start([stage.runner('mail', stage.script(':'))]);
  await engine.do({ type: 'pause-all' });
  await stage.waitForNoWait();
  stage.mayLeaveKeys('failed', 'queues', 'queue:mail', 'queue:news');
  return engine;
}

async function fill(...records: string[]): Promise<void> {
  for (let at = 0; at < records.length; at += 1_000) {
    await stage.redis.rpush(failed, ...records.slice(at, at + 1_000));
  }
}

async function groups(
  engine: TestEngine,
  { filter = everyFailure, byQueue = false, before = null as number | null } = {},
): Promise<Groups> {
  const reply = await engine.do({ type: 'group-failures', filter, byQueue, before });
  if (!reply.ok || reply.data?.kind !== 'failure-groups') throw new Error(reply.message);
  return reply.data;
}

const shown = (found: readonly FailureGroup[]) =>
  found.map(({ exception, jobClass, queue, count }) =>
    [exception, jobClass, ...(queue === undefined ? [] : [queue]), count].map(String).join(' '),
  );

test('a group has its counts, its first and last time, and its newest failure as an example', async () => {
  const engine = await start();
  await fill(
    entry('Timeout', 'Send', { failed_at: '2026/11/20 01:00:00 UTC' }),
    entry('Timeout', 'Send', { failed_at: 'soon', retried_at: '2026/11/25 15:20:19 UTC' }),
    entry('Timeout', 'Send', {
      failed_at: '2026/11/24 03:00:00 UTC',
      error: 'x'.repeat(10_000),
      queue: 'news',
    }),
    entry('Timeout', 'Sender'),
    'junk',
  );
  const found = await groups(engine);
  expect(found).toMatchObject({ total: 5, looked: 5, next: null });
  expect(shown(found.groups)).toEqual(['null null 1', 'Timeout Sender 1', 'Timeout Send 3']);
  expect(found.groups[2]).toMatchObject({
    ...{ retryable: 2, firstFailedAt: '2026/11/20 01:00:00 UTC', lastFailedAt: '2026/11/24 03:00:00 UTC' },
    example: { args: '[1]', error: expect.stringMatching(/^x{499}…$/) },
  });
  expect(shown((await groups(engine, { byQueue: true })).groups)).toEqual([
    'null null null 1',
    'Timeout Sender mail 1',
    'Timeout Send news 1',
    'Timeout Send mail 2',
  ]);
  const filter: FailureFilter = { ...everyFailure, queue: 'news' };
  expect(shown((await groups(engine, { filter })).groups)).toEqual(['Timeout Send 1']);
});

test('groups of a long list come in several replies', async () => {
  const engine = await start();
  await fill(...Array.from({ length: largeList }, (_, at) => entry(`E${at % 7}`, 'Job')));
  const counts = new Map<string | null, number>();
  let before: number | null = null;
  let looked = 0;
  do {
    const found: Groups = await groups(engine, { before });
    for (const { exception, count } of found.groups)
      counts.set(exception, (counts.get(exception) ?? 0) + count);
    looked += found.looked;
    before = found.next;
  } while (before !== null);
  expect(looked).toBe(largeList);
  expect([...counts.values()].reduce((sum, count) => sum + count, 0)).toBe(largeList);
  expect(counts.size).toBe(7);
});

test('a change of a group affects no other failure, however similar its names are', async () => {
  const engine = await start();
  const others = [
    entry('Timeout', 'Sender'),
    entry('TimeoutError', 'Send'),
    entry('timeout', 'Send'),
    entry(null, 'Send'),
    entry('Timeout', null),
    'junk',
  ];
  await fill(entry('Timeout', 'Send'), ...others, entry('Timeout', 'Send', { queue: 'news' }));
  const group = { exception: 'Timeout', jobClass: 'Send' };
  const change = async (type: 'retry-matching' | 'remove-matching', filter: FailureFilter) => {
    const count = await engine.do({ type: 'count-failures', filter });
    const total = count.ok && count.data?.kind === 'failure-count' ? count.data.total : 0;
    return await engine.do({ type, filter, within: total });
  };
  expect(
    await change('retry-matching', { ...everyFailure, group: { ...group, queue: 'news' } }),
  ).toMatchObject({ data: { done: 1 } });
  expect(await stage.redis.llen('resque:queue:news')).toBe(1);
  expect(await change('remove-matching', { ...everyFailure, group })).toMatchObject({ data: { done: 2 } });
  expect(await stage.redis.lrange(failed, 0, -1)).toEqual(others);
  const nameless = { exception: null, jobClass: null };
  expect(await change('remove-matching', { ...everyFailure, group: nameless })).toMatchObject({
    data: { done: 1 },
  });
  expect(await stage.redis.lrange(failed, 0, -1)).toEqual(others.slice(0, -1));
});

test('the members of a group with a very long name are found', async () => {
  const engine = await start();
  await fill(entry('E'.repeat(10_000), 'Send'), entry('E', 'Send'));
  const [, long] = (await groups(engine)).groups;
  const { exception = null, jobClass = null } = long ?? {};
  const filter = { ...everyFailure, group: { exception, jobClass } };
  expect(await engine.do({ type: 'count-failures', filter })).toMatchObject({ data: { matching: 1 } });
});

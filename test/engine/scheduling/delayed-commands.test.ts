/** Reading, running early and deleting delayed jobs for a screen, and reading the schedules. */
import { expect, test } from 'vitest';
import type { Schedule } from '../../../src/config/config.ts';
import type { Command, CommandData } from '../../../src/protocol/commands.ts';
import type { DelayedInfo } from '../../../src/protocol/redis-views.ts';
import { entryText, sha1Of } from '../../../src/resque/delayed/retry-entry.ts';
import { useRedis } from '../../helpers/redis.ts';
import { type TestEngine, useEngines } from '../stage.ts';

const stage = useEngines(useRedis());
const later = 4_000_000_000;
const news = () => stage.runner('news', stage.script(':'));
const itemOf = (queue: string, arg: unknown) =>
  `{"class":"Send","args":[${JSON.stringify(arg)}],"queue":"${queue}"}`;
const refused = (code: string) => ({ ok: false, code, message: expect.stringMatching(/\S/) });

async function delay(time: number | string, ...items: string[]): Promise<void> {
  stage.mayLeaveKeys(
    'delayed_queue_schedule',
    `delayed:${time}`,
    ...items.map((item) => `timestamps:${item}`),
  );
  await stage.redis.rpush(`resque:delayed:${time}`, ...items);
  await stage.redis.zadd('resque:delayed_queue_schedule', Number(time), String(time));
  for (const item of items) await stage.redis.sadd(`resque:timestamps:${item}`, `delayed:${time}`);
}

type Page = Extract<CommandData, { kind: 'delayed' }>;

async function page(
  engine: TestEngine,
  rest: Partial<Command & { type: 'read-delayed' }> = {},
): Promise<Page> {
  const reply = await engine.do({ type: 'read-delayed', text: '', after: null, count: 100, ...rest });
  if (!reply.ok || reply.data?.kind !== 'delayed') throw new Error(JSON.stringify(reply));
  return reply.data;
}

async function all(engine: TestEngine, text: string, count: number): Promise<DelayedInfo[]> {
  const found: DelayedInfo[] = [];
  for (let after: string | null | undefined = null; after !== undefined; ) {
    const { jobs, next }: Page = await page(engine, { text, count, after });
    expect(jobs.length).toBeLessThanOrEqual(count);
    found.push(...jobs);
    after = next ?? undefined;
  }
  return found;
}

test('delayed jobs come by time; a retry says which attempt comes next, of how many, and why it failed', async () => {
  const retry = {
    ...{ on: 'any' as const, attempts: 5, firstDelaySeconds: 1, longestDelaySeconds: 9, jitter: 0 },
    ...{ queue: null, classes: {} },
  };
  const engine = await stage.start([stage.runner('news', stage.script(':'), { retry })]);
  const item = itemOf('news', 'b');
  await delay(later + 1, item);
  await delay(later, itemOf('mail', 'a'), 'not JSON');
  const entry = entryText([sha1Of(item)], {
    ...{ attempt: 3, firstFailedAt: '2026/11/24 15:20:19 UTC', lastError: 'Timeout: too slow' },
    ...{ payload: Buffer.from(item), dueSeconds: later + 1, item },
  });
  stage.mayLeaveKeys(`runner:retry:${sha1Of(item)}`);
  await stage.redis.rpush(`resque:runner:retry:${sha1Of(item)}`, entry);
  const { jobs, next, nowMs } = await page(engine);
  expect(jobs).toMatchObject([
    { dueAtMs: later * 1_000, queue: 'mail', jobClass: 'Send', args: '["a"]', isReadable: true, retry: null },
    { queue: null, jobClass: null, args: 'not JSON', isReadable: false, retry: null },
    { queue: 'news', retry: { attempt: 3, of: 5, lastError: 'Timeout: too slow' } },
  ]);
  expect([next, Math.abs(nowMs - Date.now()) < 60_000]).toEqual([null, true]);
});

test.each([1, 3, 100])(
  'pages of %i have each job once, with and without a text to look for',
  async (count) => {
    const engine = await stage.start([news()]);
    const items = Array.from({ length: 20 }, (_, at) => itemOf(at % 2 === 0 ? 'mail' : 'low', at));
    await delay(later, ...items.slice(0, 9));
    await delay(later + 1, ...items.slice(9));
    expect((await all(engine, '', count)).map(({ args }) => args)).toEqual(items.map((_, at) => `[${at}]`));
    expect((await all(engine, 'LOW', count)).map(({ args }) => args)).toEqual(
      [1, 3, 5, 7, 9, 11, 13, 15, 17, 19].map((at) => `[${at}]`),
    );
  },
);

test('a search leaves out jobs that have other words', async () => {
  const engine = await stage.start([news()]);
  await delay(
    later,
    itemOf('mail', 'ann'),
    itemOf('low', 'ann'),
    itemOf('mail', 'Bob'),
    itemOf('news', 'eve'),
  );
  const args = async (text: string, ...without: string[]) =>
    (await page(engine, { text, without })).jobs.map((job) => `${job.queue} ${job.args}`);
  expect(await args('', 'LOW', 'bob')).toEqual(['mail ["ann"]', 'news ["eve"]']);
  expect(await args('ann', 'low')).toEqual(['mail ["ann"]']);
  expect(await args('ann')).toHaveLength(2);
});

test('a search looks at a bounded number of jobs, and says where to go on', async () => {
  const engine = await stage.start([news()]);
  const items = Array.from({ length: 1_200 }, (_, at) => itemOf('mail', at === 1_150 ? 'needle' : at));
  await delay(later, ...items);
  const first = await page(engine, { text: 'needle' });
  expect([first.jobs, first.next]).toEqual([[], `${later}:1000`]);
  expect(await page(engine, { text: 'needle', after: first.next })).toMatchObject({
    jobs: [{ args: '["needle"]', index: 1_150 }],
  });
  await stage.redis.del(
    ...(await stage.redis.keys('resque:*delayed*')),
    ...(await stage.redis.keys('resque:timestamps*')),
  );
});

test('a delayed job is put on its queue now, or deleted, once', async () => {
  const engine = await stage.start([stage.runner('other', stage.script(':'))]);
  await delay(later, itemOf('mail', 'a'), itemOf('mail', 'b'), '{"class":"X","args":[]}');
  stage.mayLeaveKeys('queue:mail');
  const [a, b, homeless] = (await page(engine)).jobs;
  if (a === undefined || b === undefined || homeless === undefined) throw new Error('no jobs');
  expect(await engine.do({ type: 'run-delayed', job: a })).toMatchObject({ ok: true });
  expect(await engine.do({ type: 'run-delayed', job: a })).toEqual(refused('delayed-gone'));
  expect(await stage.backlog('mail')).toEqual(['a']);
  expect(await engine.do({ type: 'remove-delayed', job: b })).toMatchObject({ ok: true });
  expect(await engine.do({ type: 'remove-delayed', job: b })).toEqual(refused('delayed-gone'));
  expect(await engine.do({ type: 'run-delayed', job: homeless })).toEqual(refused('delayed-undeliverable'));
  expect((await page(engine)).jobs).toMatchObject([{ jobClass: 'X' }]);
});

test('what makes no sense is refused', async () => {
  const engine = await stage.start([news()]);
  const read = { type: 'read-delayed', text: '', after: null, count: 1 } as const;
  expect(await engine.do({ ...read, after: 'nowhere' })).toEqual(refused('out-of-range'));
});

test('schedules of the config and of Redis have their last and next time; one that can not run says why', async () => {
  const schedule: Schedule = {
    ...{ name: 'hourly', queue: 'news', jobClass: 'Sum', args: '[1]', isUnique: false, description: 'Sums' },
    timing: { kind: 'every', text: '1h', seconds: 3_600, firstInSeconds: null },
  };
  const engine = await stage.start([news()], { schedules: [schedule], scheduler: 'off' });
  await stage.redis.hset('resque:persistent_schedules', { night: '{"cron":"0 3 * * *","class":"Night"}' });
  await stage.redis.hset('resque:delayed:last_enqueued_at', { hourly: '2026-11-24 15:20:19 +0000' });
  stage.mayLeaveKeys('persistent_schedules', 'delayed:last_enqueued_at');
  const reply = await engine.do({ type: 'read-schedules' });
  expect(reply).toMatchObject({ data: { kind: 'schedules', total: 2 } });
  if (!reply.ok || reply.data?.kind !== 'schedules') throw new Error('no schedules');
  expect(reply.data.schedules).toMatchObject([
    {
      ...{
        name: 'hourly',
        source: 'config',
        timing: 'every 1h',
        queue: 'news',
        jobClass: 'Sum',
        args: '[1]',
      },
      ...{ description: 'Sums', lastAtMs: Date.parse('2026-11-24T15:20:19Z'), problem: null },
      nextAtMs: expect.any(Number),
    },
    { name: 'night', source: 'redis', nextAtMs: null, problem: expect.stringContaining('"queue"') },
  ]);
});

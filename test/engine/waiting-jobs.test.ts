/** Reading, deleting and moving the jobs that wait on a queue, while others take and add jobs. */
import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import type { PoolConfig } from '../../src/config/config.ts';
import type { CommandData, RefusalCode } from '../../src/protocol/commands.ts';
import type { WaitingJobRef } from '../../src/protocol/redis-views.ts';
import { useRedis } from '../helpers/redis.ts';
import { type TestEngine, useEngines } from './stage.ts';

const stage = useEngines(useRedis());
const mail = 'resque:queue:mail';
const text = (arg: unknown, jobClass = 'Job') => JSON.stringify({ class: jobClass, args: [arg] });
const sha1 = (bytes: string | Buffer) => createHash('sha1').update(bytes).digest('hex');
const ref = (index: number, bytes: string | Buffer): WaitingJobRef => ({ index, sha1: sha1(bytes) });
const refused = (code: RefusalCode, message = expect.stringMatching(/\S/)) => ({ ok: false, code, message });
const numbers = (count: number) => Array.from({ length: count }, (_, at) => at);
const waiting = () => stage.redis.lrange(mail, 0, -1);

type Waiting = Extract<CommandData, { kind: 'waiting' }>;

/** An engine that takes no jobs. */
async function start(rest: Partial<PoolConfig> = {}, options = {}): Promise<TestEngine> {
  const engine = await stage.start([stage.runner('mail', stage.script(':'), rest)], options);
  await engine.do({ type: 'pause-all' });
  await stage.waitForNoWait();
  stage.mayLeaveKeys('queue:mail');
  return engine;
}

async function fill(...payloads: (string | Buffer)[]): Promise<void> {
  for (let at = 0; at < payloads.length; at += 1_000)
    await stage.redis.rpush(mail, ...payloads.slice(at, at + 1_000));
}

async function read(
  engine: TestEngine,
  { from = 0, count = 100, text: wanted = null as string | null, without = [] as string[] } = {},
): Promise<Waiting> {
  const reply = await engine.do({ type: 'read-waiting', queue: 'mail', from, count, text: wanted, without });
  if (!reply.ok || reply.data?.kind !== 'waiting') throw new Error(reply.message);
  return reply.data;
}

const remove = (engine: TestEngine, ...jobs: WaitingJobRef[]) =>
  engine.do({ type: 'remove-waiting', queue: 'mail', jobs });
const move = (engine: TestEngine, job: WaitingJobRef, to: 'head' | 'tail') =>
  engine.do({ type: 'move-waiting', queue: 'mail', job, to });

describe('a page of waiting jobs', () => {
  test('begins with the job that runs next, and takes nothing off the queue', async () => {
    const engine = await start();
    await fill(text(1), text('ann', 'Send'), 'junk');
    expect(await read(engine)).toEqual({
      kind: 'waiting',
      total: 3,
      next: null,
      jobs: [
        { ...ref(0, text(1)), size: 26, payload: text(1), isWhole: true, jobClass: 'Job', args: '[1]' },
        {
          ...ref(1, text('ann', 'Send')),
          ...{ size: 31, payload: text('ann', 'Send'), isWhole: true, jobClass: 'Send', args: '["ann"]' },
        },
        { ...ref(2, 'junk'), size: 4, payload: 'junk', isWhole: true, jobClass: null, args: '' },
      ],
    });
    expect(await waiting()).toHaveLength(3);
    await engine.do({ type: 'resume-all' });
    await engine.wait('job.finished', 2);
    expect(engine.all('job.started')[0]?.job.args).toBe('[1]');
    await engine.wait('failure.recorded');
    stage.mayLeaveKeys('failed', 'queues', 'stat:failed', 'stat:processed');
  });

  test('follows the page before it', async () => {
    const engine = await start();
    await fill(...numbers(250).map((n) => text(n)));
    const args: string[] = [];
    let from: number | null = 0;
    while (from !== null) {
      const page: Waiting = await read(engine, { from, count: 60 });
      args.push(...page.jobs.map((job) => job.args));
      from = page.next;
    }
    expect(args).toEqual(numbers(250).map((n) => `[${n}]`));
    expect(await read(engine, { from: 1_000 })).toMatchObject({ total: 250, jobs: [], next: null });
  });

  test('of a queue without jobs is empty', async () => {
    expect(await read(await start())).toEqual({ kind: 'waiting', total: 0, jobs: [], next: null });
  });

  test('cuts large jobs, and ends before it becomes too large', async () => {
    const engine = await start();
    const large = text('x'.repeat(100_000), 'Large');
    await fill(...numbers(200).map(() => large));
    const page = await read(engine, { count: 200 });
    expect(page.jobs.length).toBeGreaterThan(100);
    expect(page.next).toBe(page.jobs.length);
    expect(page.jobs[1]).toMatchObject({ ...ref(1, large), isWhole: false, jobClass: 'Large', args: '' });
    expect(page.jobs[1]?.size).toBe(large.length);
    expect(page.jobs[1]?.payload.length).toBe(16_384);
    const rest = await read(engine, { from: page.next ?? 0 });
    expect(rest.jobs[0]?.index).toBe(page.jobs.length);
  });

  test('leaves out jobs that contain other texts', async () => {
    const engine = await start();
    await fill(text('ann', 'Send'), text('Bob', 'Send'), text('ann', 'Drop'), 'junk');
    const args = async (wanted: string | null, ...without: string[]) =>
      (await read(engine, { text: wanted, without })).jobs.map(({ index }) => index);
    expect(await args(null, 'bob', 'DROP')).toEqual([0, 3]);
    expect(await args('send', 'bob')).toEqual([0]);
    expect(await args('bob', 'bob')).toEqual([]);
  });

  test('with a text has the jobs that contain it, and says where to continue', async () => {
    const engine = await start();
    await fill(
      ...numbers(6_000).map((n) => text(n)),
      text('Ann'),
      text('bob'),
      '{"class":"Job","args":["\\u0041nn"]}',
    );
    expect(await read(engine, { text: 'ANN' })).toMatchObject({ jobs: [], next: 5_000 });
    const found = await read(engine, { from: 5_000, text: 'ANN' });
    expect(found.jobs.map(({ index }) => index)).toEqual([6_000, 6_002]);
    expect(found.next).toBeNull();
    expect((await read(engine, { from: 5_000, count: 1, text: 'ann' })).next).toBe(6_001);
  });
});

describe('deleting', () => {
  test('finds a job by its bytes after others have taken jobs', async () => {
    const engine = await start();
    await fill(...numbers(500).map((n) => text(n)));
    await stage.redis.lpop(mail, 300);
    expect(await remove(engine, ref(450, text(450)), ref(350, text(350)))).toMatchObject({
      ok: true,
      message: '2 removed from mail',
      data: { kind: 'bulk', done: 2, gone: 0 },
    });
    expect(await waiting()).toEqual(
      numbers(500)
        .slice(300)
        .filter((n) => n !== 350 && n !== 450)
        .map((n) => text(n)),
    );
    expect(engine.all('queue.backlog').at(-1)).toMatchObject({ queue: 'mail', backlog: 198 });
  });

  test('finds a job after others have put jobs before it', async () => {
    const engine = await start();
    await fill(text('a'), text('b'));
    await stage.redis.lpush(mail, text('c'), text('d'));
    expect(await remove(engine, ref(1, text('b')))).toMatchObject({ ok: true, message: 'removed from mail' });
    expect(await waiting()).toEqual([text('d'), text('c'), text('a')]);
  });

  test('takes one of equal jobs, the one at its index', async () => {
    const engine = await start();
    await fill(text('same'), text('other'), text('same'), text('same'));
    await remove(engine, ref(2, text('same')));
    expect(await waiting()).toEqual([text('same'), text('other'), text('same')]);
    await remove(engine, ref(0, text('same')), ref(2, text('same')), ref(2, text('same')));
    expect(await waiting()).toEqual([text('other')]);
  });

  test('of a job that runs already changes nothing', async () => {
    const engine = await start();
    await fill(text(1), text(2));
    expect(await remove(engine, ref(0, text('gone')))).toEqual(
      refused('job-gone', 'this job is no longer waiting'),
    );
    expect(await remove(engine, ref(0, text('gone')), ref(1, text(2)))).toMatchObject({
      ok: true,
      message: '1 removed from mail; 1 of 2 jobs are no longer waiting',
      data: { done: 1, gone: 1 },
    });
    expect(await waiting()).toEqual([text(1)]);
  });

  test('works for jobs that are not UTF-8, and for those that are too large to be shown whole', async () => {
    const engine = await start();
    const bytes = Buffer.from([0xff, 0x00, 0xfe]);
    const large = text('x'.repeat(1_000_000));
    await fill(large, bytes, text(1));
    const { jobs } = await read(engine);
    for (const { index, sha1: hash } of jobs.slice(0, 2)) await remove(engine, { index, sha1: hash });
    expect(await waiting()).toEqual([text(1)]);
  });

  test('gives up on a job that may be anywhere in a very long queue', async () => {
    const engine = await start();
    await fill(...numbers(30_000).map((n) => text(n)));
    const far = await remove(engine, ref(0, text(29_000)));
    expect(far).toEqual(
      refused('job-gone', 'this job is no longer near the same place: read the queue again'),
    );
    expect(await remove(engine, ref(15_000, text(500)))).toMatchObject({ ok: true });
  });

  test('releases the locks of the job, if the runner releases locks', async () => {
    const engine = await start({ locks: ['node', 'resque-lock'] });
    await fill(text('locked'), text('other'));
    await stage.redis.mset('resque:lock:Job:mail:["locked"]', '1', 'resque:lock:Job-["locked"]', '1');
    await stage.redis.set('resque:lock:Job:mail:["other"]', '1');
    stage.mayLeaveKeys('lock:Job:mail:["other"]');
    await remove(engine, ref(0, text('locked')));
    expect(await stage.redis.keys('resque:lock:*')).toEqual(['resque:lock:Job:mail:["other"]']);
  });

  test('forgets how often a retried job has run', async () => {
    const engine = await start();
    const key = `resque:runner:retry:${sha1(text(1))}`;
    const about = { attempt: 3, first_failed_at: null, due: 1, error: null, item: 'x', payload: text(1) };
    await stage.redis.rpush(key, `${sha1(text(1))} ${JSON.stringify(about)}`);
    await fill(text(1));
    await remove(engine, ref(0, text(1)));
    expect(await stage.redis.exists(key)).toBe(0);
  });
});

describe('moving', () => {
  test('puts a job at the head or at the tail, byte for byte', async () => {
    const engine = await start();
    const odd = '{ "class" : "Job", "args": [1.0] }';
    await fill(text('a'), odd, text('b'));
    expect(await move(engine, ref(1, odd), 'head')).toMatchObject({
      ok: true,
      message: 'moved to the head of mail',
    });
    expect(await waiting()).toEqual([odd, text('a'), text('b')]);
    expect(await move(engine, ref(0, odd), 'tail')).toMatchObject({ message: 'moved to the tail of mail' });
    expect(await waiting()).toEqual([text('a'), text('b'), odd]);
    expect(engine.all('queue.backlog').at(-1)).toMatchObject({ backlog: 3 });
  });

  test('keeps the only job', async () => {
    const engine = await start();
    await fill(text('a'));
    await move(engine, ref(0, text('a')), 'head');
    expect(await waiting()).toEqual([text('a')]);
  });

  test('of a job that was taken doubles nothing', async () => {
    const engine = await start();
    await fill(text('a'), text('b'));
    await stage.redis.lpop(mail);
    expect(await move(engine, ref(0, text('a')), 'tail')).toEqual(refused('job-gone'));
    expect(await waiting()).toEqual([text('b')]);
  });

  test('neither loses nor doubles a job while a runner works', async () => {
    const engine = await start({ concurrency: 4 });
    const args = numbers(200);
    await fill(...args.map((n) => text(n)));
    await engine.do({ type: 'resume-all' });
    for (const n of args.filter((at) => at % 10 === 9).reverse()) {
      await move(engine, ref(n, text(n)), n % 20 === 9 ? 'head' : 'tail');
    }
    await engine.wait('job.finished', args.length);
    expect(
      engine
        .all('job.started')
        .map(({ job }) => job.args)
        .sort(),
    ).toEqual(args.map((n) => `[${n}]`).sort());
  });
});

test('what makes no sense is refused, with its code', async () => {
  const engine = await start();
  const commands = [
    { type: 'read-waiting', queue: 'other', from: 0, count: 1, text: null },
    { type: 'remove-waiting', queue: 'other', jobs: [ref(0, '')] },
    { type: 'move-waiting', queue: 'other', job: ref(0, ''), to: 'head' },
  ] as const;
  for (const command of commands) expect(await engine.do(command)).toEqual(refused('unknown-queue'));
  await stage.redis.set(mail, 'text');
  for (const command of commands) {
    expect(await engine.do({ ...command, queue: 'mail' })).toEqual(
      refused('unreadable-queue', 'resque:queue:mail is not a list'),
    );
  }
});

test('a Redis user that may not change the queue keeps every job in its place', async () => {
  const user = { username: 'reader', password: 'secret' };
  await stage.redis.call('ACL', 'SETUSER', 'reader', 'on', '>secret', '~*', '&*', '+@all', '-lset');
  try {
    const engine = await start({}, { user });
    await fill(text('a'), text('b'));
    const denied = refused('redis-down', expect.stringContaining('may not run LSET on resque:queue:mail'));
    expect(await move(engine, ref(1, text('b')), 'head')).toEqual(denied);
    expect(await remove(engine, ref(1, text('b')))).toEqual(denied);
    expect(await waiting()).toEqual([text('a'), text('b')]);
    await engine.stop();
  } finally {
    await stage.redis.call('ACL', 'DELUSER', 'reader');
  }
});

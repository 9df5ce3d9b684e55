/** `resque-runner failed retry|clear` while others change the list, and while Redis goes away. */
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { atStep, startProxy } from '../../engine/proxies.ts';
import { useEngines } from '../../engine/stage.ts';
import { freePort } from '../../helpers/redis.ts';
import { RedisProxy } from '../../helpers/redis-proxy.ts';
import { waitFor } from '../../helpers/wait-for.ts';
import { holdAtStep, idOf, record, useFailedStage } from './stage.ts';

const stage = useFailedStage({ isOwn: true });
const engines = useEngines(stage.redis);
const key = 'resque:failed';

beforeEach(() => engines.mayLeaveKeys('queue:mail'));

const isRetried = (entry: string) => entry.includes('"retried_at"');
const numbered = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, at) => record({ args: [from + at] }));
const jobOf = (entry: string) => JSON.stringify((JSON.parse(entry) as { payload: unknown }).payload);
const numbersOf = (jobs: readonly string[]) =>
  jobs.map((job) => (JSON.parse(job) as { args: [number] }).args[0]);
const upTo = (end: number) => Array.from({ length: end }, (_, at) => at);
const ascending = (numbers: readonly number[]) => [...numbers].sort((a, b) => a - b);

/** While the question is open on a terminal, the entries are counted, but nothing has changed yet. */
async function asked(...args: string[]) {
  const terminal = stage.open(args, { columns: 180 });
  await terminal.waitForText('● No');
  return terminal;
}

describe('between the count and the confirmation', () => {
  test('entries that others add are left alone, even if the list has become shorter', async () => {
    await stage.fill(...numbered(0, 400));
    const retry = await asked('retry', '--all');
    await stage.redis.client.lpop(key, 150);
    await stage.fill(...numbered(400, 500));
    retry.type('y');
    expect(await retry.ended).toBe(0);
    expect(retry.text()).toContain('retried 250 failures\n');
    expect(ascending(numbersOf(await stage.queued()))).toEqual(upTo(400).slice(150));
    const clear = await asked('clear');
    await stage.redis.client.ltrim(key, 200, -1);
    await stage.fill(...numbered(500, 600));
    clear.type('y');
    expect(await clear.ended).toBe(0);
    expect(clear.text()).toContain('removed 150 failures\n');
    expect(await stage.list()).toEqual(numbered(500, 600));
  });

  test('entries that others have retried are not retried again', async () => {
    await stage.fill(...numbered(0, 300));
    const retry = await asked('retry', '--all');
    const ids = [0, 120, 299].map((at) => idOf(at, record({ args: [at] })));
    expect((await stage.failed('retry', ...ids)).code).toBe(0);
    retry.type('y');
    expect(await retry.ended).toBe(0);
    expect(retry.text()).toMatch(/retried 297(; \d was already retried or removed)?\s/);
    expect(ascending(numbersOf(await stage.queued()))).toEqual(upTo(300));
  });

  test('a list that others have cleared and refilled is left alone, with a message', async () => {
    await stage.fill(...numbered(0, 300));
    const clear = await asked('clear');
    await stage.redis.client.del(key);
    await stage.fill(...numbered(300, 900));
    clear.type('y');
    expect(await clear.ended).toBe(1);
    expect(clear.text()).toContain('stopped there because other clients changed the list');
    expect(await stage.list()).toEqual(numbered(300, 900));
  });

  test('a named entry that others have removed is reported', async () => {
    await stage.fill(...numbered(0, 3));
    const remove = await asked('remove', '1', '2');
    await stage.redis.client.rpop(key);
    remove.type('y');
    expect(await remove.ended).toBe(1);
    expect(remove.text()).toContain('removed 1; 1 was already retried or removed');
    expect(await stage.list()).toEqual(numbered(0, 1));
  });
});

test('two commands and a screen at the same time put each job back once', async () => {
  const engine = await engines.start([engines.runner('other', engines.script(':'))]);
  await stage.fill(...numbered(0, 4_000));
  const way = await holdAtStep(2, stage.redis);
  const late = stage.start('retry', '--all', '--yes', '--json', '--redis', way.url);
  await waitFor(way.isHolding, { message: 'the first command is in the midst of it' });
  const second = stage.start('retry', '--all', '--yes', '--json');
  const filter = { queue: null, jobClass: null, exception: null, exit: null, text: null };
  const command = { type: 'retry-matching', filter, within: 4_000 } as const;
  await waitFor(async () => (await stage.queued()).length > 100, { message: 'the second has begun' });
  way.goOn();
  const [reply, ...outcomes] = await Promise.all([engine.do(command), late.ended, second.ended]);
  if (!reply.ok || reply.data?.kind !== 'bulk') throw new Error(reply.message);
  const documents = outcomes.map(({ stdout }) => JSON.parse(stdout) as { done: number; end: string });
  expect(documents.reduce((sum, { done }) => sum + done, reply.data.done)).toBe(4_000);
  // A command that is overtaken can't tell the rest of the list from new entries, and says so.
  const ends = documents.map(({ end }) => (end === 'whole' ? 0 : end === 'lost' ? 1 : null));
  expect(outcomes.map(({ code }) => code)).toEqual(ends);
  expect(ascending(numbersOf(await stage.queued()))).toEqual(upTo(4_000));
  expect((await stage.list()).every(isRetried)).toBe(true);
});

test.each(['retry', 'remove'])('%s works while others remove and add entries', async (kind) => {
  await stage.fill(...numbered(0, 6_000));
  const { client } = stage.redis;
  const state = { isOver: false, added: 6_000, taken: 0 };
  const others = (async () => {
    while (!state.isOver) {
      const { added, taken } = state;
      const done =
        kind === 'retry' ? await client.llen('resque:queue:mail') : added - taken - (await client.llen(key));
      // Removes the oldest, which shifts all others, as the command advances. In all, these are fewer than the command reads
      // in a step: if others removed all of those, it couldn't tell where to continue.
      if (taken * 50 < done) {
        await client.lpop(key);
        state.taken += 1;
      }
      await stage.fill(...numbered(added, added + 1));
      state.added += 1;
    }
  })();
  const { code, stdout, stderr } = await stage.failed(kind, '--all', '--yes', '--json');
  state.isOver = true;
  await others;
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  const { done } = JSON.parse(stdout) as { done: number };
  const untouched = numbersOf((await stage.list()).filter((entry) => !isRetried(entry)).map(jobOf));
  expect(state.taken).toBeGreaterThan(0);
  // No old entries are left, and those from after the count are.
  expect(untouched[0]).toBeGreaterThanOrEqual(6_000);
  expect(untouched).toEqual(upTo(state.added).slice(untouched[0]));
  const back = numbersOf(await stage.queued());
  expect(back).toHaveLength(kind === 'retry' ? done : 0);
  expect(new Set(back).size).toBe(back.length);
});

test.each(['retry', 'remove'])('%s is complete if others remove the last entries first', async (kind) => {
  await stage.fill(...numbered(0, 300));
  const way = await holdAtStep(2, stage.redis);
  const change = stage.start(kind, '--all', '--yes', '--json', '--redis', way.url);
  await waitFor(way.isHolding, { message: 'the last step waits' });
  await stage.redis.client.del(key);
  await stage.fill(...numbered(300, 700));
  way.goOn();
  const { code, stdout } = await change.ended;
  const document = JSON.parse(stdout) as { done: number; gone: number };
  expect({ code, document }).toMatchObject({ code: 0, document: { end: 'whole', unretryable: 0 } });
  expect(document.gone).toBeGreaterThan(0);
  expect(document.done + document.gone).toBe(300);
  expect(await stage.list()).toEqual(numbered(300, 700));
});

describe('if Redis goes away in the middle', () => {
  /** Checks the message, and that the same command then puts back the rest, each job once. */
  async function assertTold(retry: ReturnType<typeof stage.start>, url: string): Promise<number> {
    const { code, stdout, stderr } = await retry.ended;
    expect(code).toBe(1);
    expect(stderr).toMatch(
      new RegExp(
        `^resque-runner: retried (no|[\\d,]+) failures; the next step may have been carried out or not: ${url}/0: .*; is Redis running there\\?$`,
      ),
    );
    const { done, end, message } = JSON.parse(stdout) as { done: number; end: string; message: string };
    expect({ end, message: `resque-runner: ${message}` }).toEqual({ end: 'broken-off', message: stderr });
    const retried = (await stage.list()).filter(isRetried).length;
    expect((await stage.failed('retry', '--all', '--yes')).code).toBe(0);
    expect(ascending(numbersOf(await stage.queued()))).toEqual(upTo(2_000));
    return retried - done;
  }

  test('before it gets a step, the command says how much was done', async () => {
    await stage.fill(...numbered(0, 2_000));
    const proxy = await startProxy(stage.redis.port);
    const url = `redis://127.0.0.1:${proxy.port}`;
    atStep(proxy, 4, 'cut');
    const retry = stage.start('retry', '--all', '--yes', '--json', '--redis', url);
    expect(await assertTold(retry, url)).toBe(0);
  });

  test('and the reply to a step is lost, the command says how much was certainly done', async () => {
    await stage.fill(...numbered(0, 2_000));
    const port = await freePort();
    const proxy = new RedisProxy(port, stage.redis.port);
    onTestFinished(() => proxy.close());
    const url = `redis://127.0.0.1:${port}`;
    const retry = stage.start('retry', '--all', '--yes', '--json', '--redis', url);
    const isHolding = () => {
      proxy.hold('evalsha');
      return proxy.isHolding;
    };
    await waitFor(isHolding, { message: 'a reply is on its way' });
    proxy.close();
    expect(await assertTold(retry, url)).toBeGreaterThan(0);
  });

  test('and stays away, the command exits with 1', async () => {
    await stage.fill(...numbered(0, 1_000));
    const way = await holdAtStep(2, stage.redis);
    const clear = stage.start('clear', '--yes', '--redis', way.url);
    await waitFor(way.isHolding, { message: 'a step waits' });
    await stage.redis.kill();
    const { code, stdout, stderr } = await clear.ended;
    await stage.redis.start();
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(
      /^resque-runner: removed \d+ failures; the next step may have been carried out or not: /,
    );
  });
});

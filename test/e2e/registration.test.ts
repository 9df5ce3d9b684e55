/** A runner's workers among Resque's workers, and the counters. */
import { describe, expect, test } from 'vitest';
import { useEndToEnd } from '../helpers/end-to-end.ts';
import { assertSafeHeartbeat, assertSafeWorkerRecord } from '../helpers/resque-web.ts';
import { waitFor } from '../helpers/wait-for.ts';

const e2e = useEndToEnd({ isInProcess: true });
const job = (n: number) => ({ class: 'Job', args: [n, 'a'] });
const untilGo = 'echo "$RESQUE_WORKER" >> "$D/started"; while [ ! -e "$D/go" ]; do sleep 0.1; done';

async function workers(): Promise<string[]> {
  return (await e2e.client.smembers(e2e.key('workers'))).sort();
}

describe('while a job runs', () => {
  test('its worker is registered like a Resque worker', async () => {
    const runner = await e2e.run({ runners: { mail: 1 }, script: e2e.script(untilGo) });
    const before = Date.now();
    await e2e.enqueue('mail', job(1));
    await e2e.waitForFileLines('started', 1);
    const id = `${runner.workerHost}:${runner.pid}-0:mail`;
    expect(await workers()).toEqual([id]);
    expect(e2e.fileLines('started')).toEqual([id]);
    expect(await e2e.client.get(e2e.key(`worker:${id}:started`))).toMatch(
      /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d \+0000$/,
    );
    assertSafeHeartbeat(await e2e.client.hget(e2e.key('workers:heartbeat'), id));
    const raw = await e2e.client.getBuffer(e2e.key(`worker:${id}`));
    const record = assertSafeWorkerRecord(raw ?? Buffer.alloc(0));
    expect(record).toMatchObject({ queue: 'mail', payload: job(1) });
    const startedAt = Date.parse(String(record.run_at));
    expect(Math.abs(startedAt - before)).toBeLessThan(5000);
    e2e.write('go');
    await runner.waitForFinished(1);
    await waitFor(async () => (await e2e.client.exists(e2e.key(`worker:${id}`))) === 0, {
      message: 'the worker is idle again',
    });
    expect(await workers()).toEqual([id]);
    expect(await e2e.client.get(e2e.key(`stat:processed:${id}`))).toBe('1');
  });

  test('each parallel job has its own worker, created when first needed and kept', async () => {
    const runner = await e2e.run({ runners: { mail: 3, video: 1 }, script: e2e.script(untilGo) });
    expect(runner.workerHost).toMatch(/^.+-[0-9a-f]{8}\.runner$/);
    const id = (index: number, queue: string) => `${runner.workerHost}:${runner.pid}-${index}:${queue}`;
    await e2e.enqueue('mail', job(1), job(2));
    await e2e.waitForFileLines('started', 2);
    expect(e2e.fileLines('started').sort()).toEqual([id(0, 'mail'), id(2, 'mail')]);
    expect(await workers()).toEqual([id(0, 'mail'), id(1, 'video'), id(2, 'mail')].sort());
    expect(await workers()).not.toContain(id(3, 'mail'));
    e2e.write('go');
    await runner.waitForFinished(2);
    await e2e.enqueue('mail', job(3));
    await runner.waitForFinished(3);
    expect(e2e.fileLines('started')[2]).toBe(id(0, 'mail'));
    expect(await workers()).toEqual(expect.arrayContaining([id(0, 'mail'), id(2, 'mail')]));
    const records = await e2e.client.hgetall(e2e.key('workers:heartbeat'));
    expect(Object.keys(records).sort()).toEqual(await workers());
  });
});

test('worker.host of the config is the host part before the digits', async () => {
  const script = e2e.script('exit 1');
  await e2e.enqueue('mail', job(1));
  const runner = await e2e.run({ runners: { mail: 1 }, script, worker: { host: 'blue-1' } });
  expect((await e2e.failure()).worker).toMatch(new RegExp(`^blue-1-[0-9a-f]{8}:${runner.pid}-0:mail$`));
});

describe('counters', () => {
  test('count failed jobs as processed, in total and per worker', async () => {
    const script = e2e.script('case $(cat) in *[02468],*) exit 1;; esac; exit 0');
    const runner = await e2e.run({ runners: { mail: 1 }, script });
    await e2e.enqueue('mail', ...[1, 2, 3, 4, 5].map(job), 'not JSON');
    await e2e.waitForStat('processed', 6);
    expect(await e2e.stat('failed')).toBe(3);
    const id = `${runner.workerHost}:${runner.pid}-0:mail`;
    expect(await e2e.stat(`processed:${id}`)).toBe(6);
    expect(await e2e.stat(`failed:${id}`)).toBe(3);
    await runner.stop();
    expect(runner.all('engine.stopped')).toMatchObject([{ processed: 6, failed: 3, unwritten: 0 }]);
  });

  test('continue from their previous values', async () => {
    await e2e.client.mset(e2e.key('stat:processed'), '1000', e2e.key('stat:failed'), '7');
    await e2e.enqueue('mail', job(1));
    const runner = await e2e.run(
      { runners: { mail: 1 }, script: e2e.script('exit 1') },
      { args: ['--drain'] },
    );
    await runner.waitForExit();
    expect(await e2e.stat('processed')).toBe(1001);
    expect(await e2e.stat('failed')).toBe(8);
  });
});

test('failures are appended, oldest first', async () => {
  const foreign = JSON.stringify({
    failed_at: '2026/11/24 15:20:19 UTC',
    payload: { class: 'Foreign', args: [] },
    exception: 'E',
    error: 'x',
    backtrace: [],
    worker: 'web1:77:mail',
    queue: 'mail',
  });
  await e2e.client.rpush(e2e.key('failed'), foreign);
  await e2e.enqueue('mail', job(1), job(2));
  const runner = await e2e.run({ runners: { mail: 1 }, script: e2e.script('exit 1') }, { args: ['--drain'] });
  await runner.waitForExit();
  const failures = await e2e.failures(3);
  expect(failures.map(({ payload }) => payload?.args)).toEqual([[], [1, 'a'], [2, 'a']]);
  const [raw] = await e2e.rawFailures();
  expect(raw?.toString()).toBe(foreign);
});

test('data of other workers stays unchanged', async () => {
  const foreign = 'web1:77:mail';
  await e2e.client.sadd(e2e.key('workers'), foreign);
  await e2e.client.set(e2e.key(`worker:${foreign}`), '{"queue":"mail"}');
  await e2e.client.set(e2e.key(`worker:${foreign}:started`), '2026-11-24 15:20:19 +0000');
  await e2e.client.hset(e2e.key('workers:heartbeat'), foreign, '2020-01-01T00:00:00Z');
  await e2e.client.set(e2e.key(`stat:processed:${foreign}`), '9');
  const names = ['workers', `worker:${foreign}`, `worker:${foreign}:started`, 'workers:heartbeat'];
  e2e.mayLeaveKeys(...names, `stat:processed:${foreign}`);
  await e2e.enqueue('mail', job(1));
  const runner = await e2e.run({ runners: { mail: 2 }, script: '/bin/true' }, { args: ['--drain'] });
  await runner.waitForExit();
  expect(await workers()).toEqual([foreign]);
  expect(await e2e.client.hkeys(e2e.key('workers:heartbeat'))).toEqual([foreign]);
  expect((await e2e.client.keys('*:77:mail*')).length).toBe(3);
});

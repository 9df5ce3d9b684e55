/** How `status` reads the data of all kinds of clients in Redis. */
import { describe, expect, test } from 'vitest';
import { statusLines } from '../../../src/cli/status/page.ts';
import { ownIdentity } from '../../../src/engine/machine/identity.ts';
import { entryText, sha1Of } from '../../../src/resque/delayed/retry-entry.ts';
import { useRedis } from '../../helpers/redis.ts';
import { epoch, recordOf, StatusStage } from './stage.ts';

const redis = useRedis();
const stage = new StatusStage(redis);

async function names(): Promise<string[]> {
  return (await stage.look()).document.queues.map(({ name }) => name);
}

describe('queues', () => {
  test('without a worker come first, then those with the most waiting jobs', async () => {
    await stage.enqueue('small', 1);
    await stage.enqueue('large', 5);
    await stage.enqueue('b-empty', 0);
    await stage.enqueue('a-empty', 0);
    await stage.enqueue('nobody', 2);
    await stage.register('ruby:1:small,large,b-empty,a-empty');
    expect(await names()).toEqual(['nobody', 'large', 'small', 'a-empty', 'b-empty']);
    expect(await stage.queue('nobody')).toMatchObject({ waiting: 2, workers: 0, isUnattended: true });
    expect(await stage.queue('large')).toMatchObject({ waiting: 5, workers: 1, isUnattended: false });
    expect((await stage.look()).document.totals).toMatchObject({ waiting: 8 });
  });

  test('that are empty are not unattended without a worker', async () => {
    await stage.enqueue('quiet', 0);
    expect(await stage.queue('quiet')).toMatchObject({ waiting: 0, workers: 0, isUnattended: false });
  });

  test('that a worker names are shown, even if they are not listed', async () => {
    await stage.register('ruby:1:early,mail_*');
    expect(await names()).toEqual(['early']);
    expect(await stage.queue('early')).toMatchObject({ waiting: 0, workers: 1 });
  });

  test('match patterns as in Resque', async () => {
    for (const name of ['mail_a', 'mail_b', 'low', '.hidden']) await stage.enqueue(name, 1);
    await stage.register('ruby:1:mail_*,!mail_b');
    await stage.register('ruby:2:*');
    const workers = Object.fromEntries(
      (await stage.look()).document.queues.map((queue) => [queue.name, queue.workers]),
    );
    expect(workers).toEqual({ mail_a: 2, mail_b: 1, low: 1, '.hidden': 0 });
  });

  test('that an entry names do not belong to patterns of the same runner', async () => {
    await stage.enqueue('mail', 1);
    await stage.enqueue('other', 1);
    await stage.enlist('web.runner:5');
    await stage.register('web.runner:5-0:mail');
    await stage.register('web.runner:5-0:*');
    await stage.register('ruby:6:*');
    expect(await stage.queue('mail')).toMatchObject({ workers: 2 });
    expect(await stage.queue('other')).toMatchObject({ workers: 2 });
  });

  test('with only stale workers are unattended', async () => {
    await stage.enqueue('mail', 1);
    await stage.register('ruby:1:mail', { heartbeat: 400 });
    expect(await stage.queue('mail')).toMatchObject({ workers: 0, lostWorkers: 1, isUnattended: true });
  });

  test('count the workers that run their jobs, even if their names have markup', async () => {
    await stage.enqueue('a<b', 0);
    await stage.enqueue('mail', 0);
    await stage.register('web.runner:1-0:a<b', { record: recordOf('ab', 5) });
    await stage.register('ruby:2:*', { record: recordOf('mail', 5) });
    await stage.register('ruby:3:*', { record: recordOf('mail', 5), heartbeat: 400 });
    expect(await stage.queue('a<b')).toMatchObject({ working: 1 });
    expect(await stage.queue('mail')).toMatchObject({ working: 1 });
  });

  test('may have names of any bytes', async () => {
    await stage.enqueue(Buffer.from([0x63, 0xe9]), 3);
    await stage.enqueue('ev\u001B[31mil\n', 2);
    await stage.enqueue('a:b,c', 1);
    const { queues } = (await stage.look()).document;
    expect(queues.map(({ name, waiting }) => [name, waiting])).toEqual([
      ['c\uFFFD', 3],
      ['ev\u001B[31mil\n', 2],
      ['a:b,c', 1],
    ]);
  });

  test('count jobs that at-least-once runners hold, as do processes and totals', async () => {
    await stage.enqueue('mail', 0);
    await stage.enlist('web.runner:5');
    await stage.register('web.runner:5-0:mail');
    await redis.client.sadd('resque:runner:web.runner:5:held', 'mail', 'bills');
    await redis.client.rpush('resque:runner:web.runner:5:held:mail', 'a', 'b');
    await redis.client.rpush('resque:runner:web.runner:5:held:bills', 'c');
    expect(await stage.queue('mail')).toMatchObject({ held: 2 });
    expect(await stage.process('web.runner:5')).toMatchObject({ held: 3 });
    expect((await stage.look()).document.totals).toMatchObject({ held: 3 });
  });
});

describe('workers', () => {
  test('that are slots of one runner are shown as one process', async () => {
    await stage.enlist('web.runner:5');
    for (let slot = 0; slot < 8; slot += 1) {
      await stage.register(`web.runner:5-${slot}:mail`, {
        processed: 10,
        failed: 1,
        started: 600 - slot,
        ...(slot < 3 ? { record: recordOf('mail', slot) } : {}),
      });
    }
    await stage.register('web.runner:5-0:low');
    const process = await stage.process('web.runner:5');
    expect(process).toMatchObject({
      host: 'web.runner',
      pid: 5,
      kind: 'resque-runner',
      state: 'working',
      working: 3,
      queues: ['low', 'mail'],
      finished: 80,
      failed: 8,
    });
    expect(process.workers).toHaveLength(9);
    expect(process.ageSeconds).toBeGreaterThanOrEqual(600);
    expect(process.ageSeconds).toBeLessThan(700);
    expect(process.jobsPerMinute).toBeGreaterThan(6);
    expect(process.jobsPerMinute).toBeLessThanOrEqual(8);
  });

  test.each([
    ['web.runner:5-0:mail', 'resque-runner'],
    ['named:5-0:mail', 'resque'],
    ['web1:5:mail', 'resque'],
    ['web1:5+2:mail', 'node-resque'],
    ['plain', 'resque'],
  ])('%s is shown as %s', async (id, kind) => {
    await stage.register(id);
    expect((await stage.look()).document.processes).toMatchObject([{ kind }]);
  });

  test('with an entry in the registry are ours, regardless of their host name', async () => {
    await stage.enlist('named:5');
    await stage.register('named:5-0:mail');
    expect(await stage.process('named:5')).toMatchObject({ kind: 'resque-runner' });
  });

  test('of node-resque are recognized by their pings; they count by name, and failed jobs separately', async () => {
    await stage.registerNode('workerA', 'mail', 3);
    await redis.client.set('resque:stat:processed:workerA', 10);
    await redis.client.set('resque:stat:failed:workerA', 2);
    const process = await stage.process('workerA');
    expect(process).toMatchObject({ kind: 'node-resque', finished: 12, failed: 2, queues: ['mail'] });
    expect(process.heartbeatAgeSeconds).toBeLessThan(60);
    expect(process.ageSeconds).toBeGreaterThanOrEqual(599);
    await stage.registerNode('workerA', 'mail', 400);
    expect(await stage.process('workerA')).toMatchObject({ state: 'stale' });
  });

  test('without a heartbeat are not stale', async () => {
    await stage.register('ruby:1:mail', { heartbeat: null });
    expect(await stage.process('ruby:1')).toMatchObject({ state: 'idle', heartbeatAgeSeconds: null });
    await redis.client.hset('resque:workers:heartbeat', 'ruby:1:mail', 'yesterday');
    expect(await stage.process('ruby:1')).toMatchObject({ state: 'idle', heartbeatAgeSeconds: null });
  });

  test('are stale after five minutes of silence, and come first', async () => {
    await stage.register('a:1:mail', { heartbeat: 200 });
    await stage.register('b:2:mail', { heartbeat: 400, record: recordOf('mail', 900) });
    const { processes, totals, runningJobs } = (await stage.look()).document;
    expect(processes.map(({ name, state }) => [name, state])).toEqual([
      ['b:2', 'stale'],
      ['a:1', 'idle'],
    ]);
    expect(totals).toMatchObject({ workers: 2, staleWorkers: 1, deadWorkers: 0, running: 1 });
    expect(runningJobs).toMatchObject([{ worker: 'b:2:mail', workerState: 'stale' }]);
  });

  test('of a runner on this machine are dead as soon as its process is gone, and alive if it runs', async () => {
    await stage.enlist('web.runner:4000000', { ...ownIdentity(), pid: 4_000_000 });
    await stage.register('web.runner:4000000-0:mail', { record: recordOf('mail', 5) });
    await stage.enlist(`web.runner:${process.pid}`, ownIdentity());
    await stage.register(`web.runner:${process.pid}-0:mail`);
    const { processes, runningJobs, totals } = (await stage.look()).document;
    expect(processes.map(({ state }) => state)).toEqual(['dead', 'idle']);
    expect(runningJobs).toMatchObject([{ workerState: 'dead' }]);
    expect(totals).toMatchObject({ deadWorkers: 1, staleWorkers: 0 });
  });

  test('of a runner share its heartbeat', async () => {
    await stage.enlist('web.runner:5', { seenAtMs: Date.now() - 10_000 });
    await stage.register('web.runner:5-0:mail', { heartbeat: 400 });
    expect(await stage.process('web.runner:5')).toMatchObject({ state: 'idle' });
    await stage.enlist('web.runner:5', { seenAtMs: Date.now() - 400_000 });
    expect(await stage.process('web.runner:5')).toMatchObject({ state: 'stale' });
  });

  test('of a runner elsewhere are unknown after 40 s of silence, but not given up', async () => {
    await stage.enqueue('mail', 1);
    await stage.enlist('web.runner:5', { seenAtMs: Date.now() - 50_000 });
    await stage.register('web.runner:5-0:mail', { heartbeat: 50, record: recordOf('mail', 90) });
    const { document } = await stage.look();
    expect(document.processes).toMatchObject([{ state: 'unknown', workers: [{ state: 'unknown' }] }]);
    expect(document.runningJobs).toMatchObject([{ workerState: 'unknown' }]);
    expect(document.totals).toMatchObject({ staleWorkers: 0, deadWorkers: 0 });
    expect(await stage.queue('mail')).toMatchObject({ workers: 1, lostWorkers: 0, working: 1 });
    const lines = statusLines(document, {
      width: 100,
      height: null,
      paint: (line) => line.map(({ text }) => text).join(''),
    });
    expect(lines.join('\n')).toMatch(/web\.runner:5 +runner +unknown, last seen 5\d s ago/);
  });

  test('are not needed to show a runner: its registry entry is enough', async () => {
    await stage.enlist('web.runner:5');
    expect(await stage.process('web.runner:5')).toMatchObject({ state: 'idle', workers: [], finished: null });
    await redis.client.hset('resque:runners', 'other.runner:6', 'of a later version');
    expect(await stage.process('other.runner:6')).toMatchObject({ state: 'idle', kind: 'resque-runner' });
  });

  test('with an empty record are idle', async () => {
    await stage.register('php:1:mail', { record: '{}' });
    expect(await stage.process('php:1')).toMatchObject({ state: 'idle' });
    expect((await stage.look()).document.runningJobs).toEqual([]);
  });

  test('may have ids of any bytes', async () => {
    const id = Buffer.from([...Buffer.from('h'), 0xff, ...Buffer.from(':7:mail')]);
    await stage.register(id, { processed: 3, record: recordOf('mail', 5) });
    expect(await stage.process('h\uFFFD:7')).toMatchObject({ finished: 3, state: 'working' });
  });
});

describe("a runner's own entry", () => {
  const lines = async () => {
    const { document } = await stage.look();
    const paint = (line: readonly { readonly text: string }[]) => line.map(({ text }) => text).join('');
    return statusLines(document, { width: null, height: null, paint }).join('\n');
  };
  const slots = [
    { runner: 'mail', count: 8 },
    { runner: 'low,x_*', count: 2 },
  ];
  const sinceMs = Date.parse('2026-03-04T05:06:07Z');

  test('counts all of its slots, in addition to workers of other kinds', async () => {
    await stage.enlist('web.runner:5', { slots });
    await stage.register('web.runner:5-0:mail', { record: recordOf('mail', 5) });
    await stage.register('web.runner:5-1:mail', { record: recordOf('mail', 5) });
    await stage.register('web.runner:5-0:low,x_*');
    await stage.register('ruby:1:mail');
    expect(await stage.queue('mail')).toMatchObject({ workers: 3, slots: 9, working: 2 });
    expect(await stage.queue('low')).toMatchObject({ workers: 1, slots: 2, working: 0 });
    expect(await stage.process('web.runner:5')).toMatchObject({ slots: 10, working: 2 });
    const text = await lines();
    expect(text).toMatch(/^ {2}mail +0 +2\/9 /m);
    expect(text).toMatch(/^ {2}web\.runner:5 +runner +2\/10 working /m);
  });

  test('shows pauses by a user, of one queue and of all', async () => {
    await stage.enqueue('x_1', 0);
    const pauses = [{ kind: 'operator', detail: 'ann@pts/3', sinceMs, queue: 'mail' }];
    await stage.enlist('web.runner:5', { slots, pauses });
    await stage.register('web.runner:5-0:mail');
    await stage.register('web.runner:5-0:low,x_*');
    const { queue, process } = {
      queue: await stage.queue('mail'),
      process: await stage.process('web.runner:5'),
    };
    const pause = {
      process: 'web.runner:5',
      kind: 'operator',
      runner: null,
      queue: 'mail',
      detail: 'ann@pts/3',
    };
    expect(queue).toMatchObject({
      isPaused: true,
      pauses: [{ ...pause, since: '2026-03-04T05:06:07.000Z' }],
    });
    expect(process).toMatchObject({ isPaused: false, pauses: [pause] });
    expect(await stage.queue('x_1')).toMatchObject({ isPaused: false, pauses: [] });
    expect(await lines()).toMatch(/^ {2}mail .* paused: by ann@pts\/3$/m);
    expect(await lines()).toMatch(/^ {2}web\.runner:5 +runner +idle, partly paused /m);

    await stage.enlist('web.runner:5', { slots, pauses: [{ kind: 'all', detail: 'USR2', sinceMs }] });
    expect(await stage.queue('x_1')).toMatchObject({
      isPaused: true,
      pauses: [{ kind: 'all', queue: null }],
    });
    expect(await stage.process('web.runner:5')).toMatchObject({ isPaused: true });
    expect(await lines()).toMatch(/^ {2}x_1 .* paused: all queues, by USR2$/m);
    expect(await lines()).toMatch(/^ {2}web\.runner:5 +runner +paused /m);
  });

  test('shows slots that a user has set', async () => {
    const byHand = { configured: 2, by: 'ann@pts/3', sinceMs };
    const pauses = [{ kind: 'operator', detail: 'bob', sinceMs, queue: 'x_1' }];
    await stage.enqueue('x_1', 0);
    await stage.enlist('web.runner:5', {
      slots: [
        { runner: 'mail', count: 8, byHand },
        { runner: 'low,x_*', count: 2, byHand: { ...byHand, configured: 1, by: '' } },
        { runner: 'bill', count: 1 },
      ],
      pauses,
    });
    await stage.register('web.runner:5-0:mail');
    await stage.register('web.runner:5-0:low,x_*');
    await stage.register('web.runner:5-0:bill');
    const change = {
      ...{ process: 'web.runner:5', runner: 'mail', slots: 8, configured: 2, by: 'ann@pts/3' },
      since: '2026-03-04T05:06:07.000Z',
    };
    expect((await stage.queue('mail')).slotChanges).toEqual([change]);
    expect((await stage.queue('bill')).slotChanges).toEqual([]);
    const process = await stage.process('web.runner:5');
    expect(process).toMatchObject({ slots: 11, slotChanges: [change, { runner: 'low,x_*', by: '' }] });
    const text = await lines();
    expect(text).toMatch(/^ {2}mail +0 +0\/8 .* slots 8 \(config 2\), by ann@pts\/3$/m);
    expect(text).toMatch(/^ {2}x_1 .* paused: by bob; slots 2 \(config 1\), by hand$/m);
    expect(text).toMatch(/^ {2}bill +0 +0\/1 +[-\d.]* *$/m);
  });

  test('shows a script that can’t be started, on this runner only', async () => {
    const pauses = [{ kind: 'unstartable', detail: '/job.sh does not exist', sinceMs, runner: 'mail' }];
    await stage.enlist('web.runner:5', { slots, pauses });
    await stage.register('web.runner:5-0:mail');
    await stage.register('ruby:1:mail');
    expect(await stage.queue('mail')).toMatchObject({ isPaused: false, pauses: [{ runner: 'mail' }] });
    const text = await lines();
    expect(text).toContain("! mail is paused: its script can't be started (/job.sh does not exist)");
    expect(text).toMatch(
      /^! mail +0 +0\/9 .* paused on web\.runner:5: its script can't be started \(\/job\.sh /m,
    );
  });

  test('ignores unknown members, and shows nothing of an entry with an invalid one', async () => {
    const pause = { kind: 'operator', detail: '', sinceMs, queue: 'mail' };
    await stage.register('web.runner:5-0:mail');
    await stage.enlist('web.runner:5', { slots, pauses: [{ ...pause, more: 1 }] });
    expect(await stage.process('web.runner:5')).toMatchObject({ slots: 10, pauses: [{ queue: 'mail' }] });
    for (const invalid of [
      { slots: [1, ...slots] },
      { slots: [{ runner: 'mail', count: 'x' }] },
      { slots: [{ runner: 'mail', count: 1, byHand: { configured: 'two' } }] },
      { slots: 'many' },
      { pauses: {} },
      { pauses: [null] },
      { pauses: [{ ...pause, kind: 'moon' }] },
      { pauses: [{ ...pause, detail: 1 }] },
      { pauses: [{ ...pause, sinceMs: 1e300 }] },
    ]) {
      await stage.enlist('web.runner:5', { slots, pauses: [pause], ...invalid });
      expect(await stage.process('web.runner:5')).toMatchObject({ slots: 1, pauses: [] });
    }
  });
});

describe('running jobs', () => {
  test('are shown with queue, class, args and age, oldest first', async () => {
    await stage.register('a:1:mail', {
      record: recordOf('mail', 10, { class: 'New', args: [12345678901234567890n.toString()] }),
    });
    await stage.register('b:2:mail', { record: recordOf('mail', 7_200, { class: 'Old', args: [1, 'x'] }) });
    await stage.register('c:3:mail', { record: '{"queue":"mail","payload":{"class":"Timeless"}}' });
    const { runningJobs } = (await stage.look()).document;
    expect(runningJobs.map((job) => job.class)).toEqual(['Old', 'New', 'Timeless']);
    expect(runningJobs[0]).toMatchObject({
      queue: 'mail',
      argsText: '[1,"x"]',
      worker: 'b:2:mail',
      process: 'b:2',
      workerState: 'working',
      problem: null,
    });
    expect(runningJobs[0]?.ageSeconds).toBeGreaterThanOrEqual(7_200);
    expect(runningJobs[0]?.ageSeconds).toBeLessThan(7_300);
    expect(runningJobs[2]?.ageSeconds).toBeNull();
  });

  test('may have start times as node-resque and PHP write them', async () => {
    const date = new Date(Date.now() - 120_000);
    const [day = '', month = '', number = '', year = '', time = ''] = date
      .toUTCString()
      .replace(',', '')
      .split(' ');
    for (const runAt of [date.toString(), `${day} ${number} ${month} ${time} UTC ${year}`]) {
      await stage.register('a:1:mail', {
        record: JSON.stringify({ run_at: runAt, queue: 'mail', payload: { class: 'A', args: [] } }),
      });
      const { ageSeconds } = await stage.job();
      expect(ageSeconds, runAt).toBeGreaterThanOrEqual(119);
      expect(ageSeconds, runAt).toBeLessThan(200);
    }
  });

  test.each([
    ['{not json', 'its record is not JSON'],
    ['[1]', 'its record is not a JSON object'],
    ['"text"', 'its record is not a JSON object'],
    ['', 'its record is not JSON'],
    ['{"queue":"mail"}', 'its record is without a payload'],
    ['{"queue":"mail","payload":[1]}', 'its payload is an array'],
    [Buffer.from([0x7b, 0xff]), 'its record is not UTF-8'],
  ])('with the record %j say why it cannot be read', async (record, problem) => {
    await stage.register('a:1:mail', { record });
    expect(await stage.job()).toMatchObject({ class: null, argsText: '', problem, worker: 'a:1:mail' });
    expect(await stage.process('a:1')).toMatchObject({ state: 'working' });
  });
});

describe('the rest', () => {
  test('totals are read from the counters, and failures from the list', async () => {
    await redis.client.mset('resque:stat:processed', 120, 'resque:stat:failed', 7);
    await redis.client.rpush('resque:failed', '{}', '{}');
    expect((await stage.look()).document.totals).toMatchObject({ processed: 120, failed: 7, failures: 2 });
    await redis.client.set('resque:stat:processed', 'many');
    expect((await stage.look()).document.totals).toMatchObject({ processed: null });
  });

  test.each([
    [' TRUE\n', true],
    ['false', false],
    ['', false],
  ])('pause-all-workers as %j is %s', async (value, isPaused) => {
    await redis.client.set('resque:pause-all-workers', value);
    expect((await stage.look()).document.isPaused).toBe(isPaused);
  });

  test('delayed jobs are counted, with the time until the next is due', async () => {
    expect((await stage.look()).document.delayed).toBeNull();
    for (const [ago, count] of [
      [-600, 3],
      [-60, 2],
    ] as const) {
      await redis.client.zadd('resque:delayed_queue_schedule', epoch(ago), epoch(ago));
      const jobs = Array.from({ length: count }, (_, at) => `{"class":"A","args":[${at}],"queue":"q"}`);
      await redis.client.rpush(`resque:delayed:${epoch(ago)}`, ...jobs);
    }
    const { delayed } = (await stage.look()).document;
    expect(delayed).toMatchObject({ jobs: 5, times: 2, isComplete: true, retries: 0 });
    for (const [args, ago] of [
      [0, -600],
      [1, -60],
      [2, -60],
    ] as const) {
      const item = `{"class":"A","args":[${args}],"queue":"q"}`;
      const about = { attempt: 2, firstFailedAt: null, lastError: null, payload: Buffer.from(item) };
      const entry = entryText([sha1Of(item)], { ...about, dueSeconds: epoch(ago), item });
      await redis.client.rpush(`resque:runner:retry:${sha1Of(item)}`, entry);
    }
    // The third one is due only once, at another time.
    expect((await stage.look()).document.delayed?.retries).toBe(2);
    expect(delayed?.nextInSeconds).toBeLessThanOrEqual(61);
    expect(delayed?.nextInSeconds).toBeGreaterThan(0);
  });

  test('delayed jobs of only the first thousand times are counted, and the document says so', async () => {
    const times = Array.from({ length: 1_001 }, (_, at) => epoch(500) + at);
    await redis.client.zadd('resque:delayed_queue_schedule', ...times.flatMap((time) => [time, time]));
    const pipeline = redis.client.pipeline();
    for (const time of times) pipeline.rpush(`resque:delayed:${time}`, '{}');
    await pipeline.exec();
    const { delayed } = (await stage.look()).document;
    expect(delayed).toMatchObject({ jobs: 1_000, times: 1_001, isComplete: false });
    expect(delayed?.nextInSeconds).toBeLessThan(0);
  });

  test('keys of a wrong type hide only themselves', async () => {
    const { client } = redis;
    await stage.enqueue('good', 2);
    await stage.register('ruby:1:good,bad');
    await client.sadd('resque:queues', 'bad');
    await client.set('resque:queue:bad', 'text');
    await client.hset('resque:worker:ruby:1:good,bad', 'a', '1');
    await client.rpush('resque:stat:processed:ruby:1:good,bad', '1');
    await client.set('resque:failed', 'text');
    await client.sadd('resque:stat:processed', '1');
    await client.set('resque:delayed_queue_schedule', 'text');
    await client.set('resque:runners', 'text');
    await client.sadd('resque:pause-all-workers', 'true');
    const { queues, processes, runningJobs, totals, wrongTypes } = (await stage.look()).document;
    expect(queues).toMatchObject([
      { name: 'bad', waiting: null, wrongType: 'string', workers: 1, isUnattended: false },
      { name: 'good', waiting: 2, wrongType: null },
    ]);
    expect(processes).toMatchObject([{ name: 'ruby:1', state: 'working', finished: null, failed: 0 }]);
    expect(runningJobs).toMatchObject([{ problem: 'its record is a hash, not a string' }]);
    expect(totals).toMatchObject({ processed: null, failures: null, failed: 0 });
    expect(wrongTypes.map(({ key, hides }) => [key, hides]).sort()).toEqual([
      ['resque:delayed_queue_schedule', 'schedule'],
      ['resque:failed', 'count'],
      ['resque:pause-all-workers', 'count'],
      ['resque:queue:bad', 'queue'],
      ['resque:runners', 'workers'],
      ['resque:stat:processed', 'count'],
      ['resque:stat:processed:ruby:1:good,bad', 'worker'],
      ['resque:worker:ruby:1:good,bad', 'worker'],
    ]);
  });

  test.each(['workers', 'queues', 'workers:heartbeat'])('so does %s', async (name) => {
    await stage.enqueue('mail', 2);
    await stage.register('ruby:1:mail');
    await redis.client.del(`resque:${name}`);
    await redis.client.set(`resque:${name}`, 'text');
    const { document } = await stage.look();
    expect(document.wrongTypes).toMatchObject([{ key: `resque:${name}`, type: 'string' }]);
    // Either a worker names the queue or the list has it.
    expect(document.queues).toMatchObject([{ name: 'mail', waiting: 2 }]);
    expect(document.processes).toHaveLength(name === 'workers' ? 0 : 1);
  });

  test('thousands of workers take as many round trips as one', async () => {
    const pipeline = redis.client.pipeline();
    for (let n = 0; n < 3_000; n += 1) pipeline.sadd('resque:workers', `host${n % 20}:${n}:q${n % 200}`);
    for (let n = 0; n < 300; n += 1) pipeline.sadd('resque:queues', `q${n}`);
    await pipeline.exec();
    await redis.client.config('RESETSTAT');
    const { document } = await stage.look();
    expect(document.totals.workers).toBe(3_000);
    const info = await redis.client.info('commandstats');
    const calls = Object.fromEntries(
      [...info.matchAll(/cmdstat_(\w+):calls=(\d+)/g)].map(([, name = '', count]) => [name, Number(count)]),
    );
    // 300 lists in one pipeline, 3,000 workers with seven keys each in pieces of 500.
    expect(calls.llen).toBe(301);
    expect(calls.mget).toBe(43);
    expect(calls.scan).toBeUndefined();
    expect(calls.get).toBeUndefined();
  });
});

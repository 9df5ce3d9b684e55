/** Which job runs when: order, limits, and what changes them while jobs run. */
import { expect, test } from 'vitest';
import { randomCases } from '../../helpers/random-cases.ts';
import { useRedis } from '../../helpers/redis.ts';
import { waitFor } from '../../helpers/wait-for.ts';
import { type TestEngine, useEngines } from '../stage.ts';

const stage = useEngines(useRedis());

/** Args of the jobs in the order in which they started. */
function started(engine: TestEngine): unknown[] {
  return engine.all('job.started').map(({ job }) => (JSON.parse(job.args) as unknown[])[0]);
}

/** A job that runs until there is a file `go`. */
const waiting = () => stage.script('while [ ! -e "$D/go" ]; do sleep 0.1; done');
const quick = () => stage.script(':');

test('within a list of queues the first one comes first', async () => {
  const engine = await stage.start([stage.runner('high,mid,low', quick())]);
  await engine.do({ type: 'pause-all' });
  await stage.enqueue('low', 'l1', 'l2');
  await stage.enqueue('mid', 'm1', 'm2');
  await stage.enqueue('high', 'h1', 'h2');
  await engine.do({ type: 'resume-all' });
  await engine.wait('job.finished', 6);
  expect(started(engine)).toEqual(['h1', 'h2', 'm1', 'm2', 'l1', 'l2']);
});

test('a job of a better queue comes next although others waited longer', async () => {
  const engine = await stage.start([stage.runner('high,low', waiting())]);
  await stage.enqueue('low', 'l1', 'l2');
  await engine.wait('job.started');
  await stage.enqueue('high', 'h1');
  stage.write('go');
  await engine.wait('job.finished', 3);
  expect(started(engine)).toEqual(['l1', 'h1', 'l2']);
});

test('an idle runner takes a job at once, in the order in which they were pushed', async () => {
  const engine = await stage.start([stage.runner('mail', quick())]);
  await stage.waitForIdle();
  await stage.enqueue('mail', ...Array.from({ length: 40 }, (_, at) => at));
  await engine.wait('job.finished', 40);
  expect(started(engine)).toEqual(Array.from({ length: 40 }, (_, at) => at));
});

test('a busy runner does not hold up another', async () => {
  const engine = await stage.start([stage.runner('slow', waiting()), stage.runner('fast', quick())]);
  await stage.enqueue('slow', 1, 2, 3);
  await engine.wait('job.started');
  await stage.enqueue('fast', 4, 5, 6);
  await engine.wait('job.finished', 3);
  expect(started(engine)).toEqual([1, 4, 5, 6]);
  stage.write('go');
  await engine.wait('job.finished', 6);
});

test('a raised limit starts what waits, a lowered one lets run what runs', async () => {
  const engine = await stage.start([stage.runner('mail', waiting())]);
  await stage.enqueue('mail', 1, 2, 3, 4, 5);
  await engine.wait('job.started');
  await engine.do({ type: 'set-concurrency', runner: 'mail', concurrency: 4 });
  await engine.wait('job.started', 4);
  await engine.do({ type: 'set-concurrency', runner: 'mail', concurrency: 1 });
  // Two of four end: with a limit of one, that makes no room.
  for (const { job } of engine.all('job.started').slice(0, 2)) {
    await engine.do({ type: 'kill-job', jobId: job.id, signal: 'SIGKILL' });
  }
  await engine.wait('job.finished', 2);
  await waitFor(async () => (await stage.stat('processed')) === 2, { message: 'both are written' });
  expect(engine.all('job.started')).toHaveLength(4);
  stage.write('go');
  await engine.wait('job.finished', 5);
  expect(engine.all('job.killed')).toHaveLength(2);
  expect(started(engine)).toEqual([1, 2, 3, 4, 5]);
});

test('no limit is exceeded and no paused queue is taken from, whatever commands come', async () => {
  const runners = [stage.runner('a', quick()), stage.runner('b,c', quick(), { concurrency: 2 })];
  const engine = await stage.start(runners);
  const limits = new Map([
    ['a', 1],
    ['b,c', 2],
  ]);
  const running = new Map([
    ['a', 0],
    ['b,c', 0],
  ]);
  const paused = new Set<string>();
  const wrong: string[] = [];
  // Told in the instant in which it happens, so what holds then is known exactly.
  engine.engine.subscribe((event) => {
    if (event.type === 'queue.paused') paused.add(event.queue);
    if (event.type === 'queue.resumed') paused.delete(event.queue);
    if (event.type === 'runner.changed') limits.set(event.runner.key, event.runner.concurrency);
    const pool =
      event.type === 'job.started'
        ? event.job.runner
        : event.type === 'job.finished'
          ? ownerOf(event.queue)
          : '';
    if (event.type === 'job.finished') running.set(pool, (running.get(pool) ?? 0) - 1);
    if (event.type !== 'job.started') return;
    const now = (running.get(pool) ?? 0) + 1;
    running.set(pool, now);
    if (now > (limits.get(pool) ?? 0)) wrong.push(`${pool}: ${now} of ${limits.get(pool)}`);
    if (paused.has(event.job.queue)) wrong.push(`${event.job.queue} is paused`);
  });
  const ownerOf = (queue: string) => (queue === 'a' ? 'a' : 'b,c');
  const turns = randomCases(640);
  const jobs = turns / 4;
  const queues = ['a', 'b', 'c'];
  for (let turn = 0; turn < turns; turn += 1) {
    const queue = queues[turn % 3] ?? 'a';
    const push = turn < jobs ? stage.enqueue(queue, turn) : stage.redis.ping();
    const roll = (turn * 7919) % 11;
    if (roll < 3) void engine.do({ type: 'pause-queue', queue });
    else if (roll < 7) for (const name of queues) void engine.do({ type: 'resume-queue', queue: name });
    else if (roll === 7) void engine.do({ type: 'pause-all' });
    else if (roll === 8) void engine.do({ type: 'resume-all' });
    else {
      void engine.do({
        type: 'set-concurrency',
        runner: ownerOf(queue),
        concurrency: 1 + (turn % 4),
      });
    }
    await push;
    for (let pause = 0; pause < turn % 5; pause += 1) await stage.redis.ping();
  }
  await engine.do({ type: 'resume-all' });
  for (const queue of queues) await engine.do({ type: 'resume-queue', queue });
  await engine.wait('job.finished', jobs);
  expect(wrong).toEqual([]);
  expect([...started(engine)].sort((x, y) => Number(x) - Number(y))).toEqual(
    Array.from({ length: jobs }, (_, at) => at),
  );
  await engine.stop();
  expect(await stage.stat('processed')).toBe(jobs);
});

test('what can not be started stays in its order, and runs as soon as it can', async () => {
  const path = stage.path('late');
  const engine = await stage.start([stage.runner('mail', path, { concurrency: 3 })]);
  await stage.enqueue('mail', 1, 2, 3, 4, 5);
  const { pauses } = await engine.wait('queue.paused');
  expect(pauses).toEqual([
    { kind: 'unstartable', detail: expect.stringContaining(path), sinceMs: expect.any(Number) },
  ]);
  await waitFor(async () => (await stage.backlog('mail')).length === 5, { message: 'all are back' });
  expect(await stage.backlog('mail')).toEqual([1, 2, 3, 4, 5]);
  expect(await stage.stat('processed')).toBe(0);
  stage.script(':', 'late');
  await engine.wait('job.finished', 5);
  expect(started(engine)).toEqual([1, 2, 3, 4, 5]);
  expect(engine.all('queue.resumed')).toHaveLength(1);
});

test('a queue whose key is no list is paused with the reason, and the others are served', async () => {
  await stage.redis.set('resque:queue:bad', 'text');
  const engine = await stage.start([stage.runner('bad,good', quick())]);
  await stage.enqueue('good', 1, 2);
  await engine.wait('job.finished', 2);
  expect(engine.all('queue.paused')).toEqual([
    expect.objectContaining({
      queue: 'bad',
      pauses: [
        { kind: 'unreadable', detail: expect.stringContaining('WRONGTYPE'), sinceMs: expect.any(Number) },
      ],
    }),
  ]);
  expect(engine.all('redis.down')).toEqual([]);
  await stage.redis.del('resque:queue:bad');
  await stage.enqueue('bad', 3);
  await engine.wait('job.finished', 3);
});

test('a runner that the new config has not got ends its job, takes no other, and goes', async () => {
  const mail = stage.runner('mail', waiting());
  const engine = await stage.start([mail, stage.runner('news', quick())]);
  await stage.enqueue('mail', 1, 2);
  await engine.wait('job.started');
  engine.engine.reconfigure(stage.config([stage.runner('news', quick())]));
  expect(engine.all('runner.removed')).toEqual([]);
  stage.write('go');
  await engine.wait('runner.removed');
  expect(await stage.backlog('mail')).toEqual([2]);
  await waitFor(
    async () => (await stage.redis.smembers('resque:workers')).every((id) => id.endsWith(':news')),
    {
      message: 'its worker is unregistered',
    },
  );
  await stage.enqueue('news', 3);
  await engine.wait('job.finished', 2);
  engine.engine.reconfigure(stage.config([stage.runner('news', quick()), mail]));
  await engine.wait('job.finished', 3);
  expect(started(engine)).toEqual([1, 3, 2]);
});

test('it stops by itself when every queue is empty, if it is to drain', async () => {
  await stage.enqueue('mail', 1, 2, 3);
  const engine = await stage.start([stage.runner('mail', quick(), { concurrency: 2 })], { drain: true });
  expect(await engine.engine.stopped).toEqual({ unwritten: 0, isUnregistered: true });
  expect(engine.all('engine.stopping').map(({ mode }) => mode)).toEqual(['drained']);
  expect(await stage.stat('processed')).toBe(3);
});

const large = 'x'.repeat(1_000_000);
const workerKey = 'resque:worker:test-*:mail';

test('the record of a job with a large payload holds it if the job runs for a while', async () => {
  await stage.enqueue('mail', large);
  const engine = await stage.start([stage.runner('mail', waiting())]);
  await engine.wait('job.started');
  const record = async () => {
    const [key = ''] = (await stage.redis.keys(workerKey)).filter(
      (name) => !/:(payload|started)$/.test(name),
    );
    return JSON.parse((await stage.redis.get(key)) ?? 'null') as { payload: unknown } | null;
  };
  await waitFor(
    async () => JSON.stringify((await record())?.payload) === `{"class":"Job","args":["${large}"]}`,
    {
      message: 'the record is complete',
    },
  );
  stage.write('go');
  await engine.wait('job.finished');
});

test('a large payload comes from Redis once, and does not go back if its job is short', async () => {
  await stage.enqueue('mail', ...Array.from({ length: 20 }, () => large));
  const received = async () =>
    Number(/^total_net_input_bytes:(\d+)/m.exec(await stage.redis.info('stats'))?.[1]);
  const before = await received();
  const engine = await stage.start([stage.runner('mail', quick())]);
  await engine.wait('job.finished', 20);
  expect(engine.all('job.finished').map(({ outcome }) => outcome)).toEqual(Array(20).fill('succeeded'));
  // Short jobs that take seconds on a busy machine may be in the way of a timer.
  expect((await received()) - before).toBeLessThan(10 * large.length);
});

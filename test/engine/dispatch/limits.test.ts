/** Limits over all runners: how many jobs of a queue run at the same time, and how often one may start. */
import { describe, expect, test, vi } from 'vitest';
import type { PoolConfig } from '../../../src/config/config.ts';
import type { Rate } from '../../../src/config/times/rate.ts';
import { writeEntry } from '../../../src/resque/workers/runner-entry.ts';
import { MovableClock } from '../../helpers/movable-clock.ts';
import { keepSnapshot, restoreSnapshot } from '../../helpers/older-redis.ts';
import { useRedis } from '../../helpers/redis.ts';
import { waitFor } from '../../helpers/wait-for.ts';
import { type StartOptions, type TestEngine, useEngines } from '../stage.ts';

const stage = useEngines(useRedis());
/** Less than the time after which a runner looks again although nothing has woken it. */
const timeoutMs = 5_000;
const deliveries = ['at-most-once', 'at-least-once'] as const;

/** Jobs that note their argument, and run until the file `go-ARG` or `go` exists. */
const gated = `read -r job; arg=$(printf %s "$job" | tr -cd 0-9); echo "$arg" >> "$D/begun"
while [ ! -e "$D/go-$arg" ] && [ ! -e "$D/go" ]; do sleep 0.02; done`;
const noting = 'read -r job; printf %s "$job" | tr -cd 0-9 >> "$D/begun"; echo >> "$D/begun"';

function pool(rest: Partial<PoolConfig>, key = 'mail', body = gated): PoolConfig {
  return stage.runner(key, stage.script(body), { concurrency: 5, ...rest });
}

async function start(rest: Partial<PoolConfig>, options: StartOptions = {}): Promise<TestEngine> {
  return await stage.start([pool(rest)], options);
}

function rate(perSecond: number, burst = 1): { rate: Rate } {
  return { rate: { intervalMs: 1_000 / perSecond, burst, text: '' } };
}

async function waitForBegun(count: number): Promise<string[]> {
  await waitFor(() => stage.lines('begun').length >= count, {
    message: `${count} jobs have begun`,
    timeoutMs,
  });
  return stage.lines('begun');
}

async function waitForProcessed(count: number): Promise<void> {
  await waitFor(async () => (await stage.stat('processed')) === count, { message: `${count} are processed` });
}

/** Connections that wait with this command. */
async function waitForWaits(command: 'blpop' | 'blmove', count: number): Promise<void> {
  const waiting = new RegExp(`flags=\\S*b\\S* .*cmd=${command}`, 'g');
  const found = async () => String(await stage.redis.client('LIST')).match(waiting)?.length ?? 0;
  await waitFor(async () => (await found()) === count, {
    message: `${count} wait with ${command}`,
    timeoutMs,
  });
}

async function shares(queue = 'mail'): Promise<string[]> {
  return await stage.redis.smembers(`resque:runner:running:${queue}`);
}

/** A worker of a runner on another host that has a job of the queue, and its share. */
async function leaveJob(ageMs: number, queue = 'mail'): Promise<string> {
  const [seconds] = await stage.redis.time();
  const owner = 'gone.runner:1';
  const worker = `${owner}-0:${queue}`;
  const record = { queue, run_at: '2026-11-24T15:20:19Z', payload: { class: 'Left', args: [1] } };
  await stage.redis.sadd('resque:workers', worker);
  await stage.redis.set(`resque:worker:${worker}`, JSON.stringify(record));
  await stage.redis.sadd(`resque:runner:running:${queue}`, worker);
  const entry = {
    ...{ machine: 'another kernel', pid: 1, startedAt: '7', nonce: 'other', requeues: [], maxRecoveries: 3 },
    seenAtMs: Number(seconds) * 1_000 - ageMs,
  };
  await stage.redis.hset('resque:runners', owner, writeEntry(entry));
  return worker;
}

describe.each(deliveries)('"limit", %s', (delivery) => {
  test('no more jobs than that run in all runners together, in the order of the queue', async () => {
    stage.mayLeaveKeys('runner:free:mail');
    await stage.enqueue('mail', 0, 1, 2, 3, 4, 5, 6);
    await start({ limit: 3, delivery });
    await start({ limit: 3, delivery });
    await waitForWaits('blpop', 2);
    expect((await waitForBegun(3)).sort()).toEqual(['0', '1', '2']);
    expect(await stage.backlog('mail')).toEqual([3, 4, 5, 6]);
    expect(await shares()).toHaveLength(3);

    stage.write('go-1');
    expect((await waitForBegun(4))[3]).toBe('3');
    await waitForWaits('blpop', 2);
    expect(await stage.backlog('mail')).toEqual([4, 5, 6]);

    stage.write('go');
    await waitForProcessed(7);
    expect(stage.lines('begun')).toHaveLength(7);
    expect(await shares()).toEqual([]);
  });

  test('a Redis that comes back older counts the jobs that run, and no others', async () => {
    stage.mayLeaveKeys('runner:free:mail');
    const engine = await start({ limit: 2, delivery });
    await stage.enqueue('mail', 0, 1, 2, 3, 4);
    await waitForBegun(2);
    await waitForWaits('blpop', 1);
    // In the snapshot, 0 and 1 run.
    await keepSnapshot(stage.redis);
    stage.write('go-0');
    stage.write('go-1');
    expect((await waitForBegun(4)).slice(2).sort()).toEqual(['2', '3']);
    await waitForWaits('blpop', 1);
    await restoreSnapshot(stage.redis);
    await stage.redis.call('CLIENT', 'KILL', 'TYPE', 'normal');
    await engine.wait('steps.forgotten');
    await waitForWaits('blpop', 1);
    // It has 2 and 3 on the queue again, but they still run.
    expect(await shares()).toHaveLength(2);
    expect(stage.lines('begun')).toHaveLength(4);
    stage.write('go');
    await waitForProcessed(7);
    expect(stage.lines('begun').sort()).toEqual(['0', '1', '2', '2', '3', '3', '4']);
    expect(await shares()).toEqual([]);
  });
});

describe('"limit"', () => {
  test('each queue of a pattern has its own', async () => {
    stage.mayLeaveKeys('runner:free:mail_a', 'runner:free:mail_b');
    await stage.enqueue('mail_a', 10, 11);
    await stage.enqueue('mail_b', 20, 21);
    const engine = await stage.start([pool({ limit: 1 }, 'mail_*')]);
    await waitForWaits('blpop', 2);
    expect((await waitForBegun(2)).sort()).toEqual(['10', '20']);
    const told = () => engine.all('queue.limited').map(({ queue, by }) => `${queue} ${by}`);
    expect(told().sort()).toEqual(['mail_a limit', 'mail_b limit']);
    stage.write('go-20');
    expect((await waitForBegun(3))[2]).toBe('21');
    expect(await stage.backlog('mail_a')).toEqual([11]);
    stage.write('go');
    await waitForProcessed(4);
    await engine.wait('queue.limited', 4);
    expect(told().slice(2).sort()).toEqual(['mail_a null', 'mail_b null']);
  });

  test('while a runner waits, it asks Redis nothing for its queue', async () => {
    stage.mayLeaveKeys('runner:free:mail');
    await stage.enqueue('mail', 0, 1);
    await stage.start([pool({ limit: 1 }), pool({}, 'busy', ':')]);
    await waitForWaits('blpop', 2);
    const asked = async () => /cmdstat_scard:calls=(\d+)/.exec(await stage.redis.info('commandstats'))?.[1];
    const before = await asked();
    await stage.enqueue('busy', ...Array.from({ length: 20 }, (_, arg) => arg));
    await waitForProcessed(20);
    expect(await asked()).toBe(before);
    stage.write('go');
    await waitForProcessed(22);
  });

  test('a job that arrives on an empty queue starts, and is never taken off it by a wait', async () => {
    stage.mayLeaveKeys('runner:free:mail');
    await start({ limit: 1 });
    await start({ limit: 1 });
    await waitForWaits('blmove', 2);
    await stage.enqueue('mail', 0);
    await waitForBegun(1);
    await stage.enqueue('mail', 1);
    await waitForWaits('blpop', 2);
    expect(await stage.backlog('mail')).toEqual([1]);
    stage.write('go');
    await waitForProcessed(2);
    expect(stage.lines('begun')).toEqual(['0', '1']);
  });

  test('a job that is killed and fails gives its share back', async () => {
    stage.mayLeaveKeys('runner:free:mail', 'failed', 'stat:failed');
    const engine = await stage.start([
      pool({ limit: 1, timeoutSeconds: 0.3 }, 'mail', `${noting}; sleep 30`),
    ]);
    await stage.enqueue('mail', 0, 1);
    await engine.wait('job.finished', 2);
    await waitForProcessed(2);
    expect(await shares()).toEqual([]);
  });

  test('a job that goes back to its queue gives its share back', async () => {
    stage.mayLeaveKeys('runner:free:mail', 'queue:mail', 'queues');
    const engine = await start({ limit: 1, interrupted: 'requeue' }, { shutdownTimeoutSeconds: 0 });
    await stage.enqueue('mail', 0, 1);
    await waitForBegun(1);
    await engine.stop('terminate');
    expect(await shares()).toEqual([]);
    expect(await stage.backlog('mail')).toEqual([0, 1]);
  });

  test("a dead runner's share comes back when it is recovered, and wakes a runner that waits for it", async () => {
    stage.mayLeaveKeys('runner:free:mail', 'failed', 'stat:failed', 'stat:processed');
    const worker = await leaveJob(0);
    await stage.enqueue('mail', 0);
    await start({ limit: 1 }, { machine: { clock: new MovableClock() } });
    await waitForWaits('blpop', 1);
    expect(await shares()).toEqual([worker]);
    await leaveJob(301_000);
    // It recovers the dead runner, and takes no mail.
    const other = await stage.start([pool({}, 'other')]);
    expect(other.all('peer.recovered')).toMatchObject([{ failed: 1 }]);
    await waitForBegun(1);
    expect(await shares()).not.toContain(worker);
    stage.write('go');
    await waitForProcessed(2);
  });

  test('a worker that others have removed has no share', async () => {
    // As when Ruby prunes a worker that it takes for dead. The second has a job of another queue now.
    const pruned = await leaveJob(0);
    await stage.redis.del(`resque:worker:${pruned}`);
    const other = await leaveJob(0, 'other');
    await stage.redis.sadd('resque:runner:running:mail', other);
    stage.mayLeaveKeys(
      ...['runners', 'workers', 'runner:running:other', `worker:${other}`, 'runner:free:mail'],
    );
    await start({ limit: 2 });
    await stage.enqueue('mail', 0, 1, 2);
    await waitForBegun(2);
    await waitForWaits('blpop', 1);
    expect(await shares()).toHaveLength(2);
    expect(await shares()).not.toContain(pruned);
    expect(await shares()).not.toContain(other);
    stage.write('go');
    await waitForProcessed(3);
  });

  test('a runner that was woken but found no job asks again after a while', async () => {
    stage.mayLeaveKeys('runner:free:mail', 'runners', 'workers');
    const clock = new MovableClock();
    const worker = await leaveJob(0);
    await stage.enqueue('mail', 0);
    await start({ limit: 1 }, { machine: { clock } });
    await waitForWaits('blpop', 1);
    // The share is free, but the runner that was told has died.
    await stage.redis.srem('resque:runner:running:mail', worker);
    await stage.redis.del(`resque:worker:${worker}`);
    clock.move(10_000);
    stage.write('go');
    await waitForProcessed(1);
  });

  test('a reload can add and remove it', async () => {
    stage.mayLeaveKeys('runner:free:mail');
    const engine = await start({});
    await stage.waitForIdle();
    const apply = (rest: Partial<PoolConfig>) => engine.engine.reconfigure(stage.config([pool(rest)]));
    apply({ limit: 1 });
    await stage.enqueue('mail', 0, 1, 2);
    await waitForBegun(1);
    await waitForWaits('blpop', 1);
    expect(stage.lines('begun')).toEqual(['0']);
    apply({});
    await waitForBegun(3);
    stage.write('go');
    await waitForProcessed(3);
    await stage.redis.del('resque:runner:running:mail');
  });

  test('a reload that allows more applies immediately, without a wait for the old limit', async () => {
    stage.mayLeaveKeys('runner:free:mail', 'runner:rate:mail');
    const clock = new MovableClock();
    const hourly = { rate: { intervalMs: 3_600_000, burst: 1, text: '' } };
    const engine = await start({ limit: 1 }, { machine: { clock } });
    const apply = (rest: Partial<PoolConfig>) => engine.engine.reconfigure(stage.config([pool(rest)]));
    await stage.enqueue('mail', 0, 1, 2, 3);
    await waitForWaits('blpop', 1);
    apply({ limit: 2 });
    await waitForBegun(2);
    await waitForWaits('blpop', 1);
    apply({ limit: 5, ...hourly });
    await waitForBegun(3);
    await waitForWaits('blpop', 0);
    apply({ limit: 5, ...rate(50) });
    await waitForBegun(4);
    stage.write('go');
    await waitForProcessed(4);
  });

  test('a reload that adds it counts the jobs that run', async () => {
    stage.mayLeaveKeys('runner:free:mail');
    const engine = await start({});
    await stage.enqueue('mail', 0, 1);
    await waitForBegun(2);
    engine.engine.reconfigure(stage.config([pool({ limit: 2 })]));
    await waitFor(async () => (await shares()).length === 2, { message: 'both have a share' });
    await stage.enqueue('mail', 2);
    await waitForWaits('blpop', 1);
    expect(stage.lines('begun')).toHaveLength(2);
    stage.write('go');
    await waitForProcessed(3);
    expect(await shares()).toEqual([]);
  });

  test("a queue's job comes first by its priority, although its wait ended while all slots were busy", async () => {
    stage.mayLeaveKeys('runner:free:mail_a', 'runner:free:mail_b');
    await stage.redis.sadd('resque:queues', 'mail_a', 'mail_b');
    await stage.start([pool({ limit: 5, concurrency: 2 }, 'mail_*')]);
    // The pattern is also the name of a queue.
    await waitForWaits('blmove', 3);
    await stage.enqueue('mail_b', 20);
    await waitForBegun(1);
    await waitForWaits('blmove', 3);
    await stage.enqueue('mail_b', 21, 22, 23);
    await waitForBegun(2);
    await stage.enqueue('mail_a', 10);
    stage.write('go-20');
    expect((await waitForBegun(3))[2]).toBe('10');
    stage.write('go');
    await waitForProcessed(5);
  });

  test('a runner that is woken and finds the queue empty wakes the next one, so that all know of it', async () => {
    stage.mayLeaveKeys('runner:free:mail');
    const machine = { clock: new MovableClock() };
    for (let count = 0; count < 3; count += 1) await start({ limit: 1 }, { machine });
    await stage.enqueue('mail', 0, 1);
    await waitForBegun(1);
    await waitForWaits('blpop', 3);
    await stage.redis.del('resque:queue:mail');
    stage.write('go');
    await waitForWaits('blmove', 3);
    await waitForProcessed(1);
  });

  test('a share that a runner may not use yet is known to the others', async () => {
    stage.mayLeaveKeys('runner:free:mail', 'runner:rate:mail', 'queue:mail', 'queues');
    const machine = { clock: new MovableClock() };
    const limits = { limit: 1, rate: { intervalMs: 3_600_000, burst: 1, text: '' } };
    for (let count = 0; count < 3; count += 1) await start(limits, { machine });
    await stage.enqueue('mail', 0, 1);
    await waitForBegun(1);
    await waitForWaits('blpop', 3);
    stage.write('go');
    await waitForProcessed(1);
    // Each of them waits for the time of the next job now.
    await waitForWaits('blpop', 0);
  });

  test('a share that nobody told of is used by as many runners as there are shares', async () => {
    stage.mayLeaveKeys('runner:free:mail', 'runners', 'workers', 'workers:heartbeat');
    const clock = new MovableClock();
    await leaveJob(0);
    await stage.redis.sadd('resque:runner:running:mail', 'gone.runner:2-0:mail');
    await stage.enqueue('mail', 0, 1);
    const worker = await leaveJob(0);
    await stage.redis.set(
      'resque:worker:gone.runner:2-0:mail',
      (await stage.redis.get(`resque:worker:${worker}`)) ?? '',
    );
    await start({ limit: 2, concurrency: 1 }, { machine: { clock } });
    await start({ limit: 2, concurrency: 1 }, { machine: { clock: new MovableClock() } });
    await waitForWaits('blpop', 2);
    // As when Ruby prunes workers.
    await stage.redis.del('resque:worker:gone.runner:2-0:mail', `resque:worker:${worker}`);
    clock.move(10_000);
    await waitForBegun(2);
    stage.write('go');
    await waitForProcessed(2);
  });

  test('a runner asks nothing for a queue at its limit while it runs jobs of another queue of its entry', async () => {
    stage.mayLeaveKeys('runner:free:mail_a', 'runner:free:mail_b');
    await stage.enqueue('mail_a', 10, 11);
    await stage.redis.sadd('resque:queues', 'mail_b');
    await stage.start([pool({ limit: 1, concurrency: 4 }, 'mail_*')]);
    await waitForBegun(1);
    await waitForWaits('blmove', 2);
    const asked = async () =>
      /cmdstat_smembers:calls=(\d+)/.exec(await stage.redis.info('commandstats'))?.[1];
    const before = await asked();
    for (let arg = 20; arg < 30; arg += 1) {
      stage.write(`go-${arg}`);
      await stage.enqueue('mail_b', arg);
      await waitForProcessed(arg - 19);
    }
    expect(await asked()).toBe(before);
    stage.write('go');
    await waitForProcessed(12);
  });

  test('names of queues are never mixed up', async () => {
    stage.mayLeaveKeys('runner:free:mail');
    await stage.start([pool({ limit: 1 }), pool({ delivery: 'at-least-once' }, 'limited mail')]);
    await waitForWaits('blmove', 2);
    await stage.enqueue('mail', 0);
    await stage.enqueue('limited mail', 1);
    stage.write('go');
    await waitForProcessed(2);
  });

  test('a key of another type pauses the queue and says which key it is', async () => {
    stage.mayLeaveKeys('runner:free:mail');
    const clock = new MovableClock();
    const engine = await start({ limit: 1 }, { machine: { clock } });
    await waitForWaits('blmove', 1);
    await stage.redis.set('resque:runner:running:mail', 'x');
    await stage.enqueue('mail', 0);
    const { pauses } = await engine.wait('queue.paused');
    expect(pauses[0]?.detail).toContain('resque:runner:running:mail');
    expect(await stage.backlog('mail')).toEqual([0]);
    await stage.redis.del('resque:runner:running:mail');
    stage.write('go');
    clock.move(5_000);
    await waitForProcessed(1);
  });

  test('--drain waits for the jobs that may not start yet', async () => {
    stage.mayLeaveKeys('runner:free:mail', 'runner:rate:mail');
    await stage.enqueue('mail', 0, 1, 2, 3);
    const engine = await stage.start([pool({ limit: 1, ...rate(20) }, 'mail', noting)], { drain: true });
    expect(await engine.engine.stopped).toMatchObject({ unwritten: 0 });
    expect(stage.lines('begun')).toEqual(['0', '1', '2', '3']);
  });
});

describe('"rate"', () => {
  async function redisMs(): Promise<number> {
    const [seconds, micros] = await stage.redis.time();
    return Number(seconds) * 1_000 + Number(micros) / 1_000;
  }

  test('no job of any runner starts early, and their order stays', async () => {
    stage.mayLeaveKeys('runner:rate:mail');
    await start(rate(25), {});
    await start(rate(25), {});
    stage.write('go');
    await waitForWaits('blmove', 2);
    const beginMs = await redisMs();
    await stage.enqueue('mail', 0, 1, 2, 3, 4, 5);
    await waitForProcessed(6);
    expect((await redisMs()) - beginMs).toBeGreaterThanOrEqual(5 * 40);
  });

  test('a burst starts at once, and the rest waits without a question', async () => {
    stage.mayLeaveKeys('runner:rate:mail', 'queue:mail', 'queues');
    const clock = new MovableClock();
    const setTimer = vi.spyOn(clock, 'after');
    await stage.enqueue('mail', 0, 1, 2, 3);
    await start({ rate: { intervalMs: 3_600_000, burst: 3, text: '' } }, { machine: { clock } });
    stage.write('go');
    await waitForProcessed(3);
    await waitFor(() => setTimer.mock.calls.some(([ms]) => ms > 3_500_000 && ms <= 3_600_000), {
      message: 'the engine waits for the time of the next job',
    });
    expect(await stage.backlog('mail')).toEqual([3]);
    expect(await stage.redis.pttl('resque:runner:rate:mail')).toBeGreaterThan(3 * 3_500_000);
  });

  test("a clock of Redis that was set back doesn't stop the queue", async () => {
    stage.mayLeaveKeys('runner:rate:mail');
    await stage.redis.set('resque:runner:rate:mail', String((await redisMs()) + 3_600_000));
    await start(rate(20));
    await stage.enqueue('mail', 0, 1);
    stage.write('go');
    await waitForProcessed(2);
  });

  test('a free share starts no job before its rate allows it', async () => {
    stage.mayLeaveKeys('runner:rate:mail', 'runner:free:mail', 'queue:mail', 'queues');
    const hourly = { rate: { intervalMs: 3_600_000, burst: 1, text: '' } };
    await stage.enqueue('mail', 0, 1);
    await start({ limit: 1, ...hourly });
    await waitForBegun(1);
    stage.write('go');
    await waitForProcessed(1);
    expect(await stage.backlog('mail')).toEqual([1]);
    expect(await shares()).toEqual([]);
  });
});

/** What a step writes, compared with what Resque writes. */
import { describe, expect, test } from 'vitest';
import type { OutcomeWrite } from '../../../src/resque/steps/step.ts';
import { useRedis } from '../../helpers/redis.ts';
import { assertSafeHeartbeat } from '../../helpers/resque-web.ts';
import { waitFor } from '../../helpers/wait-for.ts';
import { useClient } from '../client.ts';

const stage = useClient(useRedis());
const id = 'h.runner:1-0:mail';
const payload = Buffer.from('{"class":"A","args":[1]}');
const success: OutcomeWrite = { kind: 'success', worker: id };
const failure: OutcomeWrite = { kind: 'failure', worker: id, record: '{"error":"x"}' };

/** The worker runs a job, as a reservation leaves it. */
async function work(): Promise<void> {
  await stage.redis.rpush('resque:queue:mail', payload);
  await stage.takeStep({ reservations: [{ queues: ['mail'], workers: [id] }] });
}

/** Commands that write, by Resque's own names. */
async function written(outcome: OutcomeWrite): Promise<string[][]> {
  const commands = await stage.monitor(() => stage.takeStep({ outcomes: [outcome] }));
  return commands.filter(([name = '']) => /^(RPUSH|LPUSH|INCRBY|DEL|SET|SADD|HSET)$/i.test(name));
}

describe('a job that succeeded', () => {
  test('is written as Resque writes it, in its order', async () => {
    await work();
    expect(await written(success)).toEqual([
      ['DEL', `resque:worker:${id}`, `resque:worker:${id}:payload`, `resque:worker:${id}:retry`],
      ['INCRBY', 'resque:stat:processed', '1'],
      ['INCRBY', `resque:stat:processed:${id}`, '1'],
    ]);
  });

  test('leaves no failure', async () => {
    await work();
    await stage.takeStep({ outcomes: [success] });
    expect(await stage.redis.exists('resque:failed', 'resque:stat:failed')).toBe(0);
  });
});

test('a job that failed is written as Resque writes it, in its order, and counted as processed too', async () => {
  await work();
  expect(await written(failure)).toEqual([
    ['RPUSH', 'resque:failed', '{"error":"x"}'],
    ['INCRBY', 'resque:stat:failed', '1'],
    ['INCRBY', `resque:stat:failed:${id}`, '1'],
    ['DEL', `resque:worker:${id}`, `resque:worker:${id}:payload`, `resque:worker:${id}:retry`],
    ['INCRBY', 'resque:stat:processed', '1'],
    ['INCRBY', `resque:stat:processed:${id}`, '1'],
  ]);
});

test('failures are appended, so no index shifts under an open page', async () => {
  await stage.redis.rpush('resque:failed', 'older');
  await stage.takeStep({ outcomes: [failure, { ...failure, record: Buffer.from('newest') }] });
  expect(await stage.redis.lrange('resque:failed', 0, -1)).toEqual(['older', '{"error":"x"}', 'newest']);
});

test('a job that is put back is at the head of its queue and not counted', async () => {
  await work();
  await stage.redis.rpush('resque:queue:mail', 'next');
  await stage.takeStep({ outcomes: [{ kind: 'requeue', worker: id, queue: 'mail', payload }] });
  expect(await stage.redis.lrange('resque:queue:mail', 0, -1)).toEqual([payload.toString(), 'next']);
  expect(await stage.redis.keys('resque:stat:*')).toEqual([]);
  expect(await stage.redis.exists(`resque:worker:${id}`)).toBe(0);
});

test('jobs that come back unstarted are at the head of their queues, the last one first', async () => {
  await stage.redis.rpush('resque:queue:mail', 'c');
  const returns = ['b', 'a'].map((text) => ({ queue: 'mail', payload: Buffer.from(text) }));
  await stage.takeStep({ returns });
  expect(await stage.redis.lrange('resque:queue:mail', 0, -1)).toEqual(['a', 'b', 'c']);
});

test.each([
  ['that is put back', { outcomes: [{ kind: 'requeue', worker: id, queue: 'mail', payload }] }],
  ['that comes back unstarted', { returns: [{ queue: 'mail', payload }] }],
] as const)('a job %s names its queue again, which Redis may have lost', async (_, request) => {
  await work();
  await stage.redis.del('resque:queues');
  await stage.takeStep(request);
  expect(await stage.redis.smembers('resque:queues')).toEqual(['mail']);
  // A set that is no set costs no job.
  await stage.redis.set('resque:queues', 'no set');
  await stage.takeStep(request);
  expect(await stage.redis.llen('resque:queue:mail')).toBe(2);
});

test('a job from BLPOP is recorded, with its bytes beside the record if needed', async () => {
  const other = 'h.runner:1-1:mail';
  await stage.takeStep({
    begins: [
      { worker: id, record: '{"payload":{}}', payload: Buffer.from('\xff', 'latin1') },
      { worker: other, record: '{"payload":{"a":1}}', payload: null },
    ],
  });
  expect(await stage.redis.get(`resque:worker:${id}`)).toBe('{"payload":{}}');
  expect((await stage.redis.getBuffer(`resque:worker:${id}:payload`))?.toString('latin1')).toBe('\xff');
  expect(await stage.redis.get(`resque:worker:${other}`)).toBe('{"payload":{"a":1}}');
  expect(await stage.redis.exists(`resque:worker:${other}:payload`)).toBe(0);
  expect((await stage.redis.smembers('resque:workers')).sort()).toEqual([id, other]);
});

describe('a worker', () => {
  test('is registered with its first job as Resque registers it', async () => {
    await work();
    expect(await stage.redis.smembers('resque:workers')).toEqual([id]);
    expect(await stage.redis.get(`resque:worker:${id}:started`)).toMatch(
      /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d \+0000$/,
    );
    assertSafeHeartbeat(await stage.redis.hget('resque:workers:heartbeat', id));
  });

  test('is registered again if another client dropped it', async () => {
    await work();
    await stage.redis.srem('resque:workers', id);
    await stage.redis.del(`resque:worker:${id}:started`, `resque:worker:${id}`);
    await stage.redis.hdel('resque:workers:heartbeat', id);
    await work();
    expect(await stage.redis.smembers('resque:workers')).toEqual([id]);
    expect(await stage.redis.exists(`resque:worker:${id}:started`)).toBe(1);
    assertSafeHeartbeat(await stage.redis.hget('resque:workers:heartbeat', id));
  });

  test('keeps its start while it is registered', async () => {
    await work();
    await stage.redis.set(`resque:worker:${id}:started`, 'earlier');
    await work();
    expect(await stage.redis.get(`resque:worker:${id}:started`)).toBe('earlier');
  });
});

test('outcomes are written before jobs are taken, so one worker can do both in a step', async () => {
  await work();
  await stage.redis.rpush('resque:queue:mail', '{"class":"B"}');
  const reply = await stage.takeStep({
    outcomes: [success],
    reservations: [{ queues: ['mail'], workers: [id] }],
  });
  expect(reply.jobs.map((job) => job.payload.toString())).toEqual(['{"class":"B"}']);
  expect(await stage.redis.get(`resque:worker:${id}`)).toContain('"payload":{"class":"B"}');
});

test('a step is one round trip', async () => {
  await work();
  const commands = await stage.monitor(() => stage.takeStep({ outcomes: [success] }));
  expect(commands.filter(([name = '']) => /^EVAL/i.test(name)).map(([name]) => name)).toEqual(['EVALSHA']);
});

test('if Redis has forgotten the script, the step happens on the next connection', async () => {
  await work();
  await stage.redis.script('FLUSH');
  const step = { outcomes: [success] };
  await expect(stage.takeStep(step)).rejects.toMatchObject({ kind: 'away' });
  await waitFor(() => stage.client.session.isUp, { message: 'the session is up again' });
  await stage.repeat(step);
  expect(await stage.redis.get('resque:stat:processed')).toBe('1');
});

/** Steps whose reply was lost: Redis has done them or not, and sending them again puts right either. */
import { expect, test } from 'vitest';
import type { OutcomeWrite, StepRequest } from '../../../src/resque/steps/step.ts';
import { useRedis } from '../../helpers/redis.ts';
import { useClient } from '../client.ts';

const stage = useClient(useRedis());
const id = 'h.runner:1-0:mail';
const text = '{"class":"A","args":[1]}';
const payload = Buffer.from(text);
const reservations = [{ queues: ['mail', 'other'], workers: [id] }];

const success: OutcomeWrite = { kind: 'success', worker: id };
const failure: OutcomeWrite = { kind: 'failure', worker: id, record: '{"n":1}' };
const requeue: OutcomeWrite = { kind: 'requeue', worker: id, queue: 'mail', payload };

/** The step before, sent once more as the dispatcher does: it takes nothing new. */
const repeat = (request: Partial<StepRequest>) => stage.repeat({ ...request, begins: [], reservations: [] });

async function work(): Promise<void> {
  await stage.redis.rpush('resque:queue:mail', payload);
  await stage.takeStep({ reservations });
}

test.each<[string, Partial<StepRequest>]>([
  ['a success', { outcomes: [success] }],
  ['a failure', { outcomes: [failure] }],
  ['a job that was put back', { outcomes: [requeue] }],
  ['a job that came back unstarted', { returns: [{ queue: 'mail', payload }] }],
  ['all of it', { outcomes: [success, failure, requeue], returns: [{ queue: 'mail', payload }] }],
])('%s that Redis already has is not written again', async (_, step) => {
  await work();
  await stage.takeStep(step);
  const before = await stage.dump();
  await repeat(step);
  expect(await stage.dump()).toEqual(before);
});

test.each<[string, OutcomeWrite, number, number]>([
  ['a success', success, 0, 0],
  ['a failure', failure, 1, 0],
  ['a job to be put back', requeue, 0, 1],
])('%s that never reached Redis is written', async (_, outcome, failures, waiting) => {
  await work();
  await stage.loseStep();
  await repeat({ outcomes: [outcome] });
  expect(await stage.redis.llen('resque:failed')).toBe(failures);
  expect(await stage.redis.llen('resque:queue:mail')).toBe(waiting);
  expect(await stage.redis.exists(`resque:worker:${id}`)).toBe(0);
});

test('a repeated outcome leaves the record of the next job alone', async () => {
  await work();
  await stage.redis.rpush('resque:queue:other', '{"class":"Other"}');
  const step = { outcomes: [requeue], reservations: [{ queues: ['other'], workers: [id] }] };
  await stage.takeStep(step);
  await repeat(step);
  expect(await stage.redis.lrange('resque:queue:mail', 0, -1)).toEqual([text]);
  expect(await stage.redis.get(`resque:worker:${id}`)).toContain('{"class":"Other"}');
});

test('a step that arrives after its repetition takes no job and writes nothing', async () => {
  await work();
  await stage.loseStep();
  const step = { outcomes: [failure], reservations };
  await repeat(step);
  await stage.redis.rpush('resque:queue:mail', payload);
  const before = await stage.dump();
  expect((await stage.repeat(step)).jobs).toEqual([]);
  expect(await stage.dump()).toEqual(before);
});

test.each<[string, string, Partial<StepRequest>]>([
  ['failures go', 'resque:failed', { outcomes: [success, failure] }],
  ['the job goes back', 'resque:queue:mail', { outcomes: [success, requeue] }],
  [
    'the job is returned',
    'resque:queue:mail',
    { outcomes: [success], returns: [{ queue: 'mail', payload }] },
  ],
])('a step is refused as a whole if the key that %s to is not a list', async (_, key, step) => {
  await work();
  await stage.redis.set(key, 'not a list');
  const before = await stage.dump();
  await expect(stage.takeStep(step)).rejects.toThrow(/WRONGTYPE.*is a string, not a list/);
  expect(await stage.dump()).toEqual(before);
  await stage.redis.del(key);
  await stage.repeat(step);
  expect(await stage.redis.get('resque:stat:processed')).toMatch(/^[12]$/);
});

test('keys of plugins are deleted once: by then, another job may have set them again', async () => {
  const own = ['resque:lock:a', 'resque:lock:b c', 'resque:lock:d'];
  await work();
  for (const key of own) await stage.redis.set(key, '1');
  const step = {
    starts: [{ worker: id, takenIn: 1, pluginKeys: 'lock:a\0lock:b c' }],
    outcomes: [{ ...success, pluginKeys: 'lock:d' }],
  };
  await stage.takeStep(step);
  expect(await stage.redis.exists(...own)).toBe(0);
  for (const key of own) await stage.redis.set(key, '2');
  await repeat(step);
  expect(await stage.redis.exists(...own)).toBe(3);
});

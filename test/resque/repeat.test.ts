/** Steps whose reply was lost: Redis has done them or not, and a repetition puts right either. */
import { expect, test } from 'vitest';
import type { AdvanceBatch, OutcomeWrite } from '../../src/resque/advance.ts';
import { useRedis } from '../helpers/redis.ts';
import { useClient } from './client.ts';

const stage = useClient(useRedis());
const id = 'h.runner:1-0:mail';
const text = '{"class":"A","args":[1]}';
const payload = Buffer.from(text);
const reservations = [{ queues: ['mail', 'other'], workers: [id] }];

const success = (ordinal: number): OutcomeWrite => ({ kind: 'success', worker: id, ordinal });
const failure = (ordinal: number): OutcomeWrite => ({
  kind: 'failure',
  worker: id,
  ordinal,
  record: `{"n":${ordinal}}`,
});
const requeue: OutcomeWrite = { kind: 'requeue', worker: id, ordinal: 0, queue: 'mail', payload };

/** What is done with a step without a reply: its outcomes are sent once more. */
const repeat = (batch: Partial<AdvanceBatch>) =>
  stage.advance({ ...batch, begins: [], reservations: [], isRepeat: true });

async function work(): Promise<void> {
  await stage.redis.rpush('resque:queue:mail', payload);
  await stage.advance({ reservations });
}

test.each([
  ['a success', success],
  ['a failure', failure],
])('%s that Redis has already is not counted again', async (_, outcome) => {
  await work();
  await stage.advance({ outcomes: [outcome(1)] });
  const before = await stage.dump();
  await repeat({ outcomes: [outcome(1)] });
  expect(await stage.dump()).toEqual(before);
});

test.each([
  ['a success', success, 0],
  ['a failure', failure, 1],
])('%s that never reached Redis is written', async (_, outcome, failures) => {
  await work();
  await repeat({ outcomes: [outcome(1)] });
  expect(await stage.redis.get(`resque:stat:processed:${id}`)).toBe('1');
  expect(await stage.redis.llen('resque:failed')).toBe(failures);
  expect(await stage.redis.exists(`resque:worker:${id}`)).toBe(0);
});

test('of several outcomes only those that Redis has not got are written', async () => {
  await stage.advance({ outcomes: [failure(1), failure(2)] });
  await repeat({ outcomes: [failure(1), failure(2), failure(3), success(4)] });
  expect(await stage.redis.lrange('resque:failed', 0, -1)).toEqual(['{"n":1}', '{"n":2}', '{"n":3}']);
  expect(await stage.redis.get('resque:stat:processed')).toBe('4');
  expect(await stage.redis.get('resque:stat:failed')).toBe('3');
});

test('a job that took the place of the one whose outcome is repeated stays on record', async () => {
  await work();
  await stage.redis.rpush('resque:queue:mail', '{"class":"Next"}');
  await stage.advance({ outcomes: [success(1)], reservations });
  await repeat({ outcomes: [success(1)] });
  expect(await stage.redis.get(`resque:worker:${id}`)).toContain('{"class":"Next"}');
});

test('a job that was put back already is not put back again', async () => {
  await work();
  await stage.advance({ outcomes: [requeue] });
  await repeat({ outcomes: [requeue] });
  expect(await stage.redis.lrange('resque:queue:mail', 0, -1)).toEqual([text]);
});

test('a job whose return never reached Redis is put back', async () => {
  await work();
  await repeat({ outcomes: [requeue] });
  expect(await stage.redis.lrange('resque:queue:mail', 0, -1)).toEqual([text]);
  expect(await stage.redis.exists(`resque:worker:${id}`)).toBe(0);
});

test('a job is put back once where its worker took another one in the same step', async () => {
  await work();
  await stage.redis.rpush('resque:queue:other', '{"class":"Other"}');
  const step = { outcomes: [requeue], reservations: [{ queues: ['other'], workers: [id] }] };
  await stage.advance(step);
  await repeat(step);
  expect(await stage.redis.lrange('resque:queue:mail', 0, -1)).toEqual([text]);
  expect(await stage.redis.get(`resque:worker:${id}`)).toContain('{"class":"Other"}');
});

test('a job that came back unstarted is pushed once', async () => {
  const step = { returns: [{ queue: 'mail', payload }] };
  await stage.advance(step);
  await repeat(step);
  expect(await stage.redis.lrange('resque:queue:mail', 0, -1)).toEqual([text]);
});

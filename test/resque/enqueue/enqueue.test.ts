/** The steps of an enqueue: what Redis makes of them, however often each of them comes, and in whatever order. */
import { describe, expect, test } from 'vitest';
import {
  Enqueue,
  EnqueueRefused,
  type EnqueueSender,
  progressLifeSeconds,
  type QueueLock,
} from '../../../src/resque/enqueue/enqueue.ts';
import { resqueKeys } from '../../../src/resque/format/keys.ts';
import { useRedis } from '../../helpers/redis.ts';

const redis = useRedis();
const keys = resqueKeys('resque');

/** Each command reaches Redis that often, as after replies that were lost. */
let times = 1;
/** Commands that are on their way for long: they reach Redis when they are called. */
let late: (() => Promise<unknown>)[] = [];

const sender: EnqueueSender = {
  async command<T>(send: (commands: typeof redis.client) => Promise<T>): Promise<T> {
    for (let more = times; more > 1; more -= 1) await send(redis.client);
    late.push(() => send(redis.client));
    return await send(redis.client);
  },
  once: (send) => send(redis.client),
} as EnqueueSender;

function enqueueTo({
  queue = 'mail',
  atHead = false,
  id = null as string | null,
  lock = null as QueueLock | null,
} = {}): Enqueue {
  times = 1;
  late = [];
  return new Enqueue(sender, keys, { queue, atHead, id, lock, delay: null });
}

function step(...payloads: string[]) {
  const cursor = `behind ${payloads.at(-1)}`;
  return { payloads: Buffer.from(payloads.join('\n')), times: 1, jobs: payloads.length, cursor };
}

function jobs(queue = 'mail'): Promise<string[]> {
  return redis.client.lrange(keys.queue(queue), 0, -1);
}

async function refusal(of: Promise<unknown>): Promise<readonly string[]> {
  const error: unknown = await of.then(
    () => null,
    (reason: unknown) => reason,
  );
  if (!(error instanceof EnqueueRefused)) throw new Error(`not refused: ${String(error)}`);
  return [error.kind, ...error.details];
}

describe('a step', () => {
  test('enqueues its jobs in order, adds the queue, and updates the progress', async () => {
    const enqueue = enqueueTo();
    await enqueue.begin('the start');
    expect(await redis.client.exists(keys.queues)).toBe(0);
    await enqueue.add(step('a', 'b'));
    await enqueue.add(step('c'));
    expect(await jobs()).toEqual(['a', 'b', 'c']);
    expect(await redis.client.smembers(keys.queues)).toEqual(['mail']);
    expect({ jobs: enqueue.jobs, waiting: enqueue.waiting }).toEqual({ jobs: 3, waiting: 3 });
    expect(await redis.client.hgetall(keys.enqueueProgress(enqueue.id))).toMatchObject({
      step: '2',
      queue: 'mail',
      jobs: '3',
      place: 'behind c',
    });
    expect(await redis.client.ttl(keys.enqueueProgress(enqueue.id))).toBeGreaterThan(
      progressLifeSeconds - 60,
    );
    await enqueue.end();
    expect(await redis.client.exists(keys.enqueueProgress(enqueue.id))).toBe(0);
  });

  test('at the head puts each job before earlier ones', async () => {
    const enqueue = enqueueTo({ atHead: true });
    await enqueue.begin('');
    await enqueue.add(step('a', 'b'));
    expect(await jobs()).toEqual(['b', 'a']);
  });

  test('enqueues a job any number of times, and of any size', async () => {
    const enqueue = enqueueTo();
    await enqueue.begin('');
    const long = 'x'.repeat(8_000_000);
    await enqueue.add({ ...step(long), times: 2, jobs: 2 });
    await enqueue.add({ ...step('a'), times: 2_500, jobs: 2_500 });
    const all = await jobs();
    expect(all.slice(0, 2).every((job) => job === long)).toBe(true);
    expect(all.slice(2)).toEqual(Array.from({ length: 2_500 }, () => 'a'));
  });

  test('is carried out once, however often it is sent', async () => {
    const enqueue = enqueueTo();
    times = 3;
    await enqueue.begin('');
    for (const name of ['a', 'b', 'c']) await enqueue.add(step(name));
    expect(await jobs()).toEqual(['a', 'b', 'c']);
    expect(enqueue.waiting).toBe(3);
  });

  test('that takes a lock is not refused by its own lock, and the next enqueue is', async () => {
    const lock = { name: 'lock:a', seconds: 60 };
    const enqueue = enqueueTo({ lock });
    times = 3;
    await enqueue.begin('');
    await enqueue.add(step('a'));
    const next = enqueueTo({ lock });
    await next.begin('');
    expect(await refusal(next.add(step('a')))).toEqual(['locked', await redis.client.get('resque:lock:a')]);
    expect(await jobs()).toEqual(['a']);
  });

  test('that arrives again after later ones, or after the end, changes nothing', async () => {
    const enqueue = enqueueTo();
    await enqueue.begin('');
    await enqueue.add(step('a'));
    await enqueue.add(step('b'));
    for (const send of late) await send();
    await enqueue.add(step('c'));
    const mark = await redis.client.hgetall(keys.enqueueProgress(enqueue.id));
    for (const send of late) await send();
    expect(await redis.client.hgetall(keys.enqueueProgress(enqueue.id))).toEqual(mark);
    await enqueue.end();
    for (const send of late.slice(1)) await send();
    expect(await jobs()).toEqual(['a', 'b', 'c']);
    expect(await redis.client.exists(keys.enqueueProgress(enqueue.id))).toBe(0);
  });

  test('succeeds even if Redis has forgotten the scripts', async () => {
    const enqueue = enqueueTo();
    await enqueue.begin('');
    await redis.client.script('FLUSH');
    await enqueue.add(step('a'));
    expect(await jobs()).toEqual(['a']);
  });
});

describe('an enqueue that is resumed', () => {
  test('continues after the last step that was carried out, with or without a reply', async () => {
    const first = enqueueTo();
    await first.begin('the start');
    await first.add(step('a', 'b'));
    const second = enqueueTo({ id: first.id });
    expect(await second.resume()).toEqual({ jobs: 2, cursor: 'behind b' });
    await second.add(step('c'));
    expect(await jobs()).toEqual(['a', 'b', 'c']);
    expect(second.jobs).toBe(3);
  });

  test('refuses steps of the earlier process', async () => {
    const first = enqueueTo();
    await first.begin('');
    await first.add(step('a'));
    const second = enqueueTo({ id: first.id });
    await second.resume();
    expect(await refusal(first.add(step('b')))).toEqual(['overtaken']);
    await second.add(step('c'));
    expect(await jobs()).toEqual(['a', 'c']);
  });

  test('must be for the same queue, and known to Redis', async () => {
    const first = enqueueTo();
    await first.begin('');
    expect(await refusal(enqueueTo({ id: first.id, queue: 'other' }).resume())).toEqual(['foreign', 'mail']);
    expect(await refusal(enqueueTo({ id: '01234567' }).resume())).toEqual(['unknown']);
    const again = enqueueTo({ id: first.id });
    expect(await refusal(again.begin(''))).toEqual(['taken']);
  });
});

describe('Redis', () => {
  test('that has lost its data gets no step that leaves a gap', async () => {
    const enqueue = enqueueTo();
    await enqueue.begin('');
    await enqueue.add(step('a'));
    const mark = await redis.client.hgetall(keys.enqueueProgress(enqueue.id));
    await redis.client.flushall();
    expect(await refusal(enqueue.add(step('b')))).toEqual(['forgotten']);
    // As a replica that had not got all of it.
    await redis.client.hset(keys.enqueueProgress(enqueue.id), { ...mark, step: 0 });
    expect(await refusal(enqueue.add(step('b')))).toEqual(['forgotten']);
    expect(await jobs()).toEqual([]);
  });

  test.each([
    ['queue', keys.queue('mail'), 'list'],
    ['set of queues', keys.queues, 'set'],
  ])('with a wrong type of %s is left alone', async (_, key, type) => {
    const enqueue = enqueueTo();
    await redis.client.set(key, 'text');
    expect(await refusal(enqueue.begin(''))).toEqual(['mistyped', key, 'string', type]);
    expect(await redis.client.keys('*')).toEqual([key]);
    await redis.client.del(key);
    await enqueue.begin('');
    await redis.client.set(key, 'text');
    expect(await refusal(enqueue.add(step('a')))).toEqual(['mistyped', key, 'string', type]);
    await redis.client.del(key);
    await enqueue.add(step('a'));
    expect(await jobs()).toEqual(['a']);
  });

  test('without memory takes the whole step later, or nothing', async () => {
    const enqueue = enqueueTo();
    await enqueue.begin('');
    await redis.client.config('SET', 'maxmemory', '1');
    try {
      await expect(enqueue.add(step('a', 'b'))).rejects.toThrow('OOM');
      expect(await redis.client.exists(keys.queue('mail'), keys.queues)).toBe(0);
    } finally {
      await redis.client.config('SET', 'maxmemory', '0');
    }
    await enqueue.add(step('a', 'b'));
    expect(await jobs()).toEqual(['a', 'b']);
  });
});

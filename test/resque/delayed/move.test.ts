/** Moving due jobs to their queues, whatever is there. */
import { describe, expect, test } from 'vitest';
import { DueJobs, type MoveReply } from '../../../src/resque/delayed/move.ts';
import {
  leaderLock,
  masterLock,
  nodeItem,
  past,
  rubyItem,
  schedule,
  undeliverable,
  useDelayedStage,
} from './stage.ts';

const stage = useDelayedStage();
const respectful = { lockPrefix: '', holdsLocks: false };
const due = (options = respectful) => new DueJobs(stage.client.session, stage.client.keys, options);
const move = (name = 'us:1') => due().move(name);

/** Moves until nothing is due. @returns the moves */
async function moveAll(mover = due()): Promise<Extract<MoveReply, { kind: 'moved' }>[]> {
  const moves: Extract<MoveReply, { kind: 'moved' }>[] = [];
  for (;;) {
    const reply = await mover.move('us:1');
    if (reply.kind !== 'moved') throw new Error(`it is ${reply.kind}`);
    moves.push(reply);
    if (!reply.hasMore) return moves;
  }
}

describe('a move', () => {
  test('brings due jobs to their queues in order, byte for byte, and leaves no key', async () => {
    const items = [
      rubyItem('mail', 1, 'é'),
      nodeItem('low', 2),
      '{"queue": "mail", "class": "m.C", "args": [1.0]}',
    ];
    await stage.delay(past + 1, rubyItem('mail', 'later'));
    await stage.delay(past, ...items);
    expect(await move()).toEqual({
      kind: 'moved',
      jobs: 4,
      undeliverable: 0,
      hasMore: false,
      nowMs: expect.closeTo(Date.now(), -5),
      nextInMs: null,
    });
    expect(await stage.queued('mail')).toEqual([items[0], items[2], rubyItem('mail', 'later')]);
    expect(await stage.queued('low')).toEqual([items[1]]);
    expect((await stage.redis.smembers('resque:queues')).toSorted()).toEqual(['low', 'mail']);
    expect(await stage.delayedKeys()).toEqual([]);
  });

  test('leaves jobs alone until their second has begun, and says how long that is', async () => {
    const now = await stage.redisNow();
    await stage.delay(now + 5, rubyItem('mail', 1));
    const reply = await move();
    expect(reply).toMatchObject({ kind: 'moved', jobs: 0, hasMore: false });
    const { nextInMs } = reply as Extract<MoveReply, { kind: 'moved' }>;
    expect(nextInMs).toBeGreaterThan(3_000);
    expect(nextInMs).toBeLessThanOrEqual(5_000);
    expect(await stage.queued('mail')).toEqual([]);
  });

  test('takes a limited number of jobs, and says that more are due', async () => {
    const items = Array.from({ length: 601 }, (_, at) => rubyItem(`q${at % 3}`, at));
    await stage.delay(past, ...items.slice(0, 500));
    await stage.delay(past + 1, ...items.slice(500));
    const moves = await moveAll();
    expect(moves.map(({ jobs }) => jobs)).toEqual([250, 250, 101]);
    expect(await stage.queued('q0')).toEqual(items.filter((_, at) => at % 3 === 0));
    expect(await stage.queued('q2')).toEqual(items.filter((_, at) => at % 3 === 2));
    expect(await stage.delayedKeys()).toEqual([]);
  });

  test('takes fewer jobs if they are large', async () => {
    const items = Array.from({ length: 20 }, (_, at) => rubyItem('mail', at, 'x'.repeat(300_000)));
    await stage.delay(past, ...items);
    const moves = await moveAll();
    expect(moves.length).toBeGreaterThan(3);
    expect(await stage.queued('mail')).toEqual(items);
  });

  test('removes one of two times of the same job from its set', async () => {
    const item = rubyItem('mail', 1);
    const later = (await stage.redisNow()) + 1_000;
    await stage.delay(past, item, item);
    await stage.delay(later, item);
    await move();
    expect(await stage.queued('mail')).toEqual([item, item]);
    expect(await stage.redis.smembers(`resque:timestamps:${item}`)).toEqual([`delayed:${later}`]);
  });

  test('asks Redis nothing else, and writes nothing if nothing is due', async () => {
    await stage.delay((await stage.redisNow()) + 100, rubyItem('mail', 1));
    await move();
    const keys = (await stage.redis.keys('*')).toSorted();
    await move();
    expect((await stage.redis.keys('*')).toSorted()).toEqual(keys);
    expect(keys.filter((key) => key.includes('lock') || key.endsWith('mover'))).toEqual([]);
  });
});

describe('nothing is lost, and nothing holds up the rest:', () => {
  const good = rubyItem('mail', 'good');
  const lost = () => stage.redis.lrange(undeliverable, 0, -1);

  test.each([
    ['is not JSON', 'not JSON at all'],
    ['is empty', ''],
    ['is not UTF-8', Buffer.from([0xff, 0x00, 0xfe])],
    ['is JSON of another type', '[1]'],
    ['has no queue', '{"class":"C","args":[]}'],
    ['has a queue that is not a string', '{"class":"C","args":[],"queue":5}'],
    ['has an empty queue', '{"class":"C","args":[],"queue":""}'],
    ['is nested too deeply', `{"queue":"mail","args":${'['.repeat(2_000)}${']'.repeat(2_000)}}`],
  ])('a job that %s is kept as it is', async (_, item) => {
    await stage.delay(past, item, good);
    expect(await move()).toMatchObject({ jobs: 1, undeliverable: 1 });
    expect(await stage.queued('mail')).toEqual([good]);
    expect(await stage.redis.lrangeBuffer(undeliverable, 0, -1)).toEqual([Buffer.from(item)]);
    expect(await stage.delayedKeys()).toEqual([]);
  });

  test('large jobs reach the queue that JSON names, wherever it stands', async () => {
    const filling = 'x'.repeat(100_000);
    const items = [
      rubyItem('mail', filling),
      nodeItem('mail', filling),
      nodeItem('mail', `${filling},"queue":"other"}`),
      `{"queue":"mail","args":["${filling}"],"class":"C"}`,
      `{"class":"C","args":["${filling}",{"queue":"other"}],"queue" : "mail"}`,
    ];
    await stage.delay(past, ...items, `{"class":"C","args":["${filling}"]}`);
    expect(await move()).toMatchObject({ jobs: items.length, undeliverable: 1 });
    expect(await stage.queued('mail')).toEqual(items);
  });

  test('jobs that only Redis cannot parse reach their queue', async () => {
    const deep = `${'['.repeat(1_500)}${']'.repeat(1_500)}`;
    const items = [
      rubyItem('mail', 'half a pair: \ud800'),
      nodeItem('mail', 'half a pair: \ud800'),
      `{"class":"C","args":${deep},"queue":"mail"}`,
      `{"class":"C","queue":"mail","args":${deep}}`,
    ];
    await stage.delay(past, ...items);
    expect(await move()).toMatchObject({ jobs: items.length, undeliverable: 0 });
    expect(await stage.queued('mail')).toEqual(items);
  });

  test('a queue may have blanks and any other characters', async () => {
    const names = ['a queue with spaces', 'é:*?[x]', 'tab\tline\nend', '"quoted"\\'];
    await stage.delay(past, ...names.map((name) => rubyItem(name, 1)));
    expect(await move()).toMatchObject({ jobs: names.length, undeliverable: 0 });
    for (const name of names) expect(await stage.queued(name)).toEqual([rubyItem(name, 1)]);
  });

  test('a job is kept if the key of its queue is a set', async () => {
    await stage.redis.sadd('resque:queue:bad', 'member');
    await stage.delay(past, rubyItem('bad', 1), good);
    expect(await move()).toMatchObject({ jobs: 1, undeliverable: 1 });
    expect(await lost()).toEqual([rubyItem('bad', 1)]);
    expect(await stage.redis.smembers('resque:queue:bad')).toEqual(['member']);
  });

  test.each(['set', 'hash', 'string'])('a time whose key is a %s is put aside', async (type) => {
    if (type === 'set') await stage.redis.sadd(`resque:delayed:${past}`, 'x');
    if (type === 'hash') await stage.redis.hset(`resque:delayed:${past}`, 'x', 'y');
    if (type === 'string') await stage.redis.set(`resque:delayed:${past}`, 'x');
    await stage.redis.zadd(schedule, past, String(past));
    await stage.delay(past + 1, good);
    expect(await move()).toMatchObject({ jobs: 1, undeliverable: 1 });
    expect(JSON.parse((await lost())[0] ?? '')).toEqual({ member: String(past), score: String(past), type });
    expect(await stage.redis.type(`resque:delayed:${past}`)).toBe(type);
    expect(await stage.redis.zcard(schedule)).toBe(0);
  });

  test('a time that is not a number is put aside, but its jobs are moved', async () => {
    await stage.redis.zadd(schedule, past, 'soon', '-inf', 'never', past, '1.5e9');
    await stage.redis.rpush('resque:delayed:1.5e9', rubyItem('mail', 'odd'));
    await stage.delay(past + 1, good);
    expect(await move()).toMatchObject({ jobs: 2, undeliverable: 2 });
    expect(await stage.queued('mail')).toEqual([rubyItem('mail', 'odd'), good]);
    expect((await lost()).map((text) => JSON.parse(text).member)).toEqual(['never', 'soon']);
    expect(await stage.redis.zcard(schedule)).toBe(0);
  });

  test('a time without jobs, as a crash of Ruby leaves it, just goes', async () => {
    await stage.redis.zadd(schedule, past, String(past));
    await stage.delay(past + 1, good);
    expect(await move()).toMatchObject({ jobs: 1, undeliverable: 0 });
    expect(await stage.redis.zcard(schedule)).toBe(0);
  });

  test('a time of infinity waits', async () => {
    await stage.redis.zadd(schedule, '+inf', 'inf');
    const reply = await move();
    expect(reply).toMatchObject({ jobs: 0, hasMore: false });
    expect(await stage.redis.zcard(schedule)).toBe(1);
  });

  test('sets of times and of queues with another type cost no job', async () => {
    await stage.delay(past, good);
    await stage.redis.del(`resque:timestamps:${good}`, 'resque:queues');
    await stage.redis.set(`resque:timestamps:${good}`, 'x');
    await stage.redis.set('resque:queues', 'x');
    expect(await move()).toMatchObject({ jobs: 1 });
    expect(await stage.queued('mail')).toEqual([good]);
  });

  test.each([
    [schedule, 'a schedule'],
    [undeliverable, 'a list of undeliverable jobs'],
  ])('%s of another type is an error, and nothing happens', async (key) => {
    await stage.delay(past, good, 'not JSON');
    await stage.redis.del(key);
    await stage.redis.set(key, 'x');
    if (key === undeliverable) {
      await expect(move()).rejects.toThrow(`WRONGTYPE ${key} is a string, not a list`);
    } else {
      await expect(move()).rejects.toThrow(`WRONGTYPE ${key} is a string, not a zset`);
    }
    expect(await stage.redis.llen(`resque:delayed:${past}`)).toBe(2);
  });

  test('a Redis without memory refuses the whole move', async () => {
    await stage.delay(past, good, good);
    await stage.redis.config('SET', 'maxmemory', '1');
    try {
      await expect(move()).rejects.toThrow(/OOM/);
    } finally {
      await stage.redis.config('SET', 'maxmemory', '0');
    }
    expect(await stage.redis.llen(`resque:delayed:${past}`)).toBe(2);
    expect(await stage.queued('mail')).toEqual([]);
  });

  test.each(['rpush', 'srem', 'zrem', 'ltrim', 'set'])(
    'a user who may not %s moves nothing',
    async (command) => {
      await stage.delay(past, good);
      await stage.redis.acl('SETUSER', 'default', `-${command}`);
      try {
        await expect(move()).rejects.toThrow(new RegExp(`may not run ${command}`, 'i'));
      } finally {
        await stage.redis.acl('SETUSER', 'default', '+@all');
      }
      expect(await stage.redis.llen(`resque:delayed:${past}`)).toBe(1);
      expect(await stage.queued('mail')).toEqual([]);
      expect(await move()).toMatchObject({ jobs: 1 });
    },
  );
});

describe('the locks of other schedulers', () => {
  const holding = { lockPrefix: '', holdsLocks: true };
  const names = async () => [await stage.redis.get(masterLock), await stage.redis.get(leaderLock)];

  test.each([
    ['resque-scheduler', masterLock],
    ['node-resque', leaderLock],
  ])('nothing moves while %s holds its lock, and neither lock is taken', async (_, lock) => {
    await stage.delay(past, rubyItem('mail', 1));
    await stage.redis.set(lock, 'web1:12', 'EX', 180);
    for (const options of [respectful, holding]) {
      expect(await due(options).move('us:1')).toMatchObject({ kind: 'held', holder: 'web1:12' });
    }
    expect((await names()).filter((name) => name === 'us:1')).toEqual([]);
    expect(await stage.queued('mail')).toEqual([]);
  });

  test("a prefix is part of the name of resque-scheduler's lock", async () => {
    await stage.redis.set('resque:resque:blue:resque_scheduler_master_lock', 'web1:12');
    const blue = { lockPrefix: 'blue', holdsLocks: false };
    expect(await due(blue).move('us:1')).toMatchObject({ kind: 'held', holder: 'web1:12' });
    expect(await due(respectful).move('us:1')).toMatchObject({ kind: 'moved' });
  });

  test('both are taken, kept and given back', async () => {
    const mover = due(holding);
    await mover.move('us:1');
    expect(await names()).toEqual(['us:1', 'us:1']);
    expect(await stage.redis.ttl(masterLock)).toBeGreaterThan(50);
    await stage.redis.expire(masterLock, 30);
    await stage.redis.expire(leaderLock, 50);
    await mover.move('us:1');
    expect(await stage.redis.ttl(masterLock)).toBeGreaterThan(50);
    expect(await stage.redis.ttl(leaderLock)).toBeLessThanOrEqual(50);
    await mover.release('us:1');
    expect(await names()).toEqual([null, null]);
  });

  test('they keep other runners from moving', async () => {
    await due(holding).move('us:1');
    expect(await due(respectful).move('us:2')).toMatchObject({ kind: 'held', holder: 'us:1' });
    expect(await due(holding).move('us:2')).toMatchObject({ kind: 'held', holder: 'us:1' });
  });

  test("a release leaves another process' lock", async () => {
    await stage.redis.set(masterLock, 'web1:12');
    await stage.redis.set(leaderLock, 'us:1');
    await due(holding).release('us:1');
    expect(await names()).toEqual(['web1:12', null]);
  });

  test('a lock of another type is an error that says so', async () => {
    await stage.redis.sadd(masterLock, 'x');
    await expect(move()).rejects.toThrow(`WRONGTYPE ${masterLock} is of the wrong type`);
  });
});

test('one runner at a time works through many due jobs', async () => {
  await stage.delay(past, ...Array.from({ length: 600 }, (_, at) => rubyItem('mail', at)));
  expect(await due().move('us:1')).toMatchObject({ kind: 'moved', hasMore: true });
  expect(await due().move('us:2')).toEqual({ kind: 'busy' });
  await moveAll();
  expect(await stage.redis.llen('resque:queue:mail')).toBe(600);
});

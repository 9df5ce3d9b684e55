/** `failedLimit`: each script that adds a failure also removes the oldest ones, and how many is known to the day. */
import { describe, expect, test } from 'vitest';
import { type RemovedOnDay, reportRemoved } from '../../../src/resque/failed/failed-limit.ts';
import { writeForgotten } from '../../../src/resque/steps/forgotten-steps.ts';
import { settleOwn } from '../../../src/resque/steps/own-jobs.ts';
import { Replay } from '../../../src/resque/steps/replay.ts';
import type { OutcomeWrite } from '../../../src/resque/steps/step.ts';
import { DeadRunners } from '../../../src/resque/workers/dead-runners.ts';
import { useRedis } from '../../helpers/redis.ts';
import { useClient } from '../client.ts';

const stage = useClient(useRedis());
const id = 'test.runner:1-0:mail';
const dayMs = 86_400_000;
const failure = (record: string): OutcomeWrite => ({ kind: 'failure', worker: id, record });

const failures = () => stage.redis.lrange('resque:failed', 0, -1);

async function removed(): Promise<number> {
  const counts = Object.values(await stage.redis.hgetall('resque:runner:failed-removed'));
  return counts.reduce((sum, count) => sum + Number(count), 0);
}

describe('a step', () => {
  test('that adds failures removes as many of the oldest, and says on which day', async () => {
    await stage.redis.rpush('resque:failed', 'a', 'b', 'c');
    stage.client.failedLimit = 4;
    await stage.takeStep({ outcomes: [failure('d')] });
    expect(await failures()).toEqual(['a', 'b', 'c', 'd']);
    expect(await stage.redis.exists('resque:runner:failed-removed')).toBe(0);
    await stage.takeStep({ outcomes: [failure('e'), failure('f')] });
    expect(await failures()).toEqual(['c', 'd', 'e', 'f']);
    const [seconds] = await stage.redis.time();
    const today = String(Math.floor(Number(seconds) / 86_400));
    expect(await stage.redis.hgetall('resque:runner:failed-removed')).toEqual({ [today]: '2' });
    // Failures count as ever.
    expect(await stage.redis.get('resque:stat:failed')).toBe('3');
  });

  test('that is repeated removes and counts nothing twice', async () => {
    await stage.redis.rpush('resque:failed', 'a');
    stage.client.failedLimit = 1;
    await stage.takeStep({ outcomes: [failure('b')] });
    await stage.repeat({ outcomes: [failure('b')] });
    expect(await failures()).toEqual(['b']);
    expect(await removed()).toBe(1);
  });

  test('with more failures than the limit keeps the last ones', async () => {
    stage.client.failedLimit = 2;
    await stage.takeStep({ outcomes: ['a', 'b', 'c', 'd', 'e'].map(failure) });
    expect(await failures()).toEqual(['d', 'e']);
    expect(await removed()).toBe(3);
  });

  test('shortens a list that is far too long little by little', async () => {
    const many = Array.from({ length: 60_000 }, (_, at) => String(at));
    await stage.redis.rpush('resque:failed', ...many);
    stage.client.failedLimit = 10;
    await stage.takeStep({ outcomes: [failure('x')] });
    expect(await stage.redis.llen('resque:failed')).toBe(10_001);
    await stage.takeStep({ outcomes: [failure('y')] });
    expect(await failures()).toEqual([...many.slice(-8), 'x', 'y']);
    expect(await removed()).toBe(59_992);
  });

  test('that adds no failure, or has no limit, asks Redis nothing more', async () => {
    await stage.redis.rpush('resque:failed', 'a', 'b', 'c');
    const names = async (outcomes: OutcomeWrite[]) => {
      const commands = await stage.monitor(() => stage.takeStep({ outcomes }));
      return commands.map(([name = '']) => name.toUpperCase());
    };
    const success: OutcomeWrite = { kind: 'success', worker: id };
    const plain = await names([success]);
    const failed = await names([failure('d')]);
    expect(failed).not.toContain('LTRIM');
    stage.client.failedLimit = 2;
    expect(await names([success])).toEqual(plain);
    stage.client.failedLimit = 100;
    expect(await names([failure('e')])).toEqual(failed);
    stage.client.failedLimit = 2;
    expect(await names([failure('f')])).toContain('LTRIM');
  });

  test('that Redis does not let shorten the list writes nothing, and names the command', async () => {
    await stage.redis.rpush('resque:failed', 'a');
    await stage.takeStep({});
    stage.client.failedLimit = 1;
    await stage.redis.acl('SETUSER', 'default', '-ltrim');
    try {
      const before = await stage.dump();
      await expect(stage.takeStep({ outcomes: [failure('b')] })).rejects.toThrow(
        /may not run LTRIM on resque:failed/,
      );
      expect(await stage.dump()).toEqual(before);
    } finally {
      await stage.redis.acl('SETUSER', 'default', '+ltrim');
    }
    await stage.repeat({ outcomes: [failure('b')] });
    expect(await failures()).toEqual(['b']);
  });

  test('whose removals cannot be counted is done all the same, and says so', async () => {
    await stage.redis.rpush('resque:failed', 'a');
    await stage.redis.set('resque:runner:failed-removed', 'a string');
    stage.client.failedLimit = 1;
    const { countRefusal } = await stage.takeStep({ outcomes: [failure('b')] });
    expect(countRefusal).toMatch(/^resque:runner:failed-removed: WRONGTYPE/);
    expect(await failures()).toEqual(['b']);
    expect(await stage.redis.get('resque:stat:failed')).toBe('1');
  });
});

describe('the list is shortened, too, by', () => {
  const day = Math.floor(Date.now() / dayMs);
  const left = { queue: 'mail', run_at: '2026-11-24T15:20:19Z', step: 1, payload: { class: 'A', args: [1] } };

  test('the steps of a process that is gone', async () => {
    await stage.redis.set('resque:runner:gone.runner:9:step', 'gone 3');
    await stage.redis.rpush('resque:failed', 'a', 'b');
    const { session, keys } = stage.client;
    const outcomes = [{ kind: 'failure', worker: 'gone.runner:9-0:mail', record: 'c' } as const];
    await new Replay(session, keys, undefined, () => 2).take({
      owner: { name: 'gone.runner:9', nonce: 'gone' },
      steps: [{ step: 4, outcomes, returns: [], unrun: [] }],
    });
    expect(await failures()).toEqual(['b', 'c']);
    expect(await removed()).toBe(1);
  });

  test('steps that an older Redis has forgotten', async () => {
    await stage.redis.rpush('resque:failed', 'a', 'b');
    const { session, keys, stepOwner } = stage.client;
    const outcomes = [failure('c'), failure('d')];
    const steps = { lastKnown: 0, lastConfirmed: 2, outcomes, returns: [], trim: `3 ${day}` };
    expect(await writeForgotten(session, keys, stepOwner, steps)).toBe(true);
    expect(await failures()).toEqual(['b', 'c', 'd']);
    expect(await removed()).toBe(1);
  });

  test('own jobs without a known end', async () => {
    await stage.redis.rpush('resque:failed', 'a', 'b');
    const record = JSON.stringify(left);
    await stage.redis.set(`resque:worker:${id}`, record);
    const { session, keys, stepOwner } = stage.client;
    const end = { kind: 'failure', failure: 'c', statusName: '', pluginKeys: '' } as const;
    expect(
      await settleOwn(session, keys, stepOwner, [{ id, record: Buffer.from(record), end }], `2 ${day}`),
    ).toEqual({
      count: 1,
      failures: ['c'],
    });
    expect(await failures()).toEqual(['b', 'c']);
    expect(await removed()).toBe(1);
  });

  test('the recovery of a dead runner', async () => {
    const owner = 'gone.runner:9';
    const entry = {
      machine: 'other',
      pid: 1,
      startedAt: '7',
      nonce: 'gone',
      requeues: [],
      maxRecoveries: 3,
      seenAtMs: 0,
    };
    await stage.redis.hset('resque:runners', owner, JSON.stringify(entry));
    for (const n of [0, 1]) {
      await stage.redis.sadd('resque:workers', `${owner}-${n}:mail`);
      await stage.redis.set(`resque:worker:${owner}-${n}:mail`, JSON.stringify(left));
    }
    await stage.redis.rpush('resque:failed', 'a', 'b');
    const dead = new DeadRunners(stage.client.session, stage.client.keys);
    const runner = (await dead.runners()).runners.find((each) => each.owner === owner);
    if (runner === undefined) throw new Error('it is not in the registry');
    const here = { identity: { machine: 'm', pid: 1, startedAt: '1' }, presenceOf: () => 'unknown' as const };
    expect(await dead.recover(runner, here, `3 ${day}`)).toMatchObject({ failed: 2, requeued: 0 });
    expect(await stage.redis.llen('resque:failed')).toBe(3);
    expect((await failures())[0]).toBe('b');
    expect(await removed()).toBe(1);
  });
});

describe('how many failures were removed', () => {
  const now = Date.parse('2026-11-28T00:00:05Z');
  const today = Math.floor(now / dayMs);
  const report = async (teller = 'a') => {
    const told: RemovedOnDay[] = [];
    const { session, keys } = stage.client;
    await reportRemoved(session, keys, { nowMs: now, teller }, (removal) => told.push(removal));
    return told;
  };

  test('is told once the day is over, once', async () => {
    await stage.redis.hset('resque:runner:failed-removed', { [today]: 7, [today - 1]: 12, [today - 5]: 1 });
    const told = await report();
    expect(told.sort((a, b) => a.count - b.count)).toEqual([
      { day: '2026-11-23', count: 1 },
      { day: '2026-11-27', count: 12 },
    ]);
    expect(await stage.redis.hgetall('resque:runner:failed-removed')).toEqual({ [today]: '7' });
    expect(await report()).toEqual([]);
    expect(await stage.redis.exists('resque:runner:failed-removed:claim')).toBe(0);
  });

  test('is told by one of several runners', async () => {
    await stage.redis.hset('resque:runner:failed-removed', today - 1, 12);
    const all = await Promise.all(['a', 'b', 'c'].map(report));
    expect(all.flat()).toEqual([{ day: '2026-11-27', count: 12 }]);
  });

  test('waits for a runner that has claimed it, and no longer than its claim', async () => {
    await stage.redis.hset('resque:runner:failed-removed', today - 1, 12);
    await stage.redis.set('resque:runner:failed-removed:claim', 'died', 'PX', 60_000);
    expect(await report()).toEqual([]);
    await stage.redis.del('resque:runner:failed-removed:claim');
    expect(await report()).toEqual([{ day: '2026-11-27', count: 12 }]);
  });

  test('costs one read on a day without any, and fields that are no days stay', async () => {
    await stage.redis.hset('resque:runner:failed-removed', { [today]: 7, x: 1 });
    const commands = await stage.monitor(report);
    expect(commands.map(([name]) => name?.toLowerCase())).toEqual(['hgetall']);
    expect(await stage.redis.hlen('resque:runner:failed-removed')).toBe(2);
  });
});

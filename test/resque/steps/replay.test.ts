import { describe, expect, test } from 'vitest';
import type { CommandSender } from '../../../src/resque/redis/send.ts';
import { Replay } from '../../../src/resque/steps/replay.ts';
import { readStepLines, type SpooledStep, stepLines } from '../../../src/resque/steps/spooled-steps.ts';
import { useRedis } from '../../helpers/redis.ts';
import { useClient } from '../client.ts';

const server = useRedis();
const stage = useClient(server);

const owner = { name: 'gone.runner:9', nonce: 'gone' };
const id = (n: number) => `gone.runner:9-${n}:mail`;
const none = { outcomes: [], returns: [], unrun: [] };
const payload = Buffer.from('{"class":"A","args":[12345678901234567890]}');

const steps: SpooledStep[] = [
  { ...none, step: 4 },
  {
    ...none,
    step: 5,
    outcomes: [{ kind: 'success', worker: id(0), statusName: 'a1', pluginKeys: 'lock:c', share: 'mail' }],
    returns: [{ queue: 'mail', payload }],
    starts: [{ worker: id(1), takenIn: 3, pluginKeys: 'lock:a\0lock:b' }],
  },
  {
    ...none,
    step: 6,
    outcomes: [
      { kind: 'failure', worker: id(1), record: Buffer.from('{"n":1}'), held: { queue: 'mail', payload } },
      { kind: 'requeue', worker: id(2), queue: 'mail', payload: Buffer.from([0x7b, 0xff, 0x7d]) },
    ],
  },
  {
    ...none,
    step: 7,
    unrun: [
      { worker: id(3), isHeld: false },
      { worker: id(4), isHeld: false },
    ],
  },
];

async function prepare(last = 3): Promise<void> {
  await stage.redis.set(`resque:runner:${owner.name}:step`, `${owner.nonce} ${last}`);
  await stage.redis.hset('resque:runners', owner.name, JSON.stringify({ nonce: owner.nonce }));
  for (const n of [0, 1, 2]) await stage.redis.set(`resque:worker:${id(n)}`, '{}');
  await stage.redis.sadd('resque:runner:running:mail', id(0));
  for (const name of ['a', 'b', 'c', 'd']) await stage.redis.set(`resque:lock:${name}`, '1');
  await stage.redis.set('resque:job:a1:status', '{"status":2,"updated":7,"started":5,"result":null}');
  for (const n of [3, 4]) {
    const record = `{"queue":"mail","run_at":"2026-11-24T15:20:19Z","payload":{"class":"Unrun${n}"}}`;
    await stage.redis.set(`resque:worker:${id(n)}`, record);
  }
  await stage.redis.rpush(`resque:runner:${owner.name}:held:mail`, payload);
}

async function assertTakenOnce(): Promise<void> {
  expect(await stage.redis.get('resque:stat:processed')).toBe('2');
  expect(await stage.redis.get('resque:stat:failed')).toBe('1');
  expect(await stage.redis.get('resque:job:a1:status')).toMatch(/^\{"status":4,.*"started":5,/);
  expect(await stage.redis.exists('resque:runner:running:mail')).toBe(0);
  // Wakes one runner that waits for a share.
  expect(await stage.redis.llen('resque:runner:free:mail')).toBe(1);
  expect(await stage.redis.keys('resque:lock:*')).toEqual(['resque:lock:d']);
  expect(await stage.redis.lrange('resque:failed', 0, -1)).toEqual(['{"n":1}']);
  const queue = await stage.redis.lrangeBuffer('resque:queue:mail', 0, -1);
  expect(queue.map((bytes) => bytes.toString('latin1'))).toEqual([
    '{"class":"Unrun3"}',
    '{"class":"Unrun4"}',
    '{\xff}',
    payload.toString(),
  ]);
  expect(await stage.redis.keys('resque:worker:*')).toEqual([]);
  expect(await stage.redis.exists(`resque:runner:${owner.name}:held:mail`)).toBe(0);
}

/** Loses the connection at a command: before it was sent, or before its answer came. */
function failing(at: number, isSent: boolean): CommandSender {
  let count = 0;
  return {
    async command(send) {
      count += 1;
      if (count !== at) return await stage.client.session.command(send);
      if (isSent) await stage.client.session.command(send);
      throw new Error('cut');
    },
  };
}

describe('steps of a process that is gone', () => {
  test('survive conversion to text and back', () => {
    const read = readStepLines(stepLines(steps));
    const withHeld = steps.map((step) => ({
      ...step,
      outcomes: step.outcomes.map((outcome) => ({ ...outcome, held: outcome.held ?? null, takenIn: null })),
      returns: step.returns.map((job) => ({ ...job, isHeld: false })),
    }));
    expect(read).toEqual(withHeld);
    for (const line of [
      '',
      '[]',
      '{"step":0}',
      '{"step":1,"kind":"success"}',
      '{"step":1,"kind":"failure","worker":"a"}',
    ]) {
      expect(readStepLines([line])).toBeNull();
    }
  });

  test('are taken once, wherever an attempt is cut short', async () => {
    for (let at = 1; ; at += 1) {
      let isCut = false;
      for (const isSent of [false, true]) {
        await stage.redis.flushall();
        await prepare();
        const replay = new Replay(failing(at, isSent), stage.client.keys);
        isCut = await replay.take({ owner, steps }).then(
          () => false,
          () => true,
        );
        expect(
          await new Replay(stage.client.session, stage.client.keys).take({
            owner,
            steps,
          }),
        ).toBe(true);
        await assertTakenOnce();
      }
      if (!isCut) {
        expect(at).toBeGreaterThan(6);
        return;
      }
    }
  });

  test('are skipped if Redis had done them after all', async () => {
    await prepare(5);
    await new Replay(stage.client.session, stage.client.keys).take({ owner, steps });
    expect(await stage.redis.get('resque:stat:processed')).toBe('1');
    expect(await stage.redis.lrange('resque:failed', 0, -1)).toEqual(['{"n":1}']);
  });

  test('are taken although earlier ones were lost', async () => {
    await prepare(1);
    expect(
      await new Replay(stage.client.session, stage.client.keys).take({
        owner,
        steps,
      }),
    ).toBe(true);
    await assertTakenOnce();
  });

  test('are not taken if it was recovered, or another process has its name', async () => {
    await stage.redis.set(`resque:runner:dead:${owner.nonce}`, 1);
    const before = await stage.dump();
    const replay = new Replay(stage.client.session, stage.client.keys);
    expect(await replay.take({ owner, steps })).toBe(false);
    expect(await stage.dump()).toEqual(before);
    await stage.redis.del(`resque:runner:dead:${owner.nonce}`);
    await prepare();
    await stage.redis.set(`resque:runner:${owner.name}:step`, 'another 1');
    await stage.redis.hset('resque:runners', owner.name, JSON.stringify({ nonce: 'another' }));
    const after = await stage.dump();
    expect(await replay.take({ owner, steps })).toBe(false);
    expect(await stage.dump()).toEqual(after);
  });

  test('leave no extra keys in a Redis that had lost everything', async () => {
    const replay = new Replay(stage.client.session, stage.client.keys);
    expect(await replay.take({ owner, steps })).toBe(true);
    await replay.forget({ owner, steps });
    // The tests' own client has a step, too.
    const left = (await stage.redis.keys('*')).filter((key) => !/^resque:(runner:test\.|runners$)/.test(key));
    expect(left.sort()).toEqual([
      'resque:failed',
      'resque:queue:mail',
      'resque:queues',
      'resque:stat:failed',
      'resque:stat:processed',
    ]);
  });
});

/** What a process keeps on the disk while Redis is away. */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Spooling } from '../../../src/engine/outcomes/spooling.ts';
import { type EngineMeans, thisMachine } from '../../../src/engine/process/engine-means.ts';
import { resqueKeys } from '../../../src/resque/format/keys.ts';
import { useRedis } from '../../helpers/redis.ts';

const redis = useRedis();
let directory = '';

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'rr-spool-'));
});

afterEach(() => rmSync(directory, { recursive: true, force: true }));

test('a process that others declared dead takes its steps off the disk', () => {
  const spooling = new Spooling({
    client: {
      session: { command: <T>(send: (commands: typeof redis.client) => Promise<T>) => send(redis.client) },
      keys: resqueKeys('resque'),
      ...{ owner: 'host:1', nonce: 'mine', failedLimit: null },
    },
    ...{ directory, scope: 'redis://a/0 resque', machine: thisMachine(), publish: () => {} },
  });
  const outcome = { kind: 'success', worker: 'host:1-0:mail', takenIn: 1, held: null } as const;
  for (const step of [1, 2]) spooling.keep([{ step, outcomes: [outcome], returns: [], unrun: [] }]);
  expect(spooling.ownOutcomes()).toMatchObject([outcome, outcome]);
  expect(spooling.takeOwn()).toMatchObject([{ step: 1 }, { step: 2 }]);
  expect([spooling.count, spooling.first]).toEqual([0, null]);
  expect(readdirSync(directory)).toEqual([]);
});

test('failures that come from the disk are told once Redis has them, those of dead processes too', async () => {
  const recorded: string[] = [];
  const spoolingOf = (machine: EngineMeans, owner: string, nonce: string) =>
    new Spooling({
      client: {
        session: { command: <T>(send: (commands: typeof redis.client) => Promise<T>) => send(redis.client) },
        keys: resqueKeys('resque'),
        ...{ owner, nonce, failedLimit: null },
      },
      ...{ directory, scope: 'redis://a/0 resque', machine, publish: () => {} },
      onRecorded: (record) => recorded.push(String(record)),
    });
  const stepOf = (worker: string, record: string) => ({
    step: 1,
    outcomes: [
      { kind: 'success', worker, held: null } as const,
      { kind: 'failure', worker, held: null, record } as const,
    ],
    returns: [],
    unrun: [],
  });
  const gone = { ...thisMachine(), identity: { ...thisMachine().identity, pid: 4_000_000, startedAt: '1' } };
  spoolingOf(gone, 'host:4000000', 'gone').keep([stepOf('host:4000000-0:mail', '{"of":"the dead"}')]);
  // The registry still knows the dead one: it was not recovered.
  await redis.client.hset('resque:runners', 'host:4000000', '{"nonce":"gone"}');
  const spooling = spoolingOf(thisMachine(), 'host:1', 'mine');
  spooling.keep([stepOf('host:1-0:mail', '{"of":"this one"}')]);
  expect(recorded).toEqual([]);
  await spooling.restoreFirst();
  expect(recorded).toEqual(['{"of":"this one"}']);
  await spooling.restoreDead();
  expect(recorded).toEqual(await redis.client.lrange('resque:failed', 0, -1));
  expect(recorded).toHaveLength(2);
  await spooling.restoreDead();
  expect(recorded).toHaveLength(2);
});

test('failures on the disk that come too late are not told', async () => {
  const recorded: unknown[] = [];
  const gone = { ...thisMachine(), identity: { ...thisMachine().identity, pid: 4_000_000, startedAt: '1' } };
  const client = {
    session: { command: <T>(send: (commands: typeof redis.client) => Promise<T>) => send(redis.client) },
    keys: resqueKeys('resque'),
    ...{ owner: 'host:4000000', nonce: 'gone', failedLimit: null },
  };
  const options = { directory, scope: 'redis://a/0 resque', publish: () => {} };
  const outcome = { kind: 'failure', worker: 'host:4000000-0:mail', held: null, record: '{}' } as const;
  new Spooling({ ...options, client, machine: gone }).keep([
    { step: 1, outcomes: [outcome], returns: [], unrun: [] },
  ]);
  await redis.client.set('resque:runner:dead:gone', '0');
  const reader = new Spooling({
    ...options,
    client: { ...client, owner: 'host:1', nonce: 'mine' },
    machine: thisMachine(),
    onRecorded: (record) => recorded.push(record),
  });
  await reader.restoreDead();
  expect(recorded).toEqual([]);
  expect(await redis.client.exists('resque:failed')).toBe(0);
});

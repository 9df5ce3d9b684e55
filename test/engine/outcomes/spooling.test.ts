/** What a process keeps on the disk while Redis is away. */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Spooling } from '../../../src/engine/outcomes/spooling.ts';
import { thisMachine } from '../../../src/engine/process/engine-means.ts';
import { resqueKeys } from '../../../src/resque/format/keys.ts';
import { useRedis } from '../../helpers/redis.ts';

const redis = useRedis();
let directory = '';

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'rr-spool-'));
});

afterEach(() => rmSync(directory, { recursive: true, force: true }));

test('if the process takes another name meanwhile, its outcomes are written under that', async () => {
  const client = {
    session: { command: <T>(send: (commands: typeof redis.client) => Promise<T>) => send(redis.client) },
    keys: resqueKeys('resque'),
    owner: 'host:1',
    nonce: 'mine',
    failedLimit: null,
  };
  const machine = thisMachine();
  const spooling = new Spooling({
    client,
    directory,
    scope: 'redis://a/0 resque',
    machine,
    publish: () => {},
  });
  const outcome = { kind: 'success', worker: 'host:1-0:mail', held: null } as const;
  spooling.keep([{ step: 1, outcomes: [outcome], returns: [], unrun: [] }]);
  await redis.client.hset('resque:runners', 'host:1', '{"nonce":"another"}');
  await redis.client.set('resque:runner:host:1:step', 'another 7');
  client.owner = 'host-2:1';
  expect(spooling.ownOutcomes()).toMatchObject([{ worker: 'host-2:1-0:mail' }]);
  await spooling.restoreFirst();
  expect(await redis.client.get('resque:stat:processed:host-2:1-0:mail')).toBe('1');
  expect(await redis.client.get('resque:runner:host-2:1:step')).toBe('mine 1');
  expect(await redis.client.get('resque:runner:host:1:step')).toBe('another 7');
  expect(readdirSync(directory)).toEqual([]);
});

/** Steps that Redis has forgotten, because it came back older. */
import { expect, test } from 'vitest';
import { readPayload } from '../../../src/resque/format/payload.ts';
import { workerRecord } from '../../../src/resque/format/worker-record.ts';
import { writeForgotten } from '../../../src/resque/steps/forgotten-steps.ts';
import { useRedis } from '../../helpers/redis.ts';
import { waitFor } from '../../helpers/wait-for.ts';
import { useClient } from '../client.ts';

const server = useRedis();
const stage = useClient(server);

test('an outcome frees the share of its own job only, and wakes a runner that waits for one', async () => {
  const { session, keys, stepOwner } = stage.client;
  const [ended, other] = ['h.runner:1-0:mail', 'h.runner:1-1:mail'];
  const payload = readPayload(Buffer.from('{"class":"A","args":[1]}'));
  const record = (worker: string, step: number) =>
    workerRecord({ worker, queue: 'mail', payload, runAt: new Date(), step });
  await stage.redis.mset(
    `resque:worker:${ended}`,
    record(ended, 2),
    `resque:worker:${other}`,
    record(other, 2),
  );
  await stage.redis.sadd('resque:runner:running:mail', ended, other);
  const waiter = stage.redis.duplicate();
  try {
    const woken = waiter.blpop('resque:runner:free:mail', 10);
    await waitFor(async () => /cmd=blpop/.test(String(await stage.redis.client('LIST'))), {
      message: 'it waits',
    });
    // The record of the other is of an earlier job: Redis has also forgotten that this one was taken.
    const outcomes = [
      { kind: 'success', worker: ended, takenIn: 2, held: null, share: 'mail' },
      { kind: 'success', worker: other, takenIn: 3, held: null, share: 'mail' },
    ] as const;
    const lastKnown = stage.lastStep;
    const steps = { lastKnown, lastConfirmed: lastKnown + 2, outcomes, returns: [] };
    expect(await writeForgotten(session, keys, stepOwner, steps)).toBe(true);
    expect(await woken).toEqual(['resque:runner:free:mail', '1']);
    expect(await stage.redis.smembers('resque:runner:running:mail')).toEqual([other]);
    expect(await stage.redis.exists('resque:runner:free:mail')).toBe(0);
  } finally {
    waiter.disconnect();
  }
});

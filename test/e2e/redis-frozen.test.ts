/** Redis hangs with its connections open. */
import { expect, test } from 'vitest';
import { useEndToEnd } from '../helpers/end-to-end.ts';

const e2e = useEndToEnd({ isInProcess: true, redis: { isOwn: true } });
const job = (n: number) => ({ class: 'Job', args: [n] });

test('the runner notices it within 30 s, jobs continue, and outcomes are written when Redis answers again', async () => {
  const script = e2e.script('echo started >> "$D/started"; while [ ! -e "$D/go" ]; do sleep 0.1; done');
  const runner = await e2e.run({ runners: { mail: 1, idle: 1 }, script });
  await e2e.enqueue('mail', job(1));
  await e2e.waitForFileLines('started', 1);
  const from = runner.position;
  e2e.redis.freeze();
  try {
    await e2e.pass(30);
    await runner.waitForLine('redis.down', undefined, { from, timeoutMs: 1_000 });
    e2e.write('go');
    await runner.waitForFinished(1);
  } finally {
    e2e.redis.thaw();
  }
  // The backoff has grown.
  await e2e.pass(5);
  await runner.waitForLine('redis.up', undefined, { from });
  await e2e.enqueue('mail', job(2));
  await e2e.enqueue('idle', job(3));
  await runner.waitForFinished(3);
  await e2e.waitForStat('processed', 3);
  const told = runner.lines.slice(from).filter(({ event }) => event.startsWith('redis.'));
  expect(told.map(({ event }) => event)).toEqual(['redis.down', 'redis.up']);
});

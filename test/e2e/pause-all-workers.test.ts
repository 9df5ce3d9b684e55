/** `pause-all-workers`, by which Resque stops every worker of a namespace. */
import { expect, test } from 'vitest';
import { useEndToEnd } from '../helpers/end-to-end.ts';
import { staysTrue } from '../helpers/wait-for.ts';

const e2e = useEndToEnd({ isInProcess: true });
const job = { class: 'Job', args: [] };
/** The runner must notice it within this time. */
const seenWithinSeconds = 5;
/** Afterwards, only a reply of Redis and an event may be on their way. */
const timeoutMs = 1_500;

test('set and unset, it pauses and resumes all queues of an idle runner', async () => {
  const script = e2e.script('echo "$1" >> "$D/ran"');
  const runner = await e2e.run({ runners: { mail: 1, video: 2 }, script });
  await e2e.client.set(e2e.key('pause-all-workers'), ' TRUE\n');
  await e2e.pass(seenWithinSeconds);
  const line = await runner.waitForLine('queues.paused', undefined, { timeoutMs });
  expect(line).toMatchObject({ runner: null, pauses: [{ kind: 'cluster' }] });
  await e2e.enqueue('mail', job);
  await staysTrue(async () => (await e2e.backlog('mail')).length === 1, {
    message: 'no job is taken while paused',
    forMs: 300,
  });
  await e2e.client.del(e2e.key('pause-all-workers'));
  await e2e.pass(seenWithinSeconds);
  await runner.waitForFinished(1, timeoutMs);
  expect(runner.all('queues.resumed')).toHaveLength(1);
});

test('set before the start, it holds back every job from the beginning', async () => {
  const script = e2e.script('echo "$1" >> "$D/ran"');
  await e2e.client.set(e2e.key('pause-all-workers'), 'true');
  e2e.mayLeaveKeys('pause-all-workers');
  await e2e.enqueue('mail', job, job);
  const runner = await e2e.run({ runners: { mail: 2 }, script });
  await runner.waitForLine('queue.paused');
  await staysTrue(async () => (await e2e.backlog('mail')).length === 2, {
    message: 'no job is taken while paused',
    forMs: 300,
  });
  await e2e.client.set(e2e.key('pause-all-workers'), 'false');
  await e2e.pass(seenWithinSeconds);
  await runner.waitForFinished(2, timeoutMs);
});

test('a busy runner sees it too, and lets running jobs finish', async () => {
  const script = e2e.script('sleep 0.02');
  const jobs = Array.from({ length: 2000 }, () => job);
  await e2e.enqueue('mail', ...jobs);
  e2e.mayLeaveKeys('queue:mail', 'pause-all-workers');
  const runner = await e2e.run({ runners: { mail: 2 }, script });
  await e2e.client.set(e2e.key('pause-all-workers'), 'true');
  await e2e.pass(seenWithinSeconds);
  await runner.waitForLine('queue.paused', undefined, { timeoutMs });
  expect(await runner.stop()).toEqual({ code: 0, signal: undefined });
  const left = (await e2e.backlog('mail')).length;
  expect(left).toBeGreaterThan(0);
  expect(left + (await e2e.stat('processed'))).toBe(jobs.length);
});

test.each(['false', '', '1', 'yes', 'true!'])('the value "%s" pauses nothing', async (value) => {
  await e2e.client.set(e2e.key('pause-all-workers'), value);
  e2e.mayLeaveKeys('pause-all-workers');
  const runner = await e2e.run({ runners: { mail: 1 }, script: '/bin/true' });
  await e2e.pass(seenWithinSeconds);
  await e2e.enqueue('mail', job);
  await runner.waitForFinished(1);
  expect(runner.all('queue.paused')).toEqual([]);
});

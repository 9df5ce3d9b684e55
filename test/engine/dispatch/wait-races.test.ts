/** Jobs that come in the very instant in which the wait for them ends. */
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { randomCases } from '../../helpers/random-cases.ts';
import { useRedis } from '../../helpers/redis.ts';
import { waitFor } from '../../helpers/wait-for.ts';
import { useEngines } from '../stage.ts';

const stage = useEngines(useRedis());
const rounds = randomCases(100);

/** Whether the job came first, the command, or both without a wait between. */
const orders = ['job first', 'command first', 'a little later'] as const;

/** Lets other things in this process and on the wire go on for a different while each time. */
async function aMoment(round: number): Promise<void> {
  for (let turn = 0; turn < round % 7; turn += 1) await new Promise(setImmediate);
  if (round % 5 === 0) await sleep(1);
}

test('a job pushed in the instant of a pause runs before it or stays, and is never lost', async () => {
  const engine = await stage.start([stage.runner('mail', stage.script(':'))]);
  let isPaused = false;
  const wrong: string[] = [];
  engine.engine.subscribe((event) => {
    if (event.type === 'queue.paused') isPaused = true;
    if (event.type === 'queue.resumed') isPaused = false;
    if (event.type === 'job.started' && isPaused) wrong.push(`${event.job.args} started while paused`);
  });
  let heldBack = 0;
  for (let round = 0; round < rounds; round += 1) {
    await stage.waitForIdle();
    const order = orders[round % orders.length];
    const pause = () => engine.do({ type: 'pause-queue', queue: 'mail' });
    const push = stage.redis.rpush('resque:queue:mail', JSON.stringify({ class: 'Job', args: [round] }));
    if (order === 'a little later') await aMoment(round);
    await Promise.all(order === 'command first' ? [pause(), push] : [push, pause()]);
    // It runs already, or it comes to lie on its queue again.
    const hasStarted = () => engine.all('job.started').length === round + 1;
    await waitFor(async () => hasStarted() || (await stage.redis.llen('resque:queue:mail')) === 1, {
      message: () => `job ${round} is somewhere\n${engine.describe()}`,
    });
    if (!hasStarted()) heldBack += 1;
    await engine.do({ type: 'resume-queue', queue: 'mail' });
    await engine.wait('job.finished', round + 1);
  }
  expect(wrong).toEqual([]);
  expect(heldBack).toBeGreaterThan(0);
  await engine.stop();
  expect(await stage.stat('processed')).toBe(rounds);
});

test('a job pushed in the instant in which the wait changes for another queue is kept, and runs at once', async () => {
  const script = stage.script(':');
  const engine = await stage.start([stage.runner('mail', script), stage.runner('news', script)]);
  for (let round = 0; round < rounds; round += 1) {
    await stage.waitForIdle();
    const push = stage.redis.rpush('resque:queue:mail', JSON.stringify({ class: 'Job', args: [round] }));
    await aMoment(round);
    await engine.do({ type: round % 2 === 0 ? 'pause-queue' : 'resume-queue', queue: 'news' });
    await push;
    await engine.wait('job.finished', round + 1, 2_000);
  }
  expect(engine.all('job.started').map(({ job }) => job.args)).toEqual(
    Array.from({ length: rounds }, (_, round) => `[${round}]`),
  );
  await engine.do({ type: 'resume-queue', queue: 'news' });
  await stage.enqueue('news', 'last');
  await engine.wait('job.finished', rounds + 1);
});

test('jobs that are put back because of a pause lie at the head of their queue, in their order', async () => {
  const engine = await stage.start([stage.runner('mail', stage.script(':'), { concurrency: 5 })]);
  const jobs = Array.from({ length: 8 }, (_, at) => at);
  await engine.do({ type: 'pause-queue', queue: 'mail' });
  await stage.waitForNoWait();
  await stage.enqueue('mail', ...jobs);
  for (let round = 1; round <= randomCases(40); round += 1) {
    await engine.do({ type: 'resume-queue', queue: 'mail' });
    // The step that takes them is on its way behind the next turn of the loop.
    await new Promise(setImmediate);
    await engine.do({ type: 'pause-queue', queue: 'mail' });
    // They are written back.
    await engine.wait('counters.changed', round);
    expect(await stage.backlog('mail')).toEqual(jobs);
  }
  expect(engine.all('job.started')).toEqual([]);
  await engine.do({ type: 'resume-queue', queue: 'mail' });
  await engine.wait('job.finished', jobs.length);
  expect(engine.all('job.started').map(({ job }) => job.args)).toEqual(jobs.map((job) => `[${job}]`));
});

test('a pause while many jobs run leaves the others in their order', async () => {
  const engine = await stage.start([stage.runner('mail', stage.script(':'), { concurrency: 4 })]);
  const jobs = Array.from({ length: 240 }, (_, at) => at);
  await engine.do({ type: 'pause-queue', queue: 'mail' });
  await stage.waitForNoWait();
  await stage.enqueue('mail', ...jobs);
  const started = () => engine.all('job.started').length;
  for (let round = 1; round <= randomCases(25); round += 1) {
    await engine.do({ type: 'resume-queue', queue: 'mail' });
    const before = started();
    await waitFor(() => started() > before + (round % 5), { message: 'some have started' });
    await aMoment(round);
    await engine.do({ type: 'pause-queue', queue: 'mail' });
    await waitFor(
      async () => {
        const left = await stage.redis.llen('resque:queue:mail');
        return started() + left === jobs.length && (await stage.stat('processed')) === started();
      },
      { message: () => `every job has run or is back\n${engine.describe()}` },
    );
    expect(await stage.backlog('mail'), `round ${round}`).toEqual(jobs.slice(started()));
  }
  await engine.do({ type: 'resume-queue', queue: 'mail' });
  await engine.wait('job.finished', jobs.length);
});

import { expect, test } from 'vitest';
import { useEndToEnd } from '../helpers/end-to-end.ts';
import type { Runner } from '../helpers/runner.ts';
import { waitFor } from '../helpers/wait-for.ts';

const stage = useEndToEnd({ isInProcess: true });

async function crash(runner: Runner): Promise<void> {
  runner.signal('SIGKILL');
  await runner.waitForExit();
}

const heldList = (runner: Runner, queue: string) =>
  stage.key(`runner:${runner.workerHost}:${runner.pid}:held:${queue}`);

test('a job stays on the list of its runner while it runs, and leaves the list with its outcome', async () => {
  const script = stage.script('touch "$D/began"; while [ ! -e "$D/end" ]; do sleep 0.1; done');
  const runner = await stage.run({ script, runners: { mail: 1 }, delivery: 'at-least-once' });
  await stage.enqueue('mail', { class: 'A', args: [] });
  await waitFor(() => runner.all('job.started').length === 1, { message: 'it runs' });
  expect(await stage.client.lrange(heldList(runner, 'mail'), 0, -1)).toEqual(['{"class":"A","args":[]}']);
  expect(await stage.client.llen(stage.key('queue:mail'))).toBe(0);
  stage.write('end');
  await stage.waitForStat('processed', 1);
  expect(await stage.client.exists(heldList(runner, 'mail'))).toBe(0);
});

test('jobs of a runner that was killed go back to the head of their queue in order, and run again', async () => {
  const script = stage.script('read -r job; echo "$job" >> "$D/seen"; [ -e "$D/go" ] || sleep 300');
  const config = { script, runners: { mail: 3 }, delivery: 'at-least-once' };
  const jobs = ['1', '2', '3', '4'].map((id) => ({ class: 'A', args: [id] }));
  const first = await stage.run(config, { isProgram: true });
  await stage.enqueue('mail', ...jobs);
  await stage.waitForFileLines('seen', 3);
  await crash(first);
  stage.write('go');

  const second = await stage.run({ ...config, runners: { mail: 1 } });
  const { message } = await second.waitForLine('peer.recovered');
  expect(message).toContain('3 jobs put back');
  await stage.waitForStat('processed', 4);
  const seen = await stage.waitForFileLines('seen', 7);
  expect(seen.slice(3)).toEqual(jobs.map((job) => JSON.stringify(job)));
  expect(await stage.stat('failed')).toBe(0);
});

test('a job that kills its runner again and again is recorded as failed after maxRecoveries', async () => {
  const script = stage.script('echo x >> "$D/runs"; sleep 300');
  const config = { script, runners: { mail: 1 }, delivery: 'at-least-once', maxRecoveries: 2 };
  await stage.enqueue('mail', { class: 'Poison', args: [] });
  for (const run of [1, 2, 3]) {
    const runner = await stage.run(config, { isProgram: true });
    await stage.waitForFileLines('runs', run);
    await crash(runner);
  }

  await stage.run(config);
  const failure = await stage.failure();
  expect(failure).toMatchObject({
    exception: 'Resque::PruneDeadWorkerDirtyExit',
    payload: { class: 'Poison', args: [] },
  });
  expect(await stage.backlog('mail')).toEqual([]);
});

test('waits for each of its queues on a connection of its own, beside at-most-once ones', async () => {
  const script = stage.script('read -r job; echo "$1" >> "$D/seen"');
  const runner = await stage.run({
    script,
    runners: { a: { delivery: 'at-least-once' }, b: { delivery: 'at-least-once' }, c: 1, d: 1 },
  });
  const waiting = async () => {
    const list = String(await stage.client.client('LIST'));
    return [list.split('cmd=blmove').length - 1, list.split('cmd=blpop').length - 1].join();
  };
  await waitFor(async () => (await waiting()) === '2,1', { message: 'two BLMOVE and one BLPOP wait' });
  for (const queue of ['a', 'd', 'b', 'c']) {
    await stage.enqueue(queue, { class: 'A', args: [] });
    await waitFor(() => stage.fileLines('seen').includes(queue), { message: `${queue} was taken` });
  }
  await runner.waitForFinished(4);
});

test('jobs that several waits return at once never exceed a limit: the rest goes back', async () => {
  const script = stage.script('echo x >> "$D/seen"; while [ ! -e "$D/end" ]; do sleep 0.1; done');
  const runner = await stage.run({
    script,
    runners: { 'm*': { concurrency: 1, delivery: 'at-least-once' } },
  });
  for (const queue of ['m1', 'm2', 'm3']) await stage.client.sadd(stage.key('queues'), queue);
  await waitFor(async () => String(await stage.client.client('LIST')).split('cmd=blmove').length === 5, {
    message: 'the runner waits for three queues and the one called m*',
  });
  const jobs = stage.client.multi();
  for (const queue of ['m1', 'm2', 'm3']) jobs.rpush(stage.key(`queue:${queue}`), '{"class":"A","args":[]}');
  await jobs.exec();
  await stage.waitForFileLines('seen', 1);
  await waitFor(
    async () =>
      (await stage.backlog('m1')).length +
        (await stage.backlog('m2')).length +
        (await stage.backlog('m3')).length ===
      2,
    { message: 'the other jobs went back' },
  );
  await runner.waitForLine('job.started');
  expect(runner.all('job.started')).toHaveLength(1);
  stage.write('end');
  await stage.waitForStat('processed', 3);
});

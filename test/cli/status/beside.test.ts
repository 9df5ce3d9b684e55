/** What `status` shows of real workers: of our own runner and of node-resque. */
import { Worker } from 'node-resque';
import { expect, onTestFinished, test } from 'vitest';
import { useEndToEnd } from '../../helpers/end-to-end.ts';
import { waitFor } from '../../helpers/wait-for.ts';
import { runCommand } from '../run-command.ts';
import { StatusStage } from './stage.ts';

const e2e = useEndToEnd();
const stage = new StatusStage(e2e.redis);

const untilGo = 'while [ ! -e "$D/go" ]; do sleep 0.1; done';

test('shows a runner with its slots, their jobs, held jobs and counters', async () => {
  // The queue exists before the runner looks for queues of its pattern.
  await e2e.enqueue('other_things', { class: 'Other', args: [] });
  const runner = await e2e.run({
    runners: { mail: 3, 'low,other_*': 2, bills: { concurrency: 1, delivery: 'at-least-once' } },
    script: e2e.script(untilGo),
  });
  await e2e.enqueue('mail', ...[1, 2, 3, 4, 5].map((id) => ({ class: 'SendMail', args: [id] })));
  await e2e.enqueue('bills', { class: 'Bill', args: ['x'.repeat(100_000)] });
  await e2e.enqueue('nobody', { class: 'Nothing', args: [] });
  await waitFor(() => runner.all('job.started').length === 5, { message: 'five jobs run' });

  const { document, facts } = await stage.look();
  expect(document.totals).toMatchObject({ waiting: 3, running: 5, held: 1, deadWorkers: 0, staleWorkers: 0 });
  expect(document.queues).toMatchObject([
    { name: 'nobody', waiting: 1, workers: 0, working: 0, isUnattended: true },
    { name: 'mail', waiting: 2, workers: 3, working: 3, isUnattended: false },
    { name: 'bills', waiting: 0, workers: 1, working: 1, held: 1 },
    { name: 'other_things', waiting: 0, workers: 1, working: 1 },
    { name: 'low', waiting: 0, workers: 1, working: 0 },
  ]);
  expect(document.processes).toMatchObject([
    {
      pid: runner.pid,
      kind: 'resque-runner',
      state: 'working',
      working: 5,
      held: 1,
      finished: 0,
      queues: ['bills', 'low,other_*', 'mail'],
    },
  ]);
  expect(document.processes[0]?.heartbeatAgeSeconds).toBeLessThan(60);
  expect(document.runningJobs.map((job) => job.class).sort()).toEqual([
    'Bill',
    'Other',
    'SendMail',
    'SendMail',
    'SendMail',
  ]);
  for (const { ageSeconds, problem } of document.runningJobs) {
    expect(ageSeconds).toBeLessThan(60);
    expect(problem).toBeNull();
  }

  e2e.write('go');
  await runner.waitForFinished(7);
  await e2e.waitForStat('processed', 7);
  const later = (await stage.look(facts)).document;
  expect(later.processes).toMatchObject([{ state: 'idle', finished: 7, held: 0 }]);
  expect(later.totals.jobsPerSecond).toBeGreaterThan(0);
  expect(later.processes[0]?.jobsPerSecond).toBeGreaterThan(0);
  expect(later.runningJobs).toEqual([]);
  await e2e.client.del('resque:queue:nobody');
});

test('shows immediately that a runner is paused and that a script can’t be started', async () => {
  const runner = await e2e.run({
    runners: { mail: 3, bad: { concurrency: 1, script: e2e.path('missing') } },
    script: '/bin/true',
  });
  const bad = { name: 'bad', isPaused: true, pauses: [{ kind: 'unstartable', runner: 'bad' }] };
  await e2e.enqueue('bad', { class: 'Bad', args: [] });
  await runner.waitForLine('queue.paused');
  await waitFor(async () => (await stage.queue('bad')).isPaused, { message: 'status shows the pause' });
  expect(await stage.queue('bad')).toMatchObject(bad);
  expect(await stage.queue('mail')).toMatchObject({ slots: 3, isPaused: false, pauses: [] });
  runner.signal('SIGUSR2');
  await waitFor(async () => (await stage.queue('mail')).isPaused, { message: 'status shows the pause' });
  expect(await stage.queue('mail')).toMatchObject({ pauses: [{ kind: 'all' }] });
  runner.signal('SIGCONT');
  await waitFor(async () => !(await stage.queue('mail')).isPaused, { message: 'status shows its end' });
  e2e.script('exit 0', { name: 'missing' });
  await waitFor(async () => !(await stage.queue('bad')).isPaused, { message: 'status shows its end' });
});

test('shows immediately what is set by hand, until someone goes back to the config', async () => {
  const runner = await e2e.run({ runners: { mail: 3 }, script: '/bin/true' });
  const env = { TMPDIR: e2e.path('tmp'), XDG_RUNTIME_DIR: '' };
  const change = async (...words: string[]) =>
    expect(await runCommand([...words, '--config', e2e.path('cfg.json')], { env })).toMatchObject({
      code: 0,
    });
  await change('slots', 'mail', '5');
  await waitFor(async () => (await stage.queue('mail')).slots === 5, { message: 'status shows the slots' });
  const process = `${(await stage.look()).document.processes[0]?.name}`;
  expect(process).toMatch(new RegExp(`:${runner.pid}$`));
  expect((await stage.queue('mail')).slotChanges).toMatchObject([
    { process, runner: 'mail', slots: 5, configured: 3 },
  ]);
  expect((await stage.queue('mail')).slotChanges[0]?.by).not.toBe('');
  await change('reset', 'mail');
  await waitFor(async () => (await stage.queue('mail')).slots === 3, { message: 'status shows the config' });
  expect((await stage.queue('mail')).slotChanges).toEqual([]);
});

test('shows immediately that a killed runner and its jobs are dead', async () => {
  const runner = await e2e.run({ runners: { mail: 1 }, script: e2e.script(untilGo) });
  await e2e.enqueue('mail', { class: 'SendMail', args: [] });
  await runner.waitForLine('job.started');
  runner.signal('SIGKILL');
  await runner.exit;
  const { document } = await stage.look();
  expect(document.processes).toMatchObject([{ state: 'dead', pid: runner.pid }]);
  expect(document.runningJobs).toMatchObject([{ workerState: 'dead', class: 'SendMail' }]);

  // Until another runner has recovered them.
  const next = await e2e.run({ runners: { mail: 1 }, script: '/bin/true' });
  await waitFor(async () => (await stage.look()).document.totals.deadWorkers === 0, {
    message: 'the dead one is recovered',
  });
  expect((await stage.look()).document.processes).toMatchObject([{ state: 'idle', pid: next.pid }]);
});

test('shows a worker of node-resque with its job and counters', async () => {
  let finish: () => void = () => {};
  const finished = new Promise<void>((resolve) => {
    finish = resolve;
  });
  const perform = (id: number) => (id === 0 ? finished : Promise.reject(new Error('it is bad')));
  const worker = new Worker(
    {
      connection: { pkg: 'ioredis', host: '127.0.0.1', port: e2e.redis.port },
      queues: ['mail', 'low'],
      name: 'node1:4711+1',
      timeout: 5,
    },
    { Job: { perform } },
  );
  await worker.connect();
  await worker.start();
  onTestFinished(async () => {
    finish();
    await worker.end();
  });
  await e2e.enqueue('mail', { class: 'Job', queue: 'mail', args: [1] });
  await e2e.enqueue('low', { class: 'Job', queue: 'low', args: [0, 'x'] });
  await waitFor(async () => (await stage.look()).document.runningJobs[0]?.queue === 'low', {
    message: 'the second job runs',
  });

  const { document } = await stage.look();
  expect(document.processes).toMatchObject([
    {
      name: 'node1:4711',
      pid: 4711,
      kind: 'node-resque',
      state: 'working',
      queues: ['mail,low'],
      finished: 1,
      failed: 1,
    },
  ]);
  expect(document.processes[0]?.heartbeatAgeSeconds).toBeLessThan(60);
  expect(document.processes[0]?.ageSeconds).toBeLessThan(60);
  expect(document.runningJobs).toMatchObject([{ class: 'Job', argsText: '[0,"x"]', workerState: 'working' }]);
  expect(document.runningJobs[0]?.ageSeconds).toBeLessThan(60);
  finish();
  await worker.end();
  await e2e.client.flushall();
});

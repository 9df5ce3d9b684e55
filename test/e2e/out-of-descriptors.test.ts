/** With too few descriptors for all slots, fewer jobs run at once, all jobs complete, and the runner survives. */
import { createConnection, type Socket } from 'node:net';
import { execa } from 'execa';
import { beforeEach, expect, test } from 'vitest';
import { distEntry } from '../../scripts/setup/paths.mjs';
import { job, persistentScript } from '../helpers/children.ts';
import { useEndToEnd } from '../helpers/end-to-end.ts';
import { cpuSeconds } from '../helpers/processes.ts';
import type { Runner } from '../helpers/runner.ts';
import { staysTrue, waitFor } from '../helpers/wait-for.ts';

/** The limits are set with prlimit(1). */
const onLinux = test.runIf(process.platform === 'linux');
const e2e = useEndToEnd({ redis: { appendOnly: true }, timeoutMs: 60_000 });

/** More output than the runner keeps in memory. */
const flood = 'cat "$D/stdout"; cat "$D/stderr" >&2';

beforeEach(() => {
  e2e.write('stdout', `${'x'.repeat(100_000)}\n`);
  e2e.write('stderr', 'y'.repeat(30_000));
});

function jobs(count: number): object[] {
  return Array.from({ length: count }, (_, n) => job(n));
}

/** Each job succeeds once, and the shortage is reported once. */
async function assertAllDone(runner: Runner, count: number): Promise<void> {
  expect(await runner.waitForExit(50_000)).toEqual({ code: 0, signal: undefined });
  const outcomes = runner.all('job.finished').map(({ outcome }) => outcome);
  expect(outcomes.filter((outcome) => outcome !== 'requeued')).toEqual(Array(count).fill('succeeded'));
  expect([...new Set(e2e.fileLines('ran'))]).toHaveLength(count);
  expect(e2e.fileLines('ran')).toHaveLength(count);
  await e2e.failures(0);
  await e2e.waitForStat('processed', count);
  expect(runner.all('queue.paused')).toEqual([]);
  expect(runner.all('runner.throttled')).toHaveLength(1);
}

onLinux.each([
  ['native starts', {}, {}],
  ["starts by Node's own means, at-least-once delivery", { delivery: 'at-least-once' }, { RR_NATIVE: 'off' }],
  ['prestarted children', { prestart: true }, {}],
  ["children prestarted by Node's own means", { prestart: true }, { RR_NATIVE: 'off' }],
])('%s: jobs that print a lot all succeed with 40 descriptors for 32 slots', async (_how, entry, env) => {
  const script = e2e.script(`read -r job; ${flood}; echo "$job" >> "$D/ran"`);
  await e2e.enqueue('mail', ...jobs(40));
  const runner = await e2e.run(
    { runners: { mail: { concurrency: 32, ...entry } }, script },
    { args: ['--drain'], env, limits: { nofile: 40 } },
  );
  const { throttled, level } = await runner.waitForLine('runner.throttled');
  expect(level).toBe('warn');
  expect(throttled?.shortage).toContain('too many open files (EMFILE)');
  await assertAllDone(runner, 40);
});

onLinux.each([
  ['natively', {}],
  ['with child_process', { RR_NATIVE: 'off' }],
])(
  '48 descriptors limit the number of persistent children (started %s), which still do all jobs',
  async (_how, env) => {
    const script = e2e.script(persistentScript(`${flood}; echo "$job" >> "$D/ran"; echo '{"ok":true}' >&3`));
    await e2e.enqueue('mail', ...jobs(40));
    const runner = await e2e.run(
      { runners: { mail: { concurrency: 32, mode: 'persistent' } }, script },
      { args: ['--drain'], env, limits: { nofile: 48 } },
    );
    await assertAllDone(runner, 40);
    // They stay: none was ended to make room for another.
    expect(new Set(e2e.fileLines('born').map((line) => line.split(' ')[0])).size).toBeLessThan(8);
  },
);

/** Changes its soft limit, not the hard one. */
async function limitDescriptors(runner: Runner, limit: number): Promise<void> {
  await execa('prlimit', [`--pid=${runner.pid}`, `--nofile=${limit}:`]);
}

async function endConnections(): Promise<void> {
  await e2e.client.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
}

onLinux.each([
  ['jobs', {}],
  ['persistent children', { mode: 'persistent' }],
])('with %s, a runner outlives a time in which it can open nothing at all', async (_what, entry) => {
  const done = 'echo "$job" >> "$D/ran"';
  const isPersistent = 'mode' in entry;
  const script = e2e.script(
    isPersistent ? persistentScript(`${done}; echo '{"ok":true}' >&3`) : `read -r job; ${flood}; ${done}`,
  );
  const runner = await e2e.run({ runners: { mail: { concurrency: 4, ...entry } }, script });
  await e2e.enqueue('mail', job('before'));
  await runner.waitForFinished(1);

  await limitDescriptors(runner, 3);
  const from = runner.position;
  await e2e.enqueue('mail', ...jobs(20));
  if (!isPersistent) await runner.waitForLine('runner.throttled', undefined, { from });
  runner.signal('SIGHUP');
  await runner.waitForLine('config.rejected', undefined, { from });
  await endConnections();
  const { reason } = await runner.waitForLine('redis.down', undefined, { from });
  expect(reason).not.toBe('');
  const before = cpuSeconds(runner.pid);
  await staysTrue(() => !runner.hasExited, { message: 'the runner lives', forMs: 1_000 });
  expect(cpuSeconds(runner.pid) - before).toBeLessThan(0.5);

  expect(runner.all('redis.down')).toHaveLength(1);
  await limitDescriptors(runner, 1_000);
  await runner.waitForLine('redis.up', undefined, { from, timeoutMs: 20_000 });
  await runner.waitForFinished(21, 20_000);
  expect(new Set(e2e.fileLines('ran')).size).toBe(21);
  await e2e.failures(0);
  await e2e.waitForStat('processed', 21);
  expect(runner.all('queue.paused')).toEqual([]);
});

onLinux("a runner that can't open files at first starts jobs natively later", async () => {
  const script = e2e.script('readlink /proc/self/fd/2 >> "$D/outputs"');
  const runner = await e2e.run({ runners: { mail: 1 }, script });
  await limitDescriptors(runner, 3);
  await e2e.enqueue('mail', job(1));
  await runner.waitForLine('runner.throttled');
  await limitDescriptors(runner, 1_000);
  await runner.waitForFinished(1);
  expect(await e2e.waitForFileLines('outputs')).toEqual([expect.stringMatching(/^pipe:/)]);
});

onLinux('screens without a free descriptor neither crash nor slow down the runner', async () => {
  const socket = e2e.path('socket');
  const script = e2e.script('read -r job; echo "$job" >> "$D/ran"');
  const runner = await e2e.run(
    { runners: { mail: 2 }, script },
    { args: ['--socket', socket], limits: { nofile: 40 } },
  );
  const clients: Socket[] = [];
  let closed = 0;
  for (let count = 0; count < 50; count += 1) {
    const client = createConnection(socket).on('error', () => {});
    client.on('close', () => {
      closed += 1;
    });
    client.resume();
    clients.push(client);
  }
  await waitFor(() => closed > 0 && closed < 50, { message: 'some of them are rejected' });
  const before = cpuSeconds(runner.pid);
  await e2e.enqueue('mail', ...jobs(4));
  await runner.waitForLine('runner.throttled');
  await staysTrue(() => !runner.hasExited, { message: 'the runner lives', forMs: 1_000 });
  expect(cpuSeconds(runner.pid) - before).toBeLessThan(0.5);
  for (const client of clients) client.destroy();
  await runner.waitForFinished(4);
  await e2e.failures(0);
});

onLinux('stored output leaves descriptors for Redis', async () => {
  const untilGo = 'case $job in *wait*) while [ ! -e "$D/go" ]; do sleep 0.1; done;; esac';
  const script = e2e.script(
    persistentScript(`${untilGo}; ${flood}; echo "$job" >> "$D/ran"; echo '{"ok":true}' >&3`),
  );
  await e2e.enqueue('mail', ...jobs(30));
  const config = { runners: { mail: { concurrency: 2, mode: 'persistent' } }, script };
  const runner = await e2e.run(config, { limits: { nofile: 48 } });
  await runner.waitForFinished(30);
  await e2e.enqueue('mail', job('wait 1'), job('wait 2'));
  await runner.waitForLine('job.started', (line) => line.job?.args === '["wait 2"]');
  const from = runner.position;
  await e2e.redis.stop();
  await runner.waitForLine('redis.down', undefined, { from });
  e2e.write('go');
  await runner.waitForFinished(32);
  await e2e.redis.start();
  await runner.waitForLine('redis.up', undefined, { from, timeoutMs: 20_000 });
  await e2e.waitForStat('processed', 32);
});

onLinux('jobs leave descriptors for Redis: a runner waits for queues that a new config adds', async () => {
  const script = e2e.script('while [ ! -e "$D/go" ]; do sleep 1; done; cat >> "$D/ran"');
  const mail = { concurrency: 64 };
  await e2e.enqueue('mail', ...jobs(64));
  const runner = await e2e.run({ runners: { mail }, script }, { limits: { nofile: 100 } });
  await runner.waitForLine('runner.throttled');
  const queues = ['a', 'b', 'c', 'd', 'e', 'f'];
  const added = Object.fromEntries(queues.map((queue) => [queue, { delivery: 'at-least-once' }]));
  runner.writeConfig(e2e.config({ runners: { mail, ...added }, script }));
  runner.signal('SIGHUP');
  await runner.waitForLine('config.reloaded');
  const waits = async () => String(await e2e.client.client('LIST')).match(/cmd=blmove/g)?.length ?? 0;
  await waitFor(async () => (await waits()) === queues.length, {
    message: 'the runner waits for each of them',
  });
  expect(runner.all('redis.down')).toEqual([]);
  for (const queue of queues) await e2e.enqueue(queue, job(queue));
  e2e.write('go');
  await runner.waitForFinished(64 + queues.length, 30_000);
  await e2e.failures(0);
});

onLinux.each([
  ['persistent', { mode: 'persistent' }],
  ['prestarted', { prestart: true }],
  ['ordinary', {}],
])('%s children make room for another queue, with a backlog and while they wait', async (_what, entry) => {
  const loop = `sleep 0.05; echo '{"ok":true}' >&3`;
  const script = e2e.script('mode' in entry ? persistentScript(loop) : 'read -r job; sleep 0.05');
  const runners = {
    mail: { concurrency: 16, ...entry },
    alike: { concurrency: 1, ...entry },
    cold: { concurrency: 1, script: e2e.script('cat >> "$D/ran"') },
  };
  await e2e.enqueue('mail', ...jobs(5_000));
  const runner = await e2e.run({ runners, script }, { limits: { nofile: 48 } });
  await runner.waitForLine('runner.throttled', (line) => line.runner === 'mail');
  await e2e.enqueue('alike', job('alike'));
  await runner.waitForLine('job.finished', (line) => line.queue === 'alike', { timeoutMs: 20_000 });
  expect(await e2e.backlog('mail')).not.toEqual([]);

  await e2e.client.del(e2e.key('queue:mail'));
  for (let round = 1; round <= 3; round += 1) {
    await e2e.enqueue('cold', job(round));
    await waitFor(() => runner.all('job.finished', ({ queue }) => queue === 'cold').length === round, {
      message: () => `job ${round} has ended\n${runner.describe()}`,
      timeoutMs: 20_000,
    });
  }
  await e2e.failures(0);
  expect(runner.all('queue.paused')).toEqual([]);
});

onLinux('a limit that is too low for the program is reported in one line', async () => {
  const { exitCode, stderr } = await execa('prlimit', ['--nofile=24', process.execPath, distEntry, 'check'], {
    reject: false,
  });
  expect([exitCode, stderr]).toEqual([
    1,
    'resque-runner: too many open files (EMFILE): raise the limit of open files (ulimit -n)',
  ]);
});

import { chmodSync, existsSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import { OutcomeQueue } from '../../src/engine/outcomes/unwritten.ts';
import { runCommand } from '../cli/run-command.ts';
import { type RunOptions, useEndToEnd } from '../helpers/end-to-end.ts';
import { EngineRunner } from '../helpers/engine-runner.ts';
import { freePort } from '../helpers/redis.ts';
import { RedisProxy } from '../helpers/redis-proxy.ts';
import type { Runner } from '../helpers/runner.ts';
import { waitFor } from '../helpers/wait-for.ts';
import type { ConfigObject } from '../helpers/workbench.ts';

const stage = useEndToEnd({ isInProcess: true, redis: { appendOnly: true } });

/** A job writes its number and waits for its end. Jobs with odd numbers fail. */
function script(): string {
  return stage.script(`
    n=$(head -c 60); n=\${n#*[}; n=\${n%%]*}
    echo $n >> "$D/started"
    while [ ! -e "$D/go-$n" ] && [ ! -e "$D/go" ]; do sleep 0.2; done
    [ $((n % 2)) = 0 ] || { echo "job $n went wrong" >&2; exit 1; }`);
}

const job = (n: number) => ({ class: 'Job', args: [n] });

function spool(): string {
  return stage.path('state/resque-runner');
}

function spoolFiles(): string[] {
  return existsSync(spool()) ? readdirSync(spool()) : [];
}

/** Jobs run, Redis goes away, the jobs end, then the runner is stopped. @returns its exit */
async function endWithoutRedis(runner: Runner, jobs: number) {
  await stage.waitForFileLines('started', jobs);
  await stage.redis.stop();
  await runner.waitForLine('redis.down');
  stage.write('go');
  await runner.waitForFinished(jobs);
  return await stopWithoutRedis(runner);
}

/** After TERM, a runner waits 5 s for Redis. A second TERM ends this time. */
async function stopWithoutRedis(runner: Runner) {
  runner.signal('SIGTERM');
  await runner.waitForLine('engine.stopping');
  if (runner instanceof EngineRunner) await stage.pass(5);
  else runner.signal('SIGTERM');
  return await runner.waitForExit();
}

async function start(
  changes: ConfigObject = {},
  options: RunOptions = {},
): Promise<{ config: ConfigObject; runner: Runner }> {
  const config = { script: script(), runners: { mail: 4 }, ...changes };
  return { config, runner: await stage.run(config, options) };
}

async function assertAllWritten(): Promise<void> {
  await waitFor(async () => (await stage.client.hlen(stage.key('runners'))) === 1, {
    message: 'only the living runner is registered',
  });
  const failures = await stage.failures(2);
  expect(failures.map(({ error }) => error).sort()).toEqual(['job 1 went wrong', 'job 3 went wrong']);
  expect(await stage.stat('processed')).toBe(4);
  expect(await stage.stat('failed')).toBe(2);
  expect(stage.fileLines('started')).toHaveLength(4);
}

test.each([
  ['at-most-once', {}, { isProgram: true }],
  ['at-least-once', { delivery: 'at-least-once' }, {}],
] as const)(
  'outcomes that could not reach Redis are written once by the next start (%s)',
  async (_, changes, options) => {
    const { config, runner } = await start(changes, options);
    await stage.enqueue('mail', job(1), job(2), job(3), job(4));
    expect(await endWithoutRedis(runner, 4)).toEqual({ code: 0, signal: undefined });
    const told = runner.all('outcomes.spooled');
    expect(told).toHaveLength(1);
    const [file] = spoolFiles();
    expect(told[0]?.message).toContain(join(spool(), file ?? ''));
    expect(statSync(spool()).mode & 0o777).toBe(0o700);
    expect(statSync(join(spool(), file ?? '')).mode & 0o777).toBe(0o600);

    await stage.redis.start();
    const next = await stage.run(config);
    await assertAllWritten();
    expect(next.all('outcomes.restored')).toHaveLength(1);
    expect(next.all('peer.recovered')).toHaveLength(1);
    expect(spoolFiles()).toEqual([]);
    await next.stop();
    const third = await stage.run(config);
    expect(third.all('outcomes.restored')).toEqual([]);
    await assertAllWritten();
  },
);

test('failures keep the order in which the jobs ended', async () => {
  const { config, runner } = await start();
  await stage.enqueue('mail', job(1), job(3), job(5), job(7));
  await stage.waitForFileLines('started', 4);
  await stage.redis.stop();
  await runner.waitForLine('redis.down');
  for (const [at, n] of [5, 1, 7, 3].entries()) {
    stage.write(`go-${n}`);
    await runner.waitForFinished(at + 1);
  }
  expect((await stopWithoutRedis(runner)).code).toBe(0);
  await stage.redis.start();
  await stage.run(config);
  const failures = await stage.failures(4);
  expect(failures.map(({ error }) => error)).toEqual([5, 1, 7, 3].map((n) => `job ${n} went wrong`));
});

test('jobs that the shutdown killed go back to their queue once, if configured', async () => {
  const { config, runner } = await start({ interrupted: 'requeue', shutdownTimeout: 0.1, killAfter: 0.1 });
  await stage.enqueue('mail', job(2), job(4), job(6));
  await stage.waitForFileLines('started', 3);
  await stage.redis.stop();
  await runner.waitForLine('redis.down');
  expect((await stopWithoutRedis(runner)).code).toBe(0);
  await stage.redis.start();
  stage.write('go');
  await stage.run(config);
  await stage.waitForStat('processed', 3);
  expect(stage.fileLines('started').sort()).toEqual(['2', '2', '4', '4', '6', '6']);
});

test('a step that Redis carried out without a reply is not repeated', async () => {
  const { config, runner } = await start();
  await stage.enqueue('mail', job(1), job(2), job(3), job(4));
  await stage.waitForFileLines('started', 4);
  // Redis accepts commands without answering. When it continues, it carries them out.
  stage.redis.freeze();
  stage.write('go');
  await runner.waitForFinished(4);
  runner.signal('SIGTERM');
  // The time limit of a reply, then the time for Redis to come back.
  await stage.pass(10 + 5);
  expect((await runner.waitForExit()).code).toBe(0);
  expect(spoolFiles()).toHaveLength(1);
  stage.redis.thaw();
  await stage.waitForStat('processed', 4);
  await stage.run(config);
  await assertAllWritten();
  expect(spoolFiles()).toEqual([]);
});

test('a runner that is killed while it reads the spool repeats no outcome', async () => {
  // More than fit into one step.
  const count = 80;
  const { config, runner } = await start({ runners: { mail: count } }, { isProgram: true });
  const jobs = Array.from({ length: count }, (_, n) => job(n));
  await stage.enqueue('mail', ...jobs);
  expect((await endWithoutRedis(runner, count)).code).toBe(0);
  await stage.redis.start();
  for (const written of [1, 2]) {
    const killed = await stage.run(config, { awaitRedis: false });
    await waitFor(async () => (await stage.stat('processed')) >= written, {
      message: 'some outcomes are written',
      timeoutMs: 10_000,
    });
    killed.signal('SIGKILL');
    await killed.waitForExit();
  }
  await stage.run(config);
  await stage.waitForStat('processed', count);
  expect(await stage.stat('failed')).toBe(count / 2);
  const failures = await stage.failures(count / 2);
  expect(new Set(failures.map(({ error }) => error)).size).toBe(count / 2);
  expect(spoolFiles()).toEqual([]);
  // The next runner recovers the killed ones.
  await waitFor(async () => (await stage.client.hlen(stage.key('runners'))) === 1, { message: 'one runner' });
});

test('outcomes of a runner that was already recovered are too late, and stay on disk', async () => {
  const { config, runner } = await start({}, { isProgram: true });
  await stage.enqueue('mail', job(1), job(2), job(3), job(4));
  expect((await endWithoutRedis(runner, 4)).code).toBe(0);
  await stage.redis.start();
  // A runner of another user or machine doesn't see the spool.
  const other = await stage.run(
    { ...config, runners: { other: 1 } },
    { env: { XDG_STATE_HOME: stage.path('else') } },
  );
  await other.waitForLine('peer.recovered');
  await stage.waitForStat('failed', 4);
  const next = await stage.run(config);
  const told = await next.waitForLine('spool.failed');
  expect(told.message).toContain('was recovered');
  expect(spoolFiles()).toEqual([expect.stringMatching(/\.late$/)]);
  expect(await stage.stat('processed')).toBe(4);
  expect(await stage.stat('failed')).toBe(4);
  expect(next.all('outcomes.restored')).toEqual([]);
});

test('outcomes reach a Redis that has lost all data', async () => {
  const { config, runner } = await start();
  await stage.enqueue('mail', job(1), job(2), job(3), job(4));
  expect((await endWithoutRedis(runner, 4)).code).toBe(0);
  await stage.redis.start();
  await stage.redis.flush();
  await stage.run(config);
  await assertAllWritten();
});

test('an unwritable spool is reported, and the exit code is 1', async () => {
  mkdirSync(stage.path('state'));
  writeFileSync(spool(), 'no directory');
  const { runner } = await start();
  await stage.enqueue('mail', job(1), job(2));
  expect(await endWithoutRedis(runner, 2)).toEqual({ code: 1, signal: undefined });
  const [told] = runner.all('spool.failed');
  expect(told?.message).toContain(spool());
  expect(runner.all('engine.stopped')[0]?.message).toContain('2 outcomes could not be recorded in Redis');
  await stage.redis.start();
  await stage.redis.flush();
});

test('other files in the directory are left alone and reported once', async () => {
  const { config, runner } = await start();
  await stage.enqueue('mail', job(2));
  expect((await endWithoutRedis(runner, 1)).code).toBe(0);
  const [file = ''] = spoolFiles();
  const bad = join(spool(), file.replace('.spool', '-x.spool'));
  writeFileSync(bad, '{"spool":2}\n');
  chmodSync(bad, 0o600);
  await stage.redis.start();
  const next = await stage.run(config);
  await stage.waitForStat('processed', 1);
  expect(next.all('spool.failed').map(({ message }) => message)).toEqual([
    expect.stringContaining('-x.spool'),
  ]);
  expect(spoolFiles()).toEqual([expect.stringMatching(/-x\.spool$/)]);
});

test('too many outcomes for memory go to disk immediately, and to Redis when it is back', async () => {
  // The real limits are under test in test/engine/outcomes/unwritten.test.ts.
  const full = vi.spyOn(OutcomeQueue.prototype, 'isFull', 'get').mockImplementation(isFullEarly);
  onTestFinished(() => full.mockRestore());
  const { runner } = await start({ delivery: 'at-least-once', runners: { mail: 8 } });
  const large = 'x'.repeat(1024 * 1024);
  await stage.enqueue('mail', ...Array.from({ length: 8 }, (_, n) => ({ ...job(2 * n), large })));
  await stage.waitForFileLines('started', 8);
  await stage.redis.stop();
  await runner.waitForLine('redis.down');
  stage.write('go');
  await runner.waitForFinished(8);
  const told = runner.all('outcomes.spooled');
  expect(told.map(({ message }) => message)).toEqual([expect.stringMatching('6 outcomes')]);
  expect(spoolFiles()).toHaveLength(1);
  await stage.redis.start();
  await stage.pass(5);
  await stage.waitForStat('processed', 8);
  await waitFor(() => spoolFiles().length === 0, { message: 'the spool is empty' });
  expect(await stage.client.keys('*held:mail')).toEqual([]);
});

function isFullEarly(this: OutcomeQueue): boolean {
  return this.length >= 6;
}

test('check reports outcomes on disk, and --repair writes them before it records their jobs as failed', async () => {
  const { config, runner } = await start({}, { isProgram: true });
  await stage.enqueue('mail', job(1), job(2), job(3), job(4));
  expect((await endWithoutRedis(runner, 4)).code).toBe(0);
  await stage.redis.start();
  const env = { XDG_STATE_HOME: stage.path('state') };
  const found = await runCommand(['check'], { cwd: stage.directory, env });
  expect(found.code).toBe(1);
  expect(found.stdout).toMatch(/^FAIL spool {6}.*\.spool holds 4 outcomes, saved by .*; --repair /m);
  expect(spoolFiles()).toEqual([expect.stringMatching(/\.spool$/)]);
  const repaired = await runCommand(['check', '--repair'], { cwd: stage.directory, env });
  expect(repaired.stdout).toMatch(/^ok {3}spool .* 4 outcomes are recorded now/m);
  expect(repaired.code).toBe(0);
  expect(spoolFiles()).toEqual([]);
  expect(await stage.client.hlen(stage.key('runners'))).toBe(0);
  await stage.run(config);
  await assertAllWritten();
});

test('a stop without outcomes, but with jobs that may have been taken, reports them, and they go back once', async () => {
  const port = await freePort();
  let proxy = new RedisProxy(port, stage.redis.port);
  onTestFinished(() => proxy.close());
  const redis = { server: '127.0.0.1', port };
  const { config, runner } = await start({ redis }, { isProgram: true });
  runner.signal('SIGUSR2');
  await runner.waitForLine('queue.paused');
  // A wait that is still open would take a job, which then goes back: that counts as an outcome.
  await waitFor(async () => !/flags=\S*b\S* .*cmd=blpop/.test(String(await stage.client.client('LIST'))), {
    message: 'the runner no longer waits for a job',
  });
  await stage.enqueue('mail', job(2), job(4));
  stage.write('go');
  stage.redis.freeze();
  const steps = proxy.count('evalsha');
  // The runner asks for jobs and gets no reply.
  runner.signal('SIGCONT');
  await runner.waitForLine('queue.resumed');
  await waitFor(() => proxy.count('evalsha') > steps, { message: 'the runner asks for jobs' });
  proxy.close();
  await runner.waitForLine('redis.down');
  expect((await stopWithoutRedis(runner)).code).toBe(0);
  const [file = ''] = spoolFiles();
  const contents = 'up to 4 jobs that were taken but not started';
  expect(runner.all('outcomes.spooled').map(({ message }) => message)).toEqual([
    expect.stringMatching(`saved ${contents} to ${join(spool(), file)} until`),
  ]);
  stage.redis.thaw();
  proxy = new RedisProxy(port, stage.redis.port);
  const env = { XDG_STATE_HOME: stage.path('state') };
  const found = await runCommand(['check'], { cwd: stage.directory, env });
  expect(found.stdout).toMatch(
    /^FAIL spool {6}.*\.spool holds up to 4 jobs that were taken but not started, saved by .*:\d+ while .*; --repair /m,
  );
  const next = await stage.run(config);
  expect(next.all('outcomes.restored')[0]?.message).toContain(`${contents} are back on their queues`);
  await stage.waitForStat('processed', 2);
  expect(stage.fileLines('started').sort()).toEqual(['2', '4']);
});

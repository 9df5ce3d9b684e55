/** Redis goes away and comes back: the runner reports it once, continues jobs, writes outcomes later, and never busy-loops. */
import { createServer, type Server } from 'node:net';
import { describe, expect, test } from 'vitest';
import { useEndToEnd } from '../helpers/end-to-end.ts';
import { cpuSeconds } from '../helpers/processes.ts';
import { freePort, testConnectionName } from '../helpers/redis.ts';
import type { Runner } from '../helpers/runner.ts';
import { waitFor } from '../helpers/wait-for.ts';

const e2e = useEndToEnd({ isInProcess: true, redis: { appendOnly: true } });
const job = (n: number) => ({ class: 'Job', args: [n] });
const untilGo = 'echo started >> "$D/started"; while [ ! -e "$D/go" ]; do sleep 0.1; done';
/** The backoff may have grown. */
const backTimeoutMs = 15_000;

/** The outage and its end were each reported once. */
function assertToldOnce(runner: Runner, from = 0): void {
  const told = runner.lines.slice(from).filter(({ event }) => event.startsWith('redis.'));
  expect(told.map(({ event }) => event)).toEqual(['redis.down', 'redis.up']);
  expect(told[0]?.reason).not.toBe('');
  expect(told[1]?.awayMs).toBeGreaterThan(0);
}

/** Waits for the end of the outage, without the backoff's pauses. */
async function passUntilUp(runner: Runner, from: number): Promise<void> {
  await runner.waitForLine('redis.down', undefined, { from });
  const isUp = async () => {
    await e2e.pass(1);
    return runner.lines.slice(from).some(({ event }) => event === 'redis.up');
  };
  await waitFor(isUp, { message: () => `Redis is up\n${runner.describe()}` });
}

/** Ids of the runner's connections. */
async function connections(command = ''): Promise<string[]> {
  const list = String(await e2e.client.client('LIST'));
  return list
    .split('\n')
    .filter((line) => line !== '' && !line.includes(`name=${testConnectionName}`))
    .filter((line) => line.includes(command))
    .map((line) => /id=(\d+)/.exec(line)?.[1] ?? '');
}

describe('a restart of Redis during a job', () => {
  test.each([
    ['succeeds', '', 0],
    ['fails', '; exit 1', 1],
  ])('a job that %s during the outage has its outcome written later', async (_how, ending, failed) => {
    const script = e2e.script(untilGo + ending);
    await e2e.enqueue('mail', job(1), job(2));
    const runner = await e2e.run({ runners: { mail: 1 }, script });
    await e2e.waitForFileLines('started', 1);
    const from = runner.position;
    await e2e.redis.stop();
    await runner.waitForLine('redis.down', undefined, { from });
    e2e.write('go');
    await runner.waitForFinished(1);
    await e2e.redis.start();
    await runner.waitForLine('redis.up', undefined, { from, timeoutMs: backTimeoutMs });
    await runner.waitForFinished(2);
    await e2e.waitForStat('processed', 2);
    await e2e.failures(2 * failed);
    expect(e2e.fileLines('started')).toHaveLength(2);
    assertToldOnce(runner, from);
  });

  test('a job that ends after it has its outcome written', async () => {
    await e2e.enqueue('mail', job(1));
    const runner = await e2e.run({ runners: { mail: 1 }, script: e2e.script(untilGo) });
    await e2e.waitForFileLines('started', 1);
    const from = runner.position;
    await e2e.redis.restart();
    await runner.waitForLine('redis.up', undefined, { from, timeoutMs: backTimeoutMs });
    e2e.write('go');
    await runner.waitForFinished(1);
    await e2e.waitForStat('processed', 1);
    assertToldOnce(runner, from);
  });

  test('many outcomes are each written once', async () => {
    const script = e2e.script(`${untilGo}; exit 1`);
    await e2e.enqueue('mail', ...Array.from({ length: 12 }, (_, n) => job(n)));
    const runner = await e2e.run({ runners: { mail: 12 }, script });
    await e2e.waitForFileLines('started', 12);
    const from = runner.position;
    await e2e.redis.kill();
    await runner.waitForLine('redis.down', undefined, { from });
    e2e.write('go');
    await runner.waitForFinished(12);
    await e2e.redis.start();
    const failures = await e2e.failures(12, backTimeoutMs);
    expect(new Set(failures.map(({ payload }) => JSON.stringify(payload))).size).toBe(12);
    await e2e.waitForStat('processed', 12);
    expect(await e2e.stat('failed')).toBe(12);
  });

  test('the runner survives several restarts in a row, and an empty Redis', async () => {
    const script = e2e.script('read -r p; echo "$p" >> "$D/ran"');
    const runner = await e2e.run({ runners: { mail: 2, video: 1 }, script });
    for (let round = 1; round <= 3; round++) {
      const from = runner.position;
      await e2e.redis.restart();
      await passUntilUp(runner, from);
      if (round === 3) await e2e.redis.flush();
      await e2e.enqueue('mail', job(round));
      await runner.waitForFinished(round);
    }
    expect(e2e.fileLines('ran')).toHaveLength(3);
  });

  test('the worker is registered again if Redis comes back empty', async () => {
    const script = e2e.script('exit 0');
    const runner = await e2e.run({ runners: { mail: 1 }, script });
    const id = await waitFor(async () => (await e2e.client.smembers(e2e.key('workers')))[0], {
      message: 'the worker is registered',
    });
    await e2e.redis.flush();
    const from = runner.position;
    await e2e.redis.restart();
    await runner.waitForLine('redis.up', undefined, { from, timeoutMs: backTimeoutMs });
    await waitFor(async () => (await e2e.client.sismember(e2e.key('workers'), id)) === 1, {
      message: 'the worker is registered again',
    });
    expect(await e2e.client.exists(e2e.key(`worker:${id}:started`))).toBe(1);
  });
});

test('TERM while Redis is away ends the runner in time', async () => {
  const script = e2e.script(untilGo);
  await e2e.enqueue('mail', job(1));
  const runner = await e2e.run({ runners: { mail: 1 }, script, shutdownTimeout: 0.3, killAfter: 0.2 });
  await e2e.waitForFileLines('started', 1);
  await e2e.redis.stop();
  await runner.waitForLine('redis.down');
  runner.signal('SIGTERM');
  await runner.waitForFinished(1);
  // It waits for Redis this long.
  await e2e.pass(5);
  await runner.waitForExit(1_000);
  expect(runner.all('job.finished')).toHaveLength(1);
  await e2e.redis.start();
  // The runner couldn't remove its registration; other runners clean it up.
  await e2e.redis.flush();
});

describe('Redis that is down at the start', () => {
  test('makes the runner wait', async () => {
    await e2e.redis.stop();
    const script = e2e.script('echo ran >> "$D/ran"');
    const runner = await e2e.run({ runners: { mail: 1 }, script }, { awaitRedis: false });
    await runner.waitForLine('redis.down');
    await e2e.redis.start();
    await e2e.enqueue('mail', job(1));
    await runner.waitForFinished(1, backTimeoutMs);
    assertToldOnce(runner);
  });

  test('does not stop TERM from ending the runner', async () => {
    await e2e.redis.stop();
    try {
      const config = { runners: { mail: 1 }, script: '/bin/true' };
      const runner = await e2e.run(config, { awaitRedis: false });
      await runner.waitForLine('redis.down');
      expect(await runner.stop(5000)).toEqual({ code: 0, signal: undefined });
    } finally {
      await e2e.redis.start();
    }
  });
});

test('a port that closes every connection causes no busy loop', async () => {
  let attempts = 0;
  const port = await freePort();
  const server: Server = createServer((socket) => {
    attempts++;
    socket.on('error', () => {
      // The test closes it on purpose.
    });
    socket.destroy();
  }).listen(port, '127.0.0.1');
  try {
    const redis = { server: '127.0.0.1', port };
    const config = { redis, runners: { mail: 1 }, script: '/bin/true' };
    const runner = await e2e.run(config, { awaitRedis: false, isProgram: true });
    await runner.waitForLine('redis.down');
    const cpuBefore = cpuSeconds(runner.pid);
    const before = { attempts, at: performance.now() };
    await waitFor(() => attempts >= before.attempts + 4, {
      message: 'the runner retries',
      timeoutMs: 20_000,
    });
    const seconds = (performance.now() - before.at) / 1000;
    expect((attempts - before.attempts) / seconds).toBeLessThan(25);
    expect((cpuSeconds(runner.pid) - cpuBefore) / seconds).toBeLessThan(0.3);
    expect(runner.all('redis.down')).toHaveLength(1);
    expect(runner.all('redis.up')).toHaveLength(0);
    await runner.stop();
  } finally {
    server.close();
  }
});

describe('a connection that is killed', () => {
  test('while it blocks is opened again', async () => {
    const script = e2e.script('read -r p; echo "$p" >> "$D/ran"');
    const runner = await e2e.run({ runners: { mail: 1 }, script });
    for (let round = 1; round <= 5; round++) {
      const [id = ''] = await waitFor(
        async () => {
          const found = await connections('cmd=blpop');
          return found.length > 0 && found;
        },
        { message: 'the runner is blocked', timeoutMs: backTimeoutMs },
      );
      const from = runner.position;
      await e2e.client.client('KILL', 'ID', id);
      await e2e.enqueue('mail', job(round));
      await passUntilUp(runner, from);
      await runner.waitForFinished(round, backTimeoutMs);
    }
    expect(e2e.fileLines('ran')).toHaveLength(5);
  });

  test('together with all others during a job loses no outcome', async () => {
    const script = e2e.script(untilGo);
    const runner = await e2e.run({ runners: { mail: 2 }, script });
    await e2e.enqueue('mail', job(1), job(2));
    await e2e.waitForFileLines('started', 2);
    for (const id of await connections()) await e2e.client.client('KILL', 'ID', id);
    e2e.write('go');
    await runner.waitForFinished(2);
    await waitFor(async () => (await e2e.stat('processed')) === 2, {
      message: 'both outcomes are written',
      timeoutMs: backTimeoutMs,
    });
    await e2e.enqueue('mail', job(3));
    await runner.waitForFinished(3, backTimeoutMs);
  });
});

describe('a master that becomes a replica', () => {
  test('rejects writes for a while: the runner reports it once and writes the outcome later', async () => {
    const script = e2e.script(`${untilGo}; exit 1`);
    const runner = await e2e.run({ runners: { mail: 1 }, script });
    await e2e.enqueue('mail', job(1));
    await e2e.waitForFileLines('started', 1);
    const from = runner.position;
    await e2e.client.replicaof('127.0.0.1', 1);
    try {
      e2e.write('go');
      await runner.waitForFinished(1);
      await runner.waitForLine('redis.down', undefined, { from });
    } finally {
      await e2e.client.replicaof('NO', 'ONE');
    }
    await runner.waitForLine('redis.up', undefined, { from, timeoutMs: backTimeoutMs });
    await e2e.failures(1, backTimeoutMs);
    await e2e.waitForStat('processed', 1);
    assertToldOnce(runner, from);
    await e2e.enqueue('mail', job(2));
    await runner.waitForFinished(2);
  });

  test('while the runner is idle does not stop it from taking jobs later', async () => {
    const script = e2e.script('exit 0');
    const runner = await e2e.run({ runners: { mail: 1 }, script });
    await waitFor(async () => (await connections('cmd=blpop')).length > 0, {
      message: 'the runner is blocked',
    });
    const from = runner.position;
    await e2e.client.replicaof('127.0.0.1', 1);
    try {
      await runner.waitForLine('redis.down', undefined, { from });
    } finally {
      await e2e.client.replicaof('NO', 'ONE');
    }
    await e2e.enqueue('mail', job(1));
    await runner.waitForFinished(1, backTimeoutMs);
    assertToldOnce(runner, from);
  });
});

/** Runners that share an embedded Redis: when it ends, whatever the cause, one of those that are left starts it again. */
import { randomUUID } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { afterEach, beforeEach, describe, expect, onTestFailed, test } from 'vitest';
import { findOnPath } from '../../../src/engine/process/startable.ts';
import { assertNoProcessLeft } from '../../helpers/leaks.ts';
import { freeze, isAlive, kill, markVariable, processesMarked } from '../../helpers/processes.ts';
import { ProgramRunner } from '../../helpers/runner.ts';
import { staysTrue, waitFor } from '../../helpers/wait-for.ts';
import { useDirectory } from '../directory.ts';
import { runProgram } from '../program.ts';

const directory = useDirectory();
let mark = '';
let runners: ProgramRunner[] = [];

beforeEach(() => {
  mark = randomUUID();
  runners = [];
  mkdirSync(path('tmp'));
  onTestFailed(() => {
    for (const runner of runners) console.error(runner.describe());
  });
});

afterEach(async () => {
  for (const runner of runners) if (!runner.hasExited) runner.signal('SIGKILL');
  for (const pid of servers()) process.kill(pid, 'SIGCONT');
  await waitFor(() => servers().length === 0, { message: 'servers end with their runners' });
  for (const { pid } of processesMarked(mark)) kill(pid);
  await Promise.all(runners.map((runner) => runner.exit));
});

function path(name: string): string {
  return join(directory.path, name);
}

/** One with a slot, whose jobs take a tenth of a second and note their number. */
async function run(env: Readonly<Record<string, string>> = {}): Promise<ProgramRunner> {
  writeFileSync(path('job'), `read -r job || :\nsleep 0.1\necho "$job" >> '${path('done')}'\n`);
  const runner = new ProgramRunner({
    directory: directory.path,
    config: {
      redis: 'embedded',
      runners: { mail: 1 },
      script: ['/bin/sh', path('job')],
      interrupted: 'requeue',
    },
    env: { [markVariable]: mark, ...env },
  });
  runners.push(runner);
  await runner.waitForLine('redis.up');
  return runner;
}

/** Asks the server once it is there. */
async function ask<T>(question: (client: Redis) => Promise<T>): Promise<T> {
  const socket = path('.resque-runner/redis.sock');
  const client = new Redis({
    path: socket,
    protocol: 2,
    disableClientInfo: true,
    lazyConnect: true,
    retryStrategy: () => null,
  });
  client.on('error', () => {
    // `connect` tells it too.
  });
  try {
    await waitFor(
      () =>
        client.connect().then(
          () => true,
          () => false,
        ),
      { message: 'the server answers' },
    );
    return await question(client);
  } finally {
    client.disconnect();
  }
}

async function enqueue(from: number, to: number): Promise<void> {
  const jobs = Array.from({ length: to - from }, (_, index) =>
    JSON.stringify({ class: 'Job', args: [from + index] }),
  );
  await ask((client) =>
    client
      .multi()
      .sadd('resque:queues', 'mail')
      .rpush('resque:queue:mail', ...jobs)
      .exec(),
  );
}

/** Numbers of the jobs that have come to their end, each once. */
function done(): number[] {
  const text = existsSync(path('done')) ? readFileSync(path('done'), 'utf8') : '';
  const lines = text.split('\n').slice(0, -1);
  return [...new Set(lines.map((line) => Number(/\[(\d+)\]/.exec(line)?.[1])))].sort((a, b) => a - b);
}

async function waitForDone(count: number, timeoutMs = 15_000): Promise<void> {
  await waitFor(() => done().length >= count, {
    message: () => `${count} jobs are done: ${done()}`,
    timeoutMs,
  });
}

/** All servers of the test's directory that run, by the title that a server gives itself: it covers its environment. */
function servers(): number[] {
  return readdirSync('/proc')
    .map(Number)
    .filter((pid) => {
      if (!(pid > 0)) return false;
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(`-server unixsocket:${directory.path}`);
      } catch {
        return false; // It has ended.
      }
    });
}

function theServer(): number {
  const [pid, ...others] = servers();
  if (pid === undefined || others.length > 0) throw new Error(`${servers().length} servers run`);
  return pid;
}

/** The runner that has started the server: its guard's parent. */
function owner(): ProgramRunner {
  const guard = readFileSync(path('.resque-runner/lock'), 'utf8').split('\n')[0];
  const parent = Number(/^PPid:\s+(\d+)$/m.exec(readFileSync(`/proc/${guard}/status`, 'utf8'))?.[1]);
  const found = runners.find(({ pid, hasExited }) => !hasExited && pid === parent);
  if (found === undefined) throw new Error(`the server's guard ${guard} belongs to none of the runners`);
  return found;
}

async function waitForServer(): Promise<void> {
  expect(await ask((client) => client.ping())).toBe('PONG');
}

/** Kills it, and waits until its server has ended. */
async function killOwner(): Promise<void> {
  const server = theServer();
  const killed = owner();
  killed.signal('SIGKILL');
  await killed.exit;
  await waitFor(() => !isAlive(server), { message: 'the server has ended' });
}

/** TERM to all that run: they end cleanly and leave nothing. */
async function endCleanly({ stderr = /^$/ }: { stderr?: RegExp } = {}): Promise<void> {
  const living = runners.filter(({ hasExited }) => !hasExited);
  for (const runner of living) expect(await runner.stop()).toEqual({ code: 0, signal: undefined });
  for (const runner of living) expect(runner.stderr).toMatch(stderr);
  await assertNoProcessLeft(mark);
  expect(servers()).toEqual([]);
  for (const name of ['lock', 'lock.release', 'redis.sock']) {
    expect(existsSync(path(`.resque-runner/${name}`)), name).toBe(false);
  }
}

describe('an embedded Redis that two runners share', () => {
  test('is started again by the second when the first is killed, and no job is lost', async () => {
    await run();
    const second = await run();
    await enqueue(0, 60);
    await waitForDone(10);
    await killOwner();
    await waitForDone(60);
    expect(done()).toEqual(Array.from({ length: 60 }, (_, index) => index));
    expect(owner()).toBe(second);
    expect(second.all('redis.down')).toHaveLength(1);
    expect(second.all('redis.up')[1]?.awayMs).toBeLessThan(4_000);
    expect(await ask((client) => client.llen('resque:failed'))).toBe(0);
    await endCleanly();
  });

  test('goes over to the second when the first is stopped', async () => {
    const first = await run();
    const second = await run();
    await enqueue(0, 30);
    await waitForDone(5);
    expect(await first.stop()).toEqual({ code: 0, signal: undefined });
    await waitForDone(30);
    expect(owner()).toBe(second);
    // The last job's outcome reaches Redis a moment after the job itself.
    await waitFor(() => ask(async (client) => (await client.get('resque:stat:processed')) === '30'), {
      message: 'all jobs are counted once',
    });
    await endCleanly();
  });

  test('is there for what both still have to tell it when both are stopped at the same time', async () => {
    const both = [await run(), await run()];
    await enqueue(0, 30);
    await waitForDone(5);
    for (const runner of both) runner.signal('SIGTERM');
    for (const runner of both) expect(await runner.waitForExit()).toEqual({ code: 0, signal: undefined });
    await endCleanly();
    const next = await run();
    await waitForDone(30);
    expect(next.all('outcomes.restored')).toEqual([]);
    await waitFor(() => ask(async (client) => (await client.get('resque:stat:processed')) === '30'), {
      message: 'all jobs are counted once',
    });
    await endCleanly();
  });

  test('is not started a second time while the first server is still ending', async () => {
    const first = await run();
    const second = await run();
    const server = theServer();
    await freeze(server);
    first.signal('SIGKILL');
    await first.exit;
    await staysTrue(() => servers().length === 1, { message: 'there is one server', forMs: 1_000 });
    process.kill(server, 'SIGCONT');
    await waitFor(() => !isAlive(server) && servers().length === 1, { message: 'there is another server' });
    await enqueue(0, 3);
    await waitForDone(3);
    expect(owner()).toBe(second);
    await endCleanly();
  });
});

test('of several runners that are left exactly one starts the embedded Redis again, and again when that one is killed', async () => {
  for (let started = 0; started < 4; started += 1) await run();
  await enqueue(0, 80);
  await waitForDone(10);
  for (let kills = 0; kills < 2; kills += 1) {
    await killOwner();
    await waitForServer();
    expect(servers()).toHaveLength(1);
  }
  await waitForDone(80);
  expect(done()).toEqual(Array.from({ length: 80 }, (_, index) => index));
  const living = runners.filter(({ hasExited }) => !hasExited);
  await waitFor(() => living.every((runner) => (runner.lines.at(-1)?.event ?? '') !== 'redis.down'), {
    message: 'all are connected again',
  });
  await endCleanly();
});

describe('an embedded Redis whose server ends by itself', () => {
  test('is started again by its runner, which says so once', async () => {
    const runner = await run();
    await enqueue(0, 40);
    for (const count of [10, 40]) {
      const { position } = runner;
      kill(theServer());
      await runner.waitForLine('redis.up', (line) => line.awayMs !== null, { from: position });
      await waitForDone(count);
    }
    expect(runner.stderr.match(/was killed by signal 9; starting it again\n/g)).toHaveLength(1);
    await endCleanly({ stderr: /^resque-runner: / });
  });

  test('waits for its program if that is gone, and says so once', async () => {
    mkdirSync(path('bin'));
    for (const name of ['redis-server', 'rm', 'sleep']) {
      const file = await findOnPath(name, { directory: '/', path: process.env.PATH ?? '' });
      if (file !== null) symlinkSync(file, path(`bin/${name}`));
    }
    const runner = await run({ PATH: path('bin') });
    renameSync(path('bin/redis-server'), path('bin/gone'));
    const server = theServer();
    kill(server);
    await waitFor(() => runner.stderr.includes('neither redis-server nor valkey-server is on PATH'), {
      message: () => runner.describe(),
    });
    await staysTrue(() => servers().length === 0, { message: 'no server runs', forMs: 1_500 });
    renameSync(path('bin/gone'), path('bin/redis-server'));
    await waitForServer();
    await enqueue(0, 3);
    await waitForDone(3);
    expect(runner.stderr.match(/on PATH/g)).toHaveLength(1);
    await endCleanly({ stderr: /^resque-runner: / });
  });
});

test('a command that comes while the embedded Redis changes hands waits for it', async () => {
  const first = await run();
  await run();
  const server = theServer();
  await freeze(server);
  first.signal('SIGKILL');
  await first.exit;
  const status = runProgram(['status', '--json'], { cwd: directory.path });
  process.kill(server, 'SIGCONT');
  expect((await status).code).toBe(0);
  await endCleanly();
});

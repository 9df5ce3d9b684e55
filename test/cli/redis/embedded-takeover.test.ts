/** Runners that share an embedded Redis: when it ends for any reason, one of the remaining runners starts it again. */
import { randomUUID } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { test as baseTest, describe, expect } from 'vitest';
import { findOnPath } from '../../../src/engine/process/startable.ts';
import { assertNoProcessLeft } from '../../helpers/leaks.ts';
import { freeze, isAlive, kill, markVariable, processesMarked } from '../../helpers/processes.ts';
import { ProgramRunner } from '../../helpers/runner.ts';
import { staysTrue, waitFor } from '../../helpers/wait-for.ts';
import { runProgram } from '../program.ts';

/** A directory with an embedded Redis, and the runners that share it. */
class Stage {
  readonly directory = realpathSync(mkdtempSync(join(tmpdir(), 'rr-cli-')));
  readonly #mark = randomUUID();
  readonly #runners: ProgramRunner[] = [];

  constructor() {
    mkdirSync(this.path('tmp'));
  }

  path(name: string): string {
    return join(this.directory, name);
  }

  get living(): ProgramRunner[] {
    return this.#runners.filter(({ hasExited }) => !hasExited);
  }

  /** A runner with one slot. Its jobs take a tenth of a second and record their number. */
  async run(env: Readonly<Record<string, string>> = {}): Promise<ProgramRunner> {
    writeFileSync(this.path('job'), `read -r job || :\nsleep 0.1\necho "$job" >> '${this.path('done')}'\n`);
    const runner = new ProgramRunner({
      directory: this.directory,
      config: {
        redis: 'embedded',
        runners: { mail: 1 },
        script: ['/bin/sh', this.path('job')],
        interrupted: 'requeue',
      },
      env: { [markVariable]: this.#mark, ...env },
    });
    this.#runners.push(runner);
    await runner.waitForLine('redis.up');
    return runner;
  }

  /** Asks the server as soon as it is there. */
  async ask<T>(question: (client: Redis) => Promise<T>): Promise<T> {
    const client = new Redis({
      path: this.path('.resque-runner/redis.sock'),
      protocol: 2,
      disableClientInfo: true,
      lazyConnect: true,
      retryStrategy: () => null,
    });
    client.on('error', () => {
      // `connect` reports it, too.
    });
    const connects = () =>
      client.connect().then(
        () => true,
        () => false,
      );
    try {
      await waitFor(connects, { message: 'the server answers' });
      return await question(client);
    } finally {
      client.disconnect();
    }
  }

  async enqueue(count: number): Promise<void> {
    const jobs = Array.from({ length: count }, (_, number) =>
      JSON.stringify({ class: 'Job', args: [number] }),
    );
    await this.ask((client) =>
      client
        .multi()
        .sadd('resque:queues', 'mail')
        .rpush('resque:queue:mail', ...jobs)
        .exec(),
    );
  }

  /** Numbers of the finished jobs, each once. */
  done(): number[] {
    const text = existsSync(this.path('done')) ? readFileSync(this.path('done'), 'utf8') : '';
    const lines = text.split('\n').slice(0, -1);
    return [...new Set(lines.map((line) => Number(/\[(\d+)\]/.exec(line)?.[1])))].sort((a, b) => a - b);
  }

  async waitForDone(count: number): Promise<void> {
    await waitFor(() => this.done().length >= count, {
      message: () => `${count} jobs are done: ${this.done()}`,
      timeoutMs: 15_000,
    });
  }

  /** Waits until each job has finished and is counted once. */
  async waitForAll(count: number): Promise<void> {
    await this.waitForDone(count);
    expect(this.done()).toEqual(Array.from({ length: count }, (_, number) => number));
    // The last job's outcome reaches Redis a moment after the job itself.
    await waitFor(
      () => this.ask(async (client) => (await client.get('resque:stat:processed')) === `${count}`),
      {
        message: 'all jobs are counted once',
      },
    );
  }

  /** All running servers of this directory, found by the title that a server gives itself, which hides its environment. */
  servers(): number[] {
    return readdirSync('/proc')
      .map(Number)
      .filter((pid) => {
        if (!(pid > 0)) return false;
        try {
          return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(
            `-server unixsocket:${this.directory}/`,
          );
        } catch {
          return false; // It has ended.
        }
      });
  }

  theServer(): number {
    const servers = this.servers();
    const [pid, ...others] = servers;
    if (pid === undefined || others.length > 0) throw new Error(`${servers.length} servers run`);
    return pid;
  }

  /** The runner that has started the server: its guard's parent. */
  owner(): ProgramRunner {
    const guard = readFileSync(this.path('.resque-runner/lock'), 'utf8').split('\n')[0];
    const parent = Number(/^PPid:\s+(\d+)$/m.exec(readFileSync(`/proc/${guard}/status`, 'utf8'))?.[1]);
    const found = this.living.find(({ pid }) => pid === parent);
    if (found === undefined) throw new Error(`the server's guard ${guard} belongs to none of the runners`);
    return found;
  }

  async waitForServer(): Promise<void> {
    expect(await this.ask((client) => client.ping())).toBe('PONG');
  }

  /** Kills it, and waits until its server has ended. */
  async killOwner(): Promise<void> {
    const server = this.theServer();
    const killed = this.owner();
    killed.signal('SIGKILL');
    await killed.exit;
    await waitFor(() => !isAlive(server), { message: 'the server has ended' });
  }

  /** Sends TERM to all running runners: they end cleanly and leave nothing. */
  async endCleanly({ stderr = /^$/ }: { stderr?: RegExp } = {}): Promise<void> {
    const { living } = this;
    for (const runner of living) expect(await runner.stop()).toEqual({ code: 0, signal: undefined });
    for (const runner of living) expect(runner.stderr).toMatch(stderr);
    await assertNoProcessLeft(this.#mark);
    expect(this.servers()).toEqual([]);
    for (const name of ['lock', 'lock.release', 'redis.sock']) {
      expect(existsSync(this.path(`.resque-runner/${name}`)), name).toBe(false);
    }
  }

  describe(): string {
    return this.#runners.map((runner) => runner.describe()).join('\n');
  }

  async dispose(): Promise<void> {
    for (const runner of this.living) runner.signal('SIGKILL');
    for (const pid of this.servers()) process.kill(pid, 'SIGCONT');
    await waitFor(() => this.servers().length === 0, { message: 'servers end with their runners' });
    for (const { pid } of processesMarked(this.#mark)) kill(pid);
    await Promise.all(this.#runners.map((runner) => runner.exit));
    rmSync(this.directory, { recursive: true, force: true });
  }
}

/** Each test has its own stage, because the tests of a group run at the same time. */
const test = baseTest.extend<{ stage: Stage }>({
  stage: async ({ onTestFailed }, use) => {
    const stage = new Stage();
    onTestFailed(() => console.error(stage.describe()));
    await use(stage);
    await stage.dispose();
  },
});

describe('an embedded Redis that two runners share', () => {
  test.concurrent('is started again by the second when the first is killed, and no job is lost', async ({
    stage,
  }) => {
    await stage.run();
    const second = await stage.run();
    await stage.enqueue(20);
    await stage.waitForDone(5);
    await stage.killOwner();
    await stage.waitForAll(20);
    expect(stage.owner()).toBe(second);
    expect(second.all('redis.down')).toHaveLength(1);
    expect(second.all('redis.up')[1]?.awayMs).toBeLessThan(4_000);
    expect(await stage.ask((client) => client.llen('resque:failed'))).toBe(0);
    await stage.endCleanly();
  });

  test.concurrent('passes to the second when the first is stopped', async ({ stage }) => {
    const first = await stage.run();
    const second = await stage.run();
    await stage.enqueue(16);
    await stage.waitForDone(4);
    expect(await first.stop()).toEqual({ code: 0, signal: undefined });
    await stage.waitForAll(16);
    expect(stage.owner()).toBe(second);
    await stage.endCleanly();
  });

  test.concurrent('stays until both have written their outcomes if both are stopped at the same time', async ({
    stage,
  }) => {
    const both = [await stage.run(), await stage.run()];
    await stage.enqueue(16);
    await stage.waitForDone(4);
    for (const runner of both) runner.signal('SIGTERM');
    for (const runner of both) expect(await runner.waitForExit()).toEqual({ code: 0, signal: undefined });
    await stage.endCleanly();
    const next = await stage.run();
    await stage.waitForAll(16);
    expect(next.all('outcomes.restored')).toEqual([]);
    await stage.endCleanly();
  });

  test.concurrent('is not started a second time while the first server is still ending', async ({
    stage,
  }) => {
    const first = await stage.run();
    const second = await stage.run();
    const server = stage.theServer();
    await freeze(server);
    first.signal('SIGKILL');
    await first.exit;
    await staysTrue(() => stage.servers().length === 1, { message: 'there is one server', forMs: 1_000 });
    process.kill(server, 'SIGCONT');
    await waitFor(() => !isAlive(server) && stage.servers().length === 1, {
      message: 'there is another server',
    });
    await stage.enqueue(3);
    await stage.waitForDone(3);
    expect(stage.owner()).toBe(second);
    await stage.endCleanly();
  });
});

describe('an embedded Redis that is gone', () => {
  test.concurrent('is started again by exactly one of several remaining runners, and again when that one is killed', async ({
    stage,
  }) => {
    for (let started = 0; started < 4; started += 1) await stage.run();
    await stage.enqueue(40);
    await stage.waitForDone(8);
    for (let kills = 0; kills < 2; kills += 1) {
      await stage.killOwner();
      await stage.waitForServer();
      expect(stage.servers()).toHaveLength(1);
    }
    await stage.waitForAll(40);
    const { living } = stage;
    await waitFor(() => living.every((runner) => (runner.lines.at(-1)?.event ?? '') !== 'redis.down'), {
      message: 'all are connected again',
    });
    await stage.endCleanly();
  });

  test.concurrent('is started again by its runner if its server ends by itself, with one message', async ({
    stage,
  }) => {
    const runner = await stage.run();
    await stage.enqueue(20);
    for (const count of [10, 20]) {
      const { position } = runner;
      kill(stage.theServer());
      await runner.waitForLine('redis.up', (line) => line.awayMs !== null, { from: position });
      await stage.waitForDone(count);
    }
    expect(runner.stderr.match(/was killed by signal 9; starting it again\n/g)).toHaveLength(1);
    await stage.endCleanly({ stderr: /^resque-runner: / });
  });

  test.concurrent('waits for the server program if that is missing, with one message', async ({ stage }) => {
    mkdirSync(stage.path('bin'));
    for (const name of ['redis-server', 'rm', 'sleep']) {
      const file = await findOnPath(name, { directory: '/', path: process.env.PATH ?? '' });
      if (file !== null) symlinkSync(file, stage.path(`bin/${name}`));
    }
    const runner = await stage.run({ PATH: stage.path('bin') });
    renameSync(stage.path('bin/redis-server'), stage.path('bin/gone'));
    const server = stage.theServer();
    kill(server);
    await waitFor(() => runner.stderr.includes('neither redis-server nor valkey-server is on PATH'), {
      message: () => runner.describe(),
    });
    await staysTrue(() => stage.servers().length === 0, { message: 'no server runs', forMs: 1_500 });
    renameSync(stage.path('bin/gone'), stage.path('bin/redis-server'));
    await stage.waitForServer();
    await stage.enqueue(3);
    await stage.waitForDone(3);
    expect(runner.stderr.match(/on PATH/g)).toHaveLength(1);
    await stage.endCleanly({ stderr: /^resque-runner: / });
  });

  test.concurrent('is waited for by a command that runs during the takeover', async ({ stage }) => {
    const first = await stage.run();
    await stage.run();
    const server = stage.theServer();
    await freeze(server);
    first.signal('SIGKILL');
    await first.exit;
    const status = runProgram(['status', '--json'], { cwd: stage.directory });
    process.kill(server, 'SIGCONT');
    expect((await status).code).toBe(0);
    await stage.endCleanly();
  });
});

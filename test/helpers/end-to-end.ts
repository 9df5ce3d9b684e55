/**
 * The stage of an end-to-end test: a real Redis, a directory, scripts, runners; and after each test the check
 * that nothing is left of them.
 *
 * A test that passes must leave its runners to end cleanly: they get a TERM, and then there may be no process,
 * no key, no temporary file of theirs, no failure that breaks resque-web, no line on stdout that is not the
 * log's, and nothing on stderr. After a test that fails, everything is killed and the log shown.
 */
import { randomUUID } from 'node:crypto';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Redis } from 'ioredis';
import { afterEach, beforeEach, expect, vi } from 'vitest';
import { EngineRunner } from './engine-runner.ts';
import { assertNoFileLeft, assertNoKeyLeft, assertNoProcessLeft } from './leaks.ts';
import { commandPrefix, type OtherUser } from './other-user.ts';
import { kill, markVariable, processesMarked } from './processes.ts';
import { type RedisOptions, type RedisServer, useRedis } from './redis.ts';
import { assertSafeForResqueWeb, type FailureRecord } from './resque-web.ts';
import { type ConfigObject, currentProgram, ProgramRunner, type Runner } from './runner.ts';
import { waitFor } from './wait-for.ts';

const testTimeoutMs = 30_000;

export interface EndToEndOptions {
  readonly redis?: RedisOptions;
  readonly timeoutMs?: number;
  /** The config's `namespace`, for the tests' own reads and checks. */
  readonly namespace?: string;
  /** Runs the engine in the tests' process, unless a test needs more of the program. */
  readonly isInProcess?: boolean;
}

export interface RunOptions {
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Instead of the tests' own; its directory has to be open to it. */
  readonly user?: OtherUser;
  /** Of another version. */
  readonly program?: string;
  /** Words before the command, which go on as it. */
  readonly prefix?: readonly string[];
  /** False where Redis can't be reached at first. */
  readonly awaitRedis?: boolean;
  /** For a test that kills its runner, or looks at its process. */
  readonly isProgram?: true;
  /** Limits of its process, by their names for prlimit(1): `{ nofile: 40 }`. */
  readonly limits?: Readonly<Record<string, number>>;
}

export interface ScriptOptions {
  readonly name?: string;
  readonly interpreter?: string;
}

export class EndToEnd {
  readonly redis: RedisServer;
  readonly prefix: string;
  readonly #isInProcess: boolean;
  #directory = '';
  #mark = '';
  #runners: Runner[] = [];
  #allowedKeys: string[] = [];
  #mayWriteStderr = false;
  /** Whether a runner of another version took part. */
  #hasOlder = false;
  #scripts = 0;

  constructor(redis: RedisServer, prefix: string, isInProcess: boolean) {
    this.redis = redis;
    this.prefix = prefix;
    this.#isInProcess = isInProcess;
  }

  get client(): Redis {
    return this.redis.client;
  }

  /** The test's own directory, without characters that a shell would need quoted. */
  get directory(): string {
    return this.#directory;
  }

  /** Value of the variable that marks all processes of the test. */
  get mark(): string {
    return this.#mark;
  }

  path(name: string): string {
    return join(this.#directory, name);
  }

  read(name: string): string {
    try {
      return readFileSync(this.path(name), 'utf8');
    } catch {
      return ''; // Nobody has written it yet.
    }
  }

  write(name: string, content: string | Buffer = ''): string {
    writeFileSync(this.path(name), content);
    return this.path(name);
  }

  /** An executable job script, `/bin/sh` by default; its directory is `$D` in it. @returns its path. */
  script(body: string, { name, interpreter = '/bin/sh' }: ScriptOptions = {}): string {
    const path = this.path(name ?? `script-${++this.#scripts}`);
    const head = interpreter === '/bin/sh' ? `D='${this.#directory}'\n` : '';
    // Written beside and moved: a file that is open for writing can't be executed.
    writeFileSync(`${path}.new`, `#!${interpreter}\n${head}${body}\n`);
    chmodSync(`${path}.new`, 0o755);
    renameSync(`${path}.new`, path);
    return path;
  }

  /** Starts a runner on this Redis and waits until it is connected. */
  async run(config: ConfigObject, options: RunOptions = {}): Promise<Runner> {
    const runner = this.#canRunHere(options)
      ? this.#startHere(config, options)
      : this.#startProgram(config, options);
    this.#runners.push(runner);
    await runner.waitForLine('engine.started');
    if (options.awaitRedis !== false) await runner.waitForLine('redis.up');
    return runner;
  }

  /**
   * A process has one pid for its workers' names, and one way to start jobs. The program tidies up after a program
   * that was killed.
   */
  #canRunHere({ args = [], awaitRedis: _, env = {}, ...ofProgram }: RunOptions): boolean {
    return (
      this.#isInProcess &&
      this.#runners.every((runner) => runner.hasExited && runner instanceof EngineRunner) &&
      args.every((arg) => arg === '--drain') &&
      !Object.keys({ ...process.env, ...env }).includes('RR_NATIVE') &&
      Object.keys(ofProgram).length === 0
    );
  }

  #startHere(config: ConfigObject, { args = [], env = {} }: RunOptions): Runner {
    return new EngineRunner({
      directory: this.#directory,
      config: this.config(config),
      variables: { [markVariable]: this.#mark, ...env },
      isDraining: args.includes('--drain'),
    });
  }

  #startProgram(config: ConfigObject, options: RunOptions): Runner {
    if ((options.program ?? currentProgram) !== currentProgram) this.#hasOlder = true;
    return new ProgramRunner({
      directory: this.#directory,
      config: this.config(config),
      args: options.args ?? [],
      env: { [markVariable]: this.#mark, ...options.env },
      prefix: [
        ...(options.prefix ?? (options.user === undefined ? [] : commandPrefix(options.user))),
        ...limitPrefix(options.limits ?? {}),
      ],
      ...(options.program === undefined ? {} : { program: options.program }),
    });
  }

  /** The config with this Redis in it, where it names none. */
  config(config: ConfigObject): ConfigObject {
    return { redis: { server: '127.0.0.1', port: this.redis.port }, ...config };
  }

  key(name: string): string {
    return `${this.prefix}${name}`;
  }

  /** Appends jobs as a client would. Objects are written as JSON, everything else byte for byte. */
  async enqueue(queue: string, ...payloads: (string | Buffer | object)[]): Promise<void> {
    const values = payloads.map((payload) =>
      typeof payload === 'string' || Buffer.isBuffer(payload) ? payload : JSON.stringify(payload),
    );
    await this.client.sadd(this.key('queues'), queue);
    await this.client.rpush(this.key(`queue:${queue}`), ...values);
  }

  /** What waits in a queue, head first. */
  async backlog(queue: string): Promise<string[]> {
    return await this.client.lrange(this.key(`queue:${queue}`), 0, -1);
  }

  /** The failures' exact bytes, oldest first. */
  async rawFailures(): Promise<Buffer[]> {
    return await this.client.lrangeBuffer(this.key('failed'), 0, -1);
  }

  /** Waits for so many failures; each is checked for what breaks resque-web. */
  async failures(count: number, timeoutMs = 10_000): Promise<FailureRecord[]> {
    await waitFor(async () => (await this.client.llen(this.key('failed'))) >= count, {
      message: () => `${count} failures are recorded\n${this.#describe()}`,
      timeoutMs,
    });
    const records = (await this.rawFailures()).map((raw) => assertSafeForResqueWeb(raw, this.#hasOlder));
    expect(records).toHaveLength(count);
    return records;
  }

  async failure(): Promise<FailureRecord> {
    const [record] = await this.failures(1);
    if (record === undefined) throw new Error('no failure');
    return record;
  }

  /** A total, such as `processed`. */
  async stat(name: string): Promise<number> {
    return Number((await this.client.get(this.key(`stat:${name}`))) ?? 0);
  }

  /** Waits until the total has the value, and no more. */
  async waitForStat(name: string, value: number, timeoutMs = 10_000): Promise<void> {
    await waitFor(async () => (await this.stat(name)) >= value, {
      message: () => `stat:${name} is ${value}\n${this.#describe()}`,
      timeoutMs,
    });
    expect(await this.stat(name)).toBe(value);
  }

  /** Waits for a file that a job writes. @returns its lines. */
  async waitForFileLines(name: string, count = 1, timeoutMs = 10_000): Promise<string[]> {
    await waitFor(() => this.fileLines(name).length >= count, {
      message: () => `${name} has ${count} lines: ${this.read(name)}\n${this.#describe()}`,
      timeoutMs,
    });
    return this.fileLines(name);
  }

  /** The complete lines of a file. */
  fileLines(name: string): string[] {
    return this.read(name).split('\n').slice(0, -1);
  }

  /** Says that the test expects keys to be left. */
  mayLeaveKeys(...names: string[]): void {
    this.#allowedKeys.push(...names.map((name) => this.key(name)));
  }

  /** Says that a runner of this test has reason to complain on stderr. */
  mayWriteStderr(): void {
    this.#mayWriteStderr = true;
  }

  begin(): void {
    this.#directory = mkdtempSync(join(tmpdir(), 'rr-e2e-'));
    mkdirSync(this.path('tmp'));
    this.#mark = randomUUID();
    this.#runners = [];
    this.#allowedKeys = [];
    this.#mayWriteStderr = false;
    this.#hasOlder = false;
    this.#scripts = 0;
  }

  async end(hasFailed: boolean): Promise<void> {
    try {
      if (hasFailed) console.error(this.#describe());
      else await this.#endCleanly();
    } finally {
      for (const runner of this.#runners) if (!runner.hasExited) runner.end();
      for (const { pid } of processesMarked(this.#mark)) kill(pid);
      await Promise.all(this.#runners.map((runner) => runner.exit));
      rmSync(this.#directory, { recursive: true, force: true });
    }
  }

  async #endCleanly(): Promise<void> {
    for (const runner of this.#runners) {
      if (!runner.hasExited) expect(await runner.stop()).toEqual({ code: 0, signal: undefined });
      expect(runner.junk, 'stdout that is no line of the log').toEqual([]);
      if (!this.#mayWriteStderr) expect(runner.stderr, 'stderr of the runner').toBe('');
    }
    await assertNoProcessLeft(this.#mark);
    assertNoFileLeft(this.path('tmp'));
    for (const raw of await this.rawFailures()) assertSafeForResqueWeb(raw, this.#hasOlder);
    await assertNoKeyLeft(this.client, this.prefix, this.#allowedKeys);
  }

  #describe(): string {
    return this.#runners.map((runner) => runner.describe()).join('\n');
  }
}

/** Call it once at the top of a test file. */
export function useEndToEnd(options: EndToEndOptions = {}): EndToEnd {
  const timeoutMs = options.timeoutMs ?? testTimeoutMs;
  vi.setConfig({ testTimeout: timeoutMs, hookTimeout: timeoutMs });
  const prefix = `${options.namespace ?? 'resque'}:`;
  const stage = new EndToEnd(useRedis(options.redis), prefix, options.isInProcess === true);
  beforeEach(() => stage.begin());
  afterEach(async ({ task }) => {
    await stage.end(task.result?.state === 'fail');
  });
  return stage;
}

function limitPrefix(limits: Readonly<Record<string, number>>): string[] {
  const options = Object.entries(limits).map(([name, limit]) => `--${name}=${limit}`);
  // It becomes the runner: their pid is the same.
  return options.length === 0 ? [] : ['prlimit', ...options];
}

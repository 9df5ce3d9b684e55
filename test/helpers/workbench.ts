/**
 * The tools of a test with jobs: a directory, scripts, and Redis as a client sees it. After the test, there must be no
 * process, no temporary file, no key and no failure that breaks resque-web.
 */
import { randomUUID } from 'node:crypto';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Redis } from 'ioredis';
import { expect } from 'vitest';
import { assertNoFileLeft, assertNoKeyLeft, assertNoProcessLeft } from './leaks.ts';
import { kill, processesMarked } from './processes.ts';
import type { RedisServer } from './redis.ts';
import { assertSafeForResqueWeb, type FailureRecord } from './resque-web.ts';
import { waitFor } from './wait-for.ts';

/** The content of a config file. */
export type ConfigObject = Record<string, unknown>;

export interface ScriptOptions {
  readonly name?: string;
  readonly interpreter?: string;
}

export class Workbench {
  readonly redis: RedisServer;
  readonly prefix: string;
  #directory = '';
  #mark = '';
  #allowedKeys: string[] = [];
  #scripts = 0;
  /** No process of the test is left. */
  #isClean = false;
  /** Whether a runner of another version took part. */
  protected hasOlder = false;

  constructor(redis: RedisServer, prefix: string) {
    this.redis = redis;
    this.prefix = prefix;
  }

  get client(): Redis {
    return this.redis.client;
  }

  /** The test's own directory. Its path needs no quotes in a shell. */
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
    // Written under another name, then renamed: a file that is open for writing can't be executed.
    writeFileSync(`${path}.new`, `#!${interpreter}\n${head}${body}\n`);
    chmodSync(`${path}.new`, 0o755);
    renameSync(`${path}.new`, path);
    return path;
  }

  /** The config, with this Redis unless it names another one. */
  config(config: ConfigObject): ConfigObject {
    return { redis: { server: '127.0.0.1', port: this.redis.port }, ...config };
  }

  key(name: string): string {
    return `${this.prefix}${name}`;
  }

  /** Appends jobs like a client. Objects are written as JSON, other values byte for byte. */
  async enqueue(queue: string, ...payloads: (string | Buffer | object)[]): Promise<void> {
    const values = payloads.map((payload) =>
      typeof payload === 'string' || Buffer.isBuffer(payload) ? payload : JSON.stringify(payload),
    );
    await this.client.sadd(this.key('queues'), queue);
    await this.client.rpush(this.key(`queue:${queue}`), ...values);
  }

  /** The waiting jobs of a queue, head first. */
  async backlog(queue: string): Promise<string[]> {
    return await this.client.lrange(this.key(`queue:${queue}`), 0, -1);
  }

  /** The exact bytes of the failures, oldest first. */
  async rawFailures(): Promise<Buffer[]> {
    return await this.client.lrangeBuffer(this.key('failed'), 0, -1);
  }

  /** Waits for this many failures, and checks that none breaks resque-web. */
  async failures(count: number, timeoutMs = 10_000): Promise<FailureRecord[]> {
    await waitFor(async () => (await this.client.llen(this.key('failed'))) >= count, {
      message: () => `${count} failures are recorded\n${this.describe()}`,
      timeoutMs,
    });
    const records = (await this.rawFailures()).map((raw) => assertSafeForResqueWeb(raw, this.hasOlder));
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

  /** Waits until the total has exactly this value. */
  async waitForStat(name: string, value: number, timeoutMs = 10_000): Promise<void> {
    await waitFor(async () => (await this.stat(name)) >= value, {
      message: () => `stat:${name} is ${value}\n${this.describe()}`,
      timeoutMs,
    });
    expect(await this.stat(name)).toBe(value);
  }

  /** Waits for a file that a job writes. @returns its lines. */
  async waitForFileLines(name: string, count = 1, timeoutMs = 10_000): Promise<string[]> {
    await waitFor(() => this.fileLines(name).length >= count, {
      message: () => `${name} has ${count} lines: ${this.read(name)}\n${this.describe()}`,
      timeoutMs,
    });
    return this.fileLines(name);
  }

  /** The complete lines of a file. */
  fileLines(name: string): string[] {
    return this.read(name).split('\n').slice(0, -1);
  }

  /** Allows the test to leave these keys. */
  mayLeaveKeys(...names: string[]): void {
    this.#allowedKeys.push(...names.map((name) => this.key(name)));
  }

  /** The last output of the runners, for the message of a failed test. */
  describe(): string {
    return '';
  }

  begin(): void {
    this.#directory = mkdtempSync(join(tmpdir(), 'rr-e2e-'));
    mkdirSync(this.path('tmp'));
    this.#mark = randomUUID();
    this.#allowedKeys = [];
    this.hasOlder = false;
    this.#scripts = 0;
    this.#isClean = false;
  }

  async checkNothingLeft(): Promise<void> {
    await assertNoProcessLeft(this.#mark);
    this.#isClean = true;
    assertNoFileLeft(this.path('tmp'));
    for (const raw of await this.rawFailures()) assertSafeForResqueWeb(raw, this.hasOlder);
    await assertNoKeyLeft(this.client, this.prefix, this.#allowedKeys);
  }

  killWhatIsLeft(): void {
    if (this.#isClean) return;
    for (const { pid } of processesMarked(this.#mark)) kill(pid);
  }

  removeDirectory(): void {
    rmSync(this.#directory, { recursive: true, force: true });
  }
}

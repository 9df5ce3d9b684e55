/**
 * Engines in the tests' own process, on a real Redis and with real children. After each test they are
 * stopped, and nothing may be left of them: no process, no key, no connection.
 */
import { randomUUID } from 'node:crypto';
import { chmodSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect } from 'vitest';
import type { Config, Delivery, PoolConfig, Schedule, Scheduler } from '../../src/config/config.ts';
import { Engine, type LoadedConfig } from '../../src/engine/engine.ts';
import { type EngineMeans, thisMachine } from '../../src/engine/process/engine-means.ts';
import type { Command, CommandReply } from '../../src/protocol/commands.ts';
import type { EngineEvent, EngineEventType } from '../../src/protocol/events.ts';
import { assertNoKeyLeft, assertNoProcessLeft } from '../helpers/leaks.ts';
import { kill, markVariable, processesMarked } from '../helpers/processes.ts';
import { type RedisServer, testConnectionName } from '../helpers/redis.ts';
import { runnerDefaults } from '../helpers/runner-config.ts';
import { waitFor } from '../helpers/wait-for.ts';

export type Of<T extends EngineEventType> = Extract<EngineEvent, { type: T }>;

/** `HOST:PID` of the first engine of a test. */
export const firstOwner = `test-00000001.runner:${process.pid}`;

export interface StartOptions {
  /** Where Redis is, if not the tests' own directly. */
  readonly port?: number;
  readonly drain?: boolean;
  readonly namespace?: string;
  readonly user?: { readonly username: string; readonly password: string };
  readonly shutdownTimeoutSeconds?: number;
  readonly scheduler?: Scheduler;
  readonly schedules?: readonly Schedule[];
  readonly failedLimit?: number;
  readonly workerHost?: string | null;
  readonly awaitRedis?: boolean;
  /** Its path; what is set by hand is kept by it. */
  readonly configFile?: string;
  /** What differs from this machine. */
  readonly machine?: Partial<EngineMeans>;
  /** Reads the config again. */
  readonly readConfig?: () => LoadedConfig;
}

/** One engine, and all that it has told. */
export class TestEngine {
  readonly engine: Engine;
  readonly config: Config;
  readonly events: EngineEvent[] = [];

  constructor(
    config: Config,
    options: Pick<StartOptions, 'drain' | 'machine' | 'configFile' | 'readConfig'>,
  ) {
    const { redis } = config;
    if (redis.kind === 'embedded') throw new Error('tests bring their own Redis');
    this.config = config;
    const machine = { ...thisMachine(), ...options.machine };
    const { configFile = null, drain = false, readConfig } = options;
    this.engine = new Engine({
      ...{ config, configFile, redis, version: '0.0.0', drain, machine },
      ...(readConfig === undefined ? {} : { readConfig }),
    });
    this.engine.subscribe((event) => this.events.push(event));
  }

  all<T extends EngineEventType>(type: T): Of<T>[] {
    return this.events.filter((event): event is Of<T> => event.type === type);
  }

  /** Waits for so many events of a kind. @returns the last of them */
  async wait<T extends EngineEventType>(type: T, count = 1, timeoutMs = 10_000): Promise<Of<T>> {
    await waitFor(() => this.all(type).length >= count, {
      message: () => `${count} ${type}\n${this.describe()}`,
      timeoutMs,
    });
    const event = this.all(type)[count - 1];
    if (event === undefined) throw new Error('no event');
    return event;
  }

  do(command: Command): Promise<CommandReply> {
    return this.engine.execute(command);
  }

  async stop(mode: 'quit' | 'terminate' | 'kill' = 'quit') {
    this.engine.stop(mode);
    return await this.engine.stopped;
  }

  describe(): string {
    return this.events
      .map((event) => JSON.stringify(event))
      .join('\n')
      .slice(-8_000);
  }
}

export class EngineStage {
  readonly server: RedisServer;
  #directory = '';
  #mark = '';
  #engines: TestEngine[] = [];
  #allowedKeys: string[] = [];
  #scripts = 0;

  constructor(server: RedisServer) {
    this.server = server;
  }

  get redis() {
    return this.server.client;
  }

  path(name: string): string {
    return join(this.#directory, name);
  }

  write(name: string, content = ''): void {
    writeFileSync(this.path(name), content);
  }

  /** The complete lines of a file that jobs write; none while there is no file. */
  lines(name: string): string[] {
    try {
      return readFileSync(this.path(name), 'utf8').split('\n').slice(0, -1);
    } catch {
      return [];
    }
  }

  /** An executable sh script; the test's directory is `$D` in it. @returns its path */
  script(body: string, name?: string): string {
    this.#scripts += 1;
    const path = this.path(name ?? `script-${this.#scripts}`);
    // Written beside and moved: a file that is open for writing can't be executed.
    writeFileSync(`${path}.new`, `#!/bin/sh\nD='${this.#directory}'\n${body}\n`);
    chmodSync(`${path}.new`, 0o755);
    renameSync(`${path}.new`, path);
    return path;
  }

  runner(key: string, script: string, rest: Partial<PoolConfig> = {}): PoolConfig {
    return {
      ...runnerDefaults,
      ...{ key, script: [script] },
      ...rest,
      env: { [markVariable]: this.#mark, ...rest.env },
    };
  }

  config(runners: readonly PoolConfig[], options: StartOptions = {}): Config {
    const port = options.port ?? this.server.port;
    return {
      redis: {
        ...{ kind: 'server', host: '127.0.0.1', port, db: 0 },
        ...{ tls: null, username: null, password: null, ...options.user },
      },
      namespace: options.namespace ?? 'resque',
      runners,
      shutdownTimeoutSeconds: options.shutdownTimeoutSeconds ?? 8,
      maxRecoveries: 3,
      scheduler: options.scheduler ?? 'auto',
      schedulerLockPrefix: '',
      schedules: options.schedules ?? [],
      failedLimit: options.failedLimit ?? null,
      workerHost: options.workerHost === undefined ? 'test.runner' : options.workerHost,
      metrics: { listen: null, hasClassLabel: false },
    };
  }

  /** Starts an engine and waits until it is connected. */
  async start(runners: readonly PoolConfig[], options: StartOptions = {}): Promise<TestEngine> {
    const count = this.#engines.length + 1;
    const newNonce = () => `${String(count).padStart(8, '0')}-${randomUUID()}`;
    const machine = { newNonce, ...options.machine };
    const engine = new TestEngine(this.config(runners, options), { ...options, machine });
    this.#engines.push(engine);
    engine.engine.start();
    if (options.awaitRedis !== false) await engine.wait('redis.up');
    return engine;
  }

  /** Appends jobs `{"class":"Job","args":[arg]}`, one for each arg. */
  async enqueue(queue: string, ...args: unknown[]): Promise<void> {
    await this.redis.sadd('resque:queues', queue);
    const payloads = args.map((arg) => JSON.stringify({ class: 'Job', args: [arg] }));
    await this.redis.rpush(`resque:queue:${queue}`, ...payloads);
  }

  /** The args of the jobs on a queue, head first. */
  async backlog(queue: string): Promise<unknown[]> {
    const payloads = await this.redis.lrange(`resque:queue:${queue}`, 0, -1);
    return payloads.map((payload) => (JSON.parse(payload) as { args: unknown[] }).args[0]);
  }

  async stat(name: string, namespace = 'resque'): Promise<number> {
    return Number((await this.redis.get(`${namespace}:stat:${name}`)) ?? 0);
  }

  /** Waits until an engine's blocking connection waits for a job. */
  async waitForIdle(delivery: Delivery = 'at-most-once'): Promise<void> {
    const command = delivery === 'at-most-once' ? 'blpop' : 'blmove';
    await waitFor(() => this.#isWaiting(command), { message: `an engine waits with ${command}` });
  }

  /** Waits until none does. */
  async waitForNoWait(): Promise<void> {
    await waitFor(async () => !(await this.#isWaiting('bl(pop|move)')), { message: 'no engine waits' });
  }

  async #isWaiting(command: string): Promise<boolean> {
    // A blocked client shows the flag `b`; one whose wait is over still shows the command.
    return new RegExp(`flags=\\S*b\\S* .*cmd=${command}`).test(String(await this.redis.client('LIST')));
  }

  /** Says that the test expects keys to be left, named without the namespace. */
  mayLeaveKeys(...names: string[]): void {
    this.#allowedKeys.push(...names.map((name) => `resque:${name}`));
  }

  begin(): void {
    this.#directory = mkdtempSync(join(tmpdir(), 'rr-engine-'));
    this.#mark = randomUUID();
    this.#engines = [];
    this.#allowedKeys = [];
    this.#scripts = 0;
  }

  async end(hasFailed: boolean): Promise<void> {
    let isClean = false;
    try {
      const results = await Promise.all(this.#engines.map((engine) => engine.stop('kill')));
      if (hasFailed) return;
      for (const engine of this.#engines) {
        expect(engine.events.map(({ seq }) => seq)).toEqual(engine.events.map((_, at) => at + 1));
      }
      for (const result of results) expect(result).toEqual({ unwritten: 0, isUnregistered: true });
      await assertNoProcessLeft(this.#mark);
      isClean = true;
      await assertNoKeyLeft(this.redis, 'resque:', this.#allowedKeys);
      await waitFor(async () => strangers(String(await this.redis.client('LIST'))).length === 0, {
        message: 'no connection of an engine is left',
      });
    } finally {
      if (!isClean) for (const { pid } of processesMarked(this.#mark)) kill(pid);
      rmSync(this.#directory, { recursive: true, force: true });
    }
  }
}

function strangers(clientList: string): string[] {
  return clientList.split('\n').filter((line) => line !== '' && !line.includes(`name=${testConnectionName}`));
}

/** Call it once at the top of a test file, behind `useRedis`. */
export function useEngines(server: RedisServer): EngineStage {
  const stage = new EngineStage(server);
  beforeEach(() => stage.begin());
  afterEach(async ({ task }) => {
    await stage.end(task.result?.state === 'fail');
  });
  return stage;
}

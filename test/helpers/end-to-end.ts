/**
 * The stage of an end-to-end test: a real Redis, a directory, scripts and runners. After each test it checks that nothing
 * is left.
 *
 * After a test that passes, the runners get a TERM and must end cleanly. Then there must be no process, no key and no
 * temporary file of theirs, no failure that breaks resque-web, only log lines on stdout, and nothing on stderr. After a test
 * that fails, the stage kills everything and shows the log.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, vi } from 'vitest';
import { ownIdentity, presenceOf } from '../../src/engine/machine/identity.ts';
import type { EngineMeans } from '../../src/engine/process/engine-means.ts';
import { EngineRunner } from './engine-runner.ts';
import { MovableClock } from './movable-clock.ts';
import { commandPrefix, type OtherUser } from './other-user.ts';
import { markVariable } from './processes.ts';
import { type RedisOptions, type RedisServer, useRedis } from './redis.ts';
import { currentProgram, ProgramRunner, type Runner } from './runner.ts';
import { type ConfigObject, Workbench } from './workbench.ts';

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
  /** Runs it as another user, who must have access to its directory. */
  readonly user?: OtherUser;
  /** Of another version. */
  readonly program?: string;
  /** Words before the command, such as those of a program that executes it. */
  readonly prefix?: readonly string[];
  /** False if Redis is unreachable at first. */
  readonly awaitRedis?: boolean;
  /** Set by tests that kill the runner or check its process. */
  readonly isProgram?: true;
  /** Set if it may run in the tests' process beside programs. At most one runner can do that at a time. */
  readonly isBesidePrograms?: true;
  /** Limits of its process, by their names for prlimit(1): `{ nofile: 40 }`. */
  readonly limits?: Readonly<Record<string, number>>;
}

export class EndToEnd extends Workbench {
  readonly #isInProcess: boolean;
  #clock = new MovableClock();
  #runners: Runner[] = [];
  #mayWriteStderr = false;

  constructor(redis: RedisServer, prefix: string, isInProcess: boolean) {
    super(redis, prefix);
    this.#isInProcess = isInProcess;
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
   * Workers in one process share its pid and its way to start jobs. A runner also cleans up after a killed program.
   */
  #canRunHere({ args = [], env = {}, isBesidePrograms, ...others }: RunOptions): boolean {
    const isPossible = (runner: Runner) =>
      runner instanceof EngineRunner ? runner.hasExited : isBesidePrograms === true;
    return (
      this.#isInProcess &&
      this.#runners.every(isPossible) &&
      args.every((arg) => arg === '--drain') &&
      !Object.keys({ ...process.env, ...env }).includes('RR_NATIVE') &&
      Object.keys(others).every((option) => option === 'awaitRedis')
    );
  }

  #startHere(config: ConfigObject, { args = [], env = {} }: RunOptions): Runner {
    return new EngineRunner({
      directory: this.directory,
      config: this.config(config),
      variables: { [markVariable]: this.mark, ...env },
      isDraining: args.includes('--drain'),
      machine: { clock: this.#clock, ...this.#identity() },
    });
  }

  /** A runner that Redis still lists counts as gone after its end, although its process lives. The next one differs. */
  #identity(): Pick<EngineMeans, 'identity' | 'presenceOf'> {
    const left = this.#runners.flatMap((runner) =>
      runner instanceof EngineRunner && runner.isLeft ? [runner.identity] : [],
    );
    const own = ownIdentity();
    return {
      // No process has such a pid.
      identity: { ...own, pid: own.pid + 10_000_000 * left.length },
      presenceOf: (process) => (left.some(({ pid }) => pid === process.pid) ? 'gone' : presenceOf(process)),
    };
  }

  /**
   * This much time passes for the engine in this process, a second at a time, so that no reply of a running Redis is late.
   * Timers of children don't notice it.
   */
  async pass(seconds: number): Promise<void> {
    for (let passed = 0; passed < seconds; passed += 1) {
      this.#clock.move(1_000);
      await Promise.all([this.redis.isAnswering && this.client.ping(), sleep(5)]);
    }
  }

  #startProgram(config: ConfigObject, options: RunOptions): Runner {
    if ((options.program ?? currentProgram) !== currentProgram) this.hasOlder = true;
    return new ProgramRunner({
      directory: this.directory,
      config: this.config(config),
      args: options.args ?? [],
      env: { [markVariable]: this.mark, ...options.env },
      prefix: [
        ...(options.prefix ?? (options.user === undefined ? [] : commandPrefix(options.user))),
        ...limitPrefix(options.limits ?? {}),
      ],
      ...(options.program === undefined ? {} : { program: options.program }),
    });
  }

  /** Allows the runners of this test to write to stderr. */
  mayWriteStderr(): void {
    this.#mayWriteStderr = true;
  }

  override begin(): void {
    super.begin();
    this.#clock = new MovableClock();
    this.#runners = [];
    this.#mayWriteStderr = false;
  }

  async end(hasFailed: boolean): Promise<void> {
    try {
      if (hasFailed) console.error(this.describe());
      else await this.#endCleanly();
    } finally {
      for (const runner of this.#runners) if (!runner.hasExited) runner.end();
      this.killWhatIsLeft();
      await Promise.all(this.#runners.map((runner) => runner.exit));
      this.removeDirectory();
    }
  }

  async #endCleanly(): Promise<void> {
    for (const runner of this.#runners) {
      if (!runner.hasExited) expect(await runner.stop()).toEqual({ code: 0, signal: undefined });
      expect(runner.junk, 'stdout that is no line of the log').toEqual([]);
      if (!this.#mayWriteStderr) expect(runner.stderr, 'stderr of the runner').toBe('');
    }
    await this.checkNothingLeft();
  }

  override describe(): string {
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
  // The shell becomes the runner, so their pids are the same.
  return options.length === 0 ? [] : ['prlimit', ...options];
}

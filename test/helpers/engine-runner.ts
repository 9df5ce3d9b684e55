/**
 * A runner under test whose engine runs in the tests' own process, because that starts fifty times faster than the
 * program. It is for tests of what an engine does with jobs, children and Redis. It has the pid and environment of the
 * tests, and nothing can kill or freeze it.
 */
import { EventEmitter } from 'node:events';
import { join } from 'node:path';
import { exitCodes } from '../../src/cli/command-line/exit-codes.ts';
import { readConfig } from '../../src/cli/files/load-config.ts';
import { createLog } from '../../src/cli/log/log.ts';
import { handleSignals } from '../../src/cli/run/headless.ts';
import type { Config } from '../../src/config/config.ts';
import { Engine, type LoadedConfig } from '../../src/engine/engine.ts';
import type { ProcessIdentity } from '../../src/engine/machine/identity.ts';
import { type EngineMeans, thisMachine } from '../../src/engine/process/engine-means.ts';
import { Runner, type RunnerExit } from './runner.ts';
import type { ConfigObject } from './workbench.ts';

export interface EngineRunnerOptions {
  readonly directory: string;
  readonly config: ConfigObject;
  /** Variables of its jobs, besides those of this process. */
  readonly variables: Readonly<Record<string, string>>;
  readonly isDraining: boolean;
  /** What differs from this machine. */
  readonly machine: Partial<EngineMeans>;
}

/** An engine in this process, with its config read from a file, its log, and what signals do to it. */
export class EngineRunner extends Runner {
  readonly pid = process.pid;
  readonly exit: Promise<RunnerExit>;
  readonly identity: ProcessIdentity;
  /** Whether it ended while Redis still lists it. */
  isLeft = false;
  readonly #signals = new EventEmitter();

  constructor({ directory, config: configObject, variables, ...options }: EngineRunnerOptions) {
    super(directory, configObject);
    const readAgain = (): LoadedConfig => {
      const result = readConfig({ env: process.env, cwd: directory }, this.configPath, null);
      return result.ok ? { ok: true, config: withVariables(result.config, variables) } : result;
    };
    const loaded = readAgain();
    if (!loaded.ok) throw new Error(loaded.problems.join('\n'));
    const { config } = loaded;
    const { redis } = config;
    if (redis.kind === 'embedded') throw new Error('tests bring their own Redis');
    const machine = { ...thisMachine(), ...options.machine };
    this.identity = machine.identity;
    const engine = new Engine({
      ...{ config, redis, version: '0.0.0', drain: options.isDraining, readConfig: readAgain },
      // The same as that of the program.
      spoolDirectory: join(directory, 'state', 'resque-runner'),
      machine,
    });
    const stream = { write: (text: string) => this.read(text), on: () => {} };
    engine.subscribe(createLog({ format: 'json', stream, colors: false }));
    const signals = this.#signals;
    const release = handleSignals(
      {
        process: {
          on: (name, listener) => signals.on(name, listener),
          off: (name, listener) => signals.off(name, listener),
          listenerCount: (name) => signals.listenerCount(name),
          raise: (name) => signals.emit(name),
        },
      },
      engine,
    );
    engine.start();
    this.exit = engine.stopped.then(({ unwritten, isUnregistered }) => {
      release();
      this.isLeft = !isUnregistered;
      this.hasEnded = true;
      return { code: unwritten === 0 ? exitCodes.clean : exitCodes.runtimeError, signal: undefined };
    });
  }

  signal(name: NodeJS.Signals): void {
    if (!this.#signals.emit(name) && !this.hasEnded)
      throw new Error(`${name} takes a process of its own: it needs the program`);
  }

  end(): void {
    this.signal('SIGTERM');
    this.signal('SIGTERM');
  }
}

function withVariables(config: Config, variables: Readonly<Record<string, string>>): Config {
  const runners = config.runners.map((pool) => ({ ...pool, env: { ...variables, ...pool.env } }));
  return { ...config, runners };
}

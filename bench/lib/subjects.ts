/** The measured programs: the built runner, and the peers in bench/peers. */
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { build } from 'esbuild';
import type { Bench, BenchProcess, Command } from './bench.ts';
import { textFlag } from './flags.ts';
import type { RedisServer } from './redis-server.ts';

export interface RunnerSpec {
  /** Names the config file and the log if there are several runners. */
  readonly name?: string;
  readonly redis: RedisServer;
  /** Slots by queue, or other values of `runners` in the config. */
  readonly runners: Readonly<Record<string, number | object>>;
  /** The script of all entries without their own. */
  readonly script?: string | Command;
  /** Other settings of the config. */
  readonly settings?: Readonly<Record<string, unknown>>;
  /** A build other than the checkout's. */
  readonly build?: string;
  /** Runs it instead of Node. */
  readonly executable?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Where its log goes: into a file unless given, nowhere, or through a pipe to a program that reads it. */
  readonly log?: 'nowhere' | 'pipe';
}

/** Starts the runner without a screen and waits until it waits for jobs. `--runner=FILE` measures another build. */
export async function startRunner(bench: Bench, spec: RunnerSpec): Promise<BenchProcess> {
  const before = (await spec.redis.blockedConnections()).length;
  const runner = launchRunner(bench, spec);
  // A single connection waits for all queues.
  await spec.redis.waitForBlpop(before + 1);
  return runner;
}

/** The same, without waiting for it. */
export function launchRunner(bench: Bench, spec: RunnerSpec): BenchProcess {
  const { build, executable = process.execPath, env = {} } = spec;
  const name = spec.name ?? 'runner';
  const config = writeConfig(bench, name, spec);
  const command: Command = [executable, runnerProgram(build), config, '--no-ui', '--log-format', 'json'];
  return bench.start({
    name,
    command: spec.log === undefined ? command : [...logTo(bench, name, spec.log), ...command],
    // Hides its socket from this user's `attach`.
    env: { TMPDIR: bench.directory, XDG_RUNTIME_DIR: '', XDG_STATE_HOME: bench.directory, ...env },
  });
}

/** What precedes a command whose log goes there. The shell replaces itself by the command. */
function logTo(bench: Bench, name: string, log: 'nowhere' | 'pipe'): Command {
  let file = '/dev/null';
  if (log === 'pipe') {
    file = bench.path(`${name}.pipe`);
    execFileSync('mkfifo', [file]);
    // Opened for writing, too, so that it doesn't end with the runner.
    bench.start({ name: `${name}-reader`, command: ['sh', '-c', 'exec cat <> "$0" > /dev/null', file] });
  }
  return ['sh', '-c', 'log=$1; shift; exec "$@" > "$log"', 'sh', file];
}

export function runnerProgram(build?: string): string {
  const program = resolve(build ?? textFlag('runner') ?? join('dist', 'resque-runner.js'));
  if (!existsSync(program)) throw new Error(`${program} isn't there.`);
  return program;
}

/** @returns its path. The runner doesn't wait for running jobs when it stops. */
export function writeConfig(
  bench: Bench,
  name: string,
  { redis, runners, script, settings = {} }: Pick<RunnerSpec, 'redis' | 'runners' | 'script' | 'settings'>,
): string {
  const own = { shutdownTimeout: 0.1, killAfter: 0.2, runners, script, ...settings };
  const address = { server: '127.0.0.1', port: redis.port, db: 0 };
  return bench.write(`${name}.json`, JSON.stringify({ redis: address, ...own }));
}

export interface PeerSpec {
  /** bench/peers/NAME.ts. */
  readonly name: string;
  readonly args: readonly string[];
  /** Whether it is bundled with its packages, like the runner. Otherwise it loads the installed packages. */
  readonly isBundled: boolean;
  readonly env?: Readonly<Record<string, string>>;
  /** Whether it works on request. */
  readonly hasChannel?: boolean;
}

export async function startPeer(
  bench: Bench,
  { name, args, isBundled, env = {}, hasChannel = false }: PeerSpec,
): Promise<BenchProcess> {
  // In the bench's directory, where Node finds packages.
  const outfile = join(dirname(resolve(process.argv[1] ?? '')), `${name}.mjs`);
  const banner =
    "import{createRequire as createRequire_}from'node:module';const require=createRequire_(import.meta.url);";
  await build({
    entryPoints: [join('bench', 'peers', `${name}.ts`)],
    outfile,
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node20.19',
    mainFields: ['module', 'main'],
    logLevel: 'warning',
    minifySyntax: true,
    minifyWhitespace: true,
    ...(isBundled ? { banner: { js: banner } } : { packages: 'external' }),
  });
  return bench.start({ name, command: [process.execPath, outfile, ...args], env, hasChannel });
}

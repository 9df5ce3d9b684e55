/** What is measured: the built runner, and the peers in bench/peers. */
import { existsSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { build } from 'esbuild';
import type { Bench, BenchProcess } from './bench.ts';
import { textFlag } from './flags.ts';
import type { RedisServer } from './redis-server.ts';

export interface RunnerSpec {
  /** Of the config file and the log, where several run. */
  readonly name?: string;
  readonly redis: RedisServer;
  /** Slots by queue, or what the config file may have in their place. */
  readonly runners: Readonly<Record<string, number | object>>;
  readonly script: string;
  /** Another build than the checkout's. */
  readonly build?: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** Starts the headless runner; `--runner=FILE` measures another build. Ready when it waits for jobs. */
export async function startRunner(bench: Bench, spec: RunnerSpec): Promise<BenchProcess> {
  const { redis, build, env = {} } = spec;
  const name = spec.name ?? (build === undefined ? 'runner' : 'against');
  const config = writeConfig(bench, name, spec);
  const before = (await redis.blockedConnections()).length;
  const runner = bench.start({
    name,
    command: [process.execPath, runnerProgram(build), config, '--no-ui', '--log-format', 'json'],
    // Its socket isn't among those that `attach` of this user finds.
    env: { TMPDIR: bench.directory, XDG_RUNTIME_DIR: '', XDG_STATE_HOME: bench.directory, ...env },
  });
  // One connection waits for all queues.
  await redis.waitForBlpop(before + 1);
  return runner;
}

export function runnerProgram(build?: string): string {
  const program = resolve(build ?? textFlag('runner') ?? join('dist', 'resque-runner.js'));
  if (!existsSync(program)) throw new Error(`${program} isn't there.`);
  return program;
}

/** @returns its path. Jobs that still run when the runner is to stop aren't waited for. */
export function writeConfig(
  bench: Bench,
  name: string,
  { redis, runners, script }: Pick<RunnerSpec, 'redis' | 'runners' | 'script'>,
): string {
  const settings = { shutdownTimeout: 0.1, killAfter: 0.2, runners, script };
  const address = { server: '127.0.0.1', port: redis.port, db: 0 };
  return bench.write(`${name}.json`, JSON.stringify({ redis: address, ...settings }));
}

export interface PeerSpec {
  /** bench/peers/NAME.ts. */
  readonly name: string;
  readonly args: readonly string[];
  /** Bundled with its packages, as the runner is; otherwise it loads them as they are installed. */
  readonly isBundled: boolean;
  readonly env?: Readonly<Record<string, string>>;
}

export async function startPeer(
  bench: Bench,
  { name, args, isBundled, env = {} }: PeerSpec,
): Promise<BenchProcess> {
  // Beside the bench itself, where packages are found.
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
  return bench.start({ name, command: [process.execPath, outfile, ...args], env });
}

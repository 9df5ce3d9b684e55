/** What is measured: the built runner, and the peers in bench/peers. */
import { existsSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { build } from 'esbuild';
import type { Bench, BenchProcess } from './bench.ts';
import { textFlag } from './flags.ts';
import type { RedisServer } from './redis-server.ts';

export interface RunnerSpec {
  readonly redis: RedisServer;
  /** Slots by queue. */
  readonly runners: Readonly<Record<string, number>>;
  readonly script: string;
  /** Another build than the checkout's. */
  readonly build?: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** Starts the headless runner; `--runner=FILE` measures another build. Ready when it waits for jobs. */
export async function startRunner(bench: Bench, { redis, runners, script, build, env = {} }: RunnerSpec) {
  const program = resolve(build ?? textFlag('runner') ?? join('dist', 'resque-runner.js'));
  if (!existsSync(program)) throw new Error(`${program} isn't there.`);
  const name = build === undefined ? 'runner' : 'against';
  const config = bench.write(
    `${name}.json`,
    JSON.stringify({ redis: { server: '127.0.0.1', port: redis.port, db: 0 }, runners, script }),
  );
  const before = (await redis.blockedConnections()).length;
  const runner = bench.start({
    name,
    command: [process.execPath, program, config, '--no-ui', '--log-format', 'json'],
    env,
  });
  // One connection waits for all queues.
  await redis.waitForBlpop(before + 1);
  return runner;
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

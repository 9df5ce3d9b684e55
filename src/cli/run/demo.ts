/**
 * `resque-runner demo`: a real runner with a private Redis and a steady trickle of example jobs, until Ctrl-C. Everything is
 * in one temporary directory, which is removed however the demo ends. Only the socket of a killed runner remains, until the
 * next runner removes it.
 */
import { mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { RedisSocketConfig } from '../../config/config.ts';
import { duration } from '../../messages/quantities.ts';
import type { CommandContext } from '../command-line/command-spec.ts';
import { type Io, isInteractive } from '../command-line/io.ts';
import { loadConfig, readConfig } from '../files/load-config.ts';
import { packageFile } from '../files/package-files.ts';
import { startEmbeddedRedis } from '../redis/embedded-redis.ts';
import { countJobs, demoRunners, trickle } from './demo-jobs.ts';
import type { LogChoice } from './headless.ts';
import { runOwnUi } from './ui-session.ts';

const stopSignals = ['SIGINT', 'SIGTERM', 'SIGQUIT'] as const;

export async function run(context: CommandContext): Promise<number> {
  const directory = await realpath(await mkdtemp(join(tmpdir(), 'resque-runner-demo-')));
  // Printed at the end, because the screen may be using the terminal.
  const troubles: string[] = [];
  const tell = (text: string) => troubles.push(text);
  try {
    const embedded = await startEmbeddedRedis(context.io, directory, { isTemporary: true, tell });
    try {
      return await runJobs(context, directory, embedded.redis);
    } finally {
      await embedded.stop();
      for (const trouble of troubles) say(context.io, `demo: ${trouble}`);
    }
  } finally {
    // Redis removes the directory, unless it could not be started or has crashed.
    await rm(directory, { recursive: true, force: true });
  }
}

async function runJobs(
  { invocation, version, io }: CommandContext,
  directory: string,
  redis: RedisSocketConfig,
): Promise<number> {
  const file = join(directory, 'cfg.json');
  const settings = { redis: { path: redis.path }, runners: demoRunners(packageFile('examples')) };
  await writeFile(file, `${JSON.stringify(settings, null, 2)}\n`);
  const { ui, mouse, quiet, logFormat, logLevel } = invocation.flags;
  const startMs = performance.now();
  const exitCode =
    ui && logFormat === null && logLevel === null && isInteractive(io)
      ? await whileTrickling(
          io,
          runOwnUi(io, { engineArgs: [file], canLeaveRunning: false, hasMouse: mouse, isQuiet: quiet }),
          redis,
        )
      : await whileTrickling(io, runLog(io, file, redis, { logFormat, logLevel }, version), redis);
  const counts = await countJobs(redis);
  if (counts !== null) {
    const { processed, failed, waiting } = counts;
    const took = duration(performance.now() - startMs);
    say(
      io,
      `demo: ran for ${took}; ${processed} jobs processed, ${failed} failed, ${waiting} still waiting; all files are removed`,
    );
  }
  return exitCode;
}

async function runLog(
  io: Io,
  file: string,
  redis: RedisSocketConfig,
  log: LogChoice,
  version: string,
): Promise<number> {
  const { runHeadless } = await import('./headless.ts');
  const { config } = loadConfig(io, file, null);
  say(io, introduction(io, file, redis.path));
  return await runHeadless(io, {
    config,
    configFile: file,
    reload: () => readConfig(io, file, null),
    drain: false,
    log,
    version,
    socket: null,
    ownerFd: null,
    metricsListen: null,
  });
}

/** Adds jobs until the runner is asked to stop, so that it has no backlog then. */
async function whileTrickling(
  { process }: Io,
  ended: Promise<number>,
  redis: RedisSocketConfig,
): Promise<number> {
  const stop = new AbortController();
  const onSignal = () => stop.abort();
  // A closed terminal ends a demo. For other runners, HUP means to reload the config.
  const onHangup = () => process.raise('SIGTERM');
  for (const signal of stopSignals) process.on(signal, onSignal);
  process.on('SIGHUP', onHangup);
  const trickling = trickle(redis, stop.signal);
  try {
    return await ended;
  } finally {
    stop.abort();
    await trickling;
    for (const signal of stopSignals) process.off(signal, onSignal);
    process.off('SIGHUP', onHangup);
  }
}

function introduction({ env }: Io, file: string, socket: string): string {
  const program = env.npm_lifecycle_event === 'start' ? 'npm start --' : 'resque-runner';
  return `A demo: a private Redis, four queues, and jobs that succeed, fail, run long or print a lot.
Ctrl-C ends it and removes all its files. To look closer, in another terminal:

  ${program} enqueue --config ${file} mail SendMail you@example.org
  ${program} check ${file}
  redis-cli -s ${socket} lrange resque:failed 0 -1
  ls ${packageFile('examples')}
`;
}

/** On stderr, because stdout has the log, which may be JSON. */
function say({ stderr }: Io, text: string): void {
  stderr.write(`${text}\n`);
}

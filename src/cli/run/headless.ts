/**
 * The engine without a screen, for process managers. Signals become commands, events become log lines, and the end becomes
 * an exit code.
 */
import type { Config } from '../../config/config.ts';
import type { ListenAddress } from '../../config/metrics.ts';
import { Engine, type LoadedConfig } from '../../engine/engine.ts';
import { isTurnedOff, loadKoffi } from '../../engine/launch/libc.ts';
import type { Level } from '../../messages/events.ts';
import { Health } from '../../monitoring/health/health.ts';
import type { Systemd } from '../../monitoring/systemd/systemd.ts';
import type { ShutdownMode } from '../../protocol/events.ts';
import { systemClock } from '../../resque/redis/clock.ts';
import { exitCodes } from '../command-line/exit-codes.ts';
import type { Io } from '../command-line/io.ts';
import { ownStateDirectory } from '../files/own-directories.ts';
import { isJournal } from '../log/journal.ts';
import { createLog, lossLine } from '../log/log.ts';
import { defaultLogFormat, type LogFormat } from '../log/log-line.ts';
import { LogOutput, takerFor } from '../log/log-output.ts';
import { startEmbeddedRedis } from '../redis/embedded-redis.ts';
import { wantsColors } from '../terminal/output.ts';
import { openEngineLink } from './engine-link.ts';
import { keepMemorySmall } from './memory.ts';
import { RunnerMetrics } from './metrics.ts';

export interface RunOptions {
  readonly config: Config;
  /** Absolute. */
  readonly configFile: string;
  /** Reads the config again, for HUP and the screen. */
  readonly reload: () => LoadedConfig;
  readonly drain: boolean;
  /** `null` for an engine with a screen, which shows the events instead. */
  readonly log: LogChoice | null;
  readonly version: string;
  /** Path of the socket for screens; `null`: a new one in the user's directory for sockets. */
  readonly socket: string | null;
  /** Descriptor of the connection to the screen that started this engine. */
  readonly ownerFd: number | null;
  /** Where metrics can be read, instead of at the config's address. */
  readonly metricsListen: ListenAddress | null;
}

const stdoutDescriptor = 1;

/** How long to wait after CONT for a signal to stop. Nobody notices if a pause ends that much later. */
const continueDelayMs = 200;

/** As on the command line; `null`: not given. */
export interface LogChoice {
  readonly logFormat: LogFormat | null;
  readonly logLevel: Level | null;
}

/** Runs until the engine has stopped. @returns the exit code */
export async function runHeadless(io: Io, options: RunOptions): Promise<number> {
  const { config, configFile, reload, drain, log, version, metricsListen } = options;
  const embedded =
    config.redis.kind === 'embedded' ? await startEmbeddedRedis(io, config.redis.directory) : null;
  try {
    const redis = config.redis.kind === 'embedded' ? embedded?.redis : config.redis;
    if (redis === undefined) throw new Error('an embedded Redis has no address');
    let lastConfig = config;
    const readConfig = () => {
      const loaded = reload();
      if (loaded.ok) lastConfig = loaded.config;
      return loaded;
    };
    const engine = new Engine({
      ...{ config, configFile, readConfig, redis, version, drain },
      spoolDirectory: ownStateDirectory(io),
    });
    const endLog = log === null ? () => {} : openLog(io, engine, log);
    const health = new Health(engine);
    const metrics = new RunnerMetrics({ engine, health, version, listen: metricsListen });
    await metrics.open(config);
    engine.subscribe(({ type }) => {
      if (type === 'config.reloaded') metrics.reconfigure(lastConfig);
    });
    const closeLink = await openEngineLink(io, engine, health, options);
    const systemd = await notifySystemd(io, engine, health);
    const release = handleSignals(io, engine, systemd);
    // A fault of this program may end the process, too.
    io.process.on('exit', () => {
      engine.abandon();
      endLog();
    });
    engine.start();
    metrics.tell();
    keepMemorySmall();
    const { unwritten } = await engine.stopped;
    await closeLink();
    await metrics.close();
    await systemd?.close();
    health.close();
    release();
    // Workers that stay registered while Redis is away are off its lists with the next start of any runner.
    return unwritten === 0 ? exitCodes.clean : exitCodes.runtimeError;
  } finally {
    await embedded?.stop();
  }
}

/** Loads nothing unless systemd wants to be notified. */
async function notifySystemd({ env, stderr }: Io, engine: Engine, health: Health): Promise<Systemd | null> {
  if ((env.NOTIFY_SOCKET ?? '') === '') return null;
  const { openSystemd } = await import('../../monitoring/systemd/systemd.ts');
  const tell = (message: string) => void stderr.write(`resque-runner: ${message}\n`);
  const koffi = isTurnedOff() ? null : loadKoffi();
  return openSystemd({ env, engine, health, clock: systemClock, koffi, tell });
}

/**
 * Handles Resque's signals and a few more.
 *
 * systemd sends CONT along with TERM, and the kernel may deliver either first. That CONT must not end a pause that the next
 * runner is to have. So CONT waits, and then does nothing if the runner is stopping.
 *
 * @returns stops handling them
 */
export function handleSignals(
  { process }: Pick<Io, 'process'>,
  engine: Engine,
  systemd: Pick<Systemd, 'reloading' | 'reloaded'> | null = null,
): () => void {
  let isTerminating = false;
  let isStopping = false;
  let resuming: NodeJS.Timeout | undefined;
  const stop = (mode: ShutdownMode) => {
    isStopping = true;
    engine.stop(mode);
  };
  const terminate = () => {
    stop(isTerminating ? 'kill' : 'terminate');
    isTerminating = true;
  };
  const resume = () => {
    clearTimeout(resuming);
    resuming = setTimeout(() => {
      if (!isStopping) void engine.execute({ type: 'resume-all' }, 'SIGCONT', false);
    }, continueDelayMs);
  };
  const pause = () => {
    clearTimeout(resuming);
    void engine.execute({ type: 'pause-all' }, 'SIGUSR2', false);
  };
  const reload = () => {
    systemd?.reloading();
    engine.reload();
    systemd?.reloaded();
  };
  const handlers: [NodeJS.Signals, () => void][] = [
    ['SIGTERM', terminate],
    ['SIGINT', terminate],
    ['SIGQUIT', () => stop('quit')],
    ['SIGUSR1', () => engine.killJobs()],
    ['SIGUSR2', pause],
    ['SIGCONT', resume],
    ['SIGHUP', reload],
  ];
  for (const [signal, handler] of handlers) process.on(signal, handler);
  return () => {
    clearTimeout(resuming);
    for (const [signal, handler] of handlers) process.off(signal, handler);
  };
}

/** Writes the engine's events to STDOUT. @returns writes the last lines */
function openLog({ stdout, env }: Io, engine: Engine, { logFormat, logLevel }: LogChoice): () => void {
  const options = {
    format: logFormat ?? defaultLogFormat(stdout),
    colors: wantsColors(stdout, env),
    hasPriorities: isJournal(env, stdoutDescriptor),
  };
  const output = new LogOutput({ take: takerFor(stdout), lossLine: lossLine(options) });
  engine.subscribe(createLog({ ...options, level: logLevel ?? 'info', stream: output }));
  return () => output.end();
}

/**
 * The engine without a screen, for process managers. Signals become commands, events become log lines, and the end becomes
 * an exit code.
 */
import type { Config } from '../../config/config.ts';
import { Engine, type LoadedConfig } from '../../engine/engine.ts';
import { Health } from '../../monitoring/health/health.ts';
import { exitCodes } from '../command-line/exit-codes.ts';
import type { Io } from '../command-line/io.ts';
import { ownStateDirectory } from '../files/own-directories.ts';
import { isJournal } from '../log/journal.ts';
import { createLog, type LogFormat, type LogStream } from '../log/log.ts';
import { startEmbeddedRedis } from '../redis/embedded-redis.ts';
import { wantsColors } from '../terminal/output.ts';
import { openEngineLink } from './engine-link.ts';
import { keepMemorySmall } from './memory.ts';

export interface RunOptions {
  readonly config: Config;
  /** Absolute. */
  readonly configFile: string;
  /** Reads the config again, for HUP and the screen. */
  readonly reload: () => LoadedConfig;
  readonly drain: boolean;
  readonly logFormat: LogFormat;
  /** False for an engine with a screen, which shows the events instead. */
  readonly hasLog: boolean;
  readonly version: string;
  /** Path of the socket for screens; `null`: a new one in the user's directory for sockets. */
  readonly socket: string | null;
  /** Descriptor of the connection to the screen that started this engine. */
  readonly ownerFd: number | null;
}

const stdoutDescriptor = 1;

/** Runs until the engine has stopped. @returns the exit code */
export async function runHeadless(io: Io, options: RunOptions): Promise<number> {
  const { config, configFile, reload, drain, logFormat, hasLog, version } = options;
  const embedded =
    config.redis.kind === 'embedded' ? await startEmbeddedRedis(io, config.redis.directory) : null;
  try {
    const redis = config.redis.kind === 'embedded' ? embedded?.redis : config.redis;
    if (redis === undefined) throw new Error('an embedded Redis has no address');
    const engine = new Engine({
      ...{ config, configFile, readConfig: reload, redis, version, drain },
      spoolDirectory: ownStateDirectory(io),
    });
    if (hasLog) {
      const colors = wantsColors(io.stdout, io.env);
      const hasPriorities = isJournal(io.env, stdoutDescriptor);
      engine.subscribe(createLog({ format: logFormat, stream: inBatches(io), colors, hasPriorities }));
    }
    const health = new Health(engine);
    const closeLink = await openEngineLink(io, engine, options);
    const release = handleSignals(io, engine);
    // A fault of this program may end the process, too.
    io.process.on('exit', () => engine.abandon());
    engine.start();
    keepMemorySmall();
    const { unwritten } = await engine.stopped;
    await closeLink();
    health.close();
    release();
    // Workers that stay registered while Redis is away are off its lists with the next start of any runner.
    return unwritten === 0 ? exitCodes.clean : exitCodes.runtimeError;
  } finally {
    await embedded?.stop();
  }
}

/** Handles Resque's signals and a few more. @returns stops handling them */
export function handleSignals({ process }: Pick<Io, 'process'>, engine: Engine): () => void {
  let isTerminating = false;
  const terminate = () => {
    engine.stop(isTerminating ? 'kill' : 'terminate');
    isTerminating = true;
  };
  const handlers: [NodeJS.Signals, () => void][] = [
    ['SIGTERM', terminate],
    ['SIGINT', terminate],
    ['SIGQUIT', () => engine.stop('quit')],
    ['SIGUSR1', () => engine.killJobs()],
    ['SIGUSR2', () => void engine.execute({ type: 'pause-all' }, 'SIGUSR2', false)],
    ['SIGCONT', () => void engine.execute({ type: 'resume-all' }, 'SIGCONT', false)],
    ['SIGHUP', () => void engine.reload()],
  ];
  for (const [signal, handler] of handlers) process.on(signal, handler);
  return () => {
    for (const [signal, handler] of handlers) process.off(signal, handler);
  };
}

/** Characters to collect before a write. */
const batchLimit = 64 * 1024;

/**
 * Lines of the same moment go out in one write: at thousands of jobs a second, the calls would cost more than the lines.
 * When the process exits, it writes the rest.
 */
function inBatches({ stdout, process }: Pick<Io, 'stdout' | 'process'>): LogStream {
  let lines = '';
  const flush = () => {
    const text = lines;
    lines = '';
    if (text !== '') stdout.write(text);
  };
  process.on('exit', flush);
  return {
    write(text) {
      if (lines === '') queueMicrotask(flush);
      lines += text;
      if (lines.length > batchLimit) flush();
    },
    on: (event, listener) => stdout.on(event, listener),
  };
}

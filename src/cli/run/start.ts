/** `resque-runner [CONFIG]`: runs jobs until it is asked to stop, with a screen if there is a terminal. */
import {
  type ListenAddress,
  listenForms,
  readListenAddress,
  resolveListenAddress,
} from '../../config/metrics.ts';
import type { CommandContext } from '../command-line/command-spec.ts';
import { UsageError } from '../command-line/exit-codes.ts';
import type { Flags } from '../command-line/flags.ts';
import { isInteractive } from '../command-line/io.ts';
import { loadConfig, readConfig } from '../files/load-config.ts';

export async function run({ invocation, version, io }: CommandContext): Promise<number> {
  const { input, flags } = invocation;
  // Report a mistake in the config before the screen opens.
  const { config, file } = loadConfig(io, input[0] ?? null, flags.redis);
  const metricsListen = flags.metrics === null ? null : metricsAddress(io, flags.metrics);
  if (process.pid === 1) {
    const { reapOrphans } = await import('../../engine/process/reap-orphans.ts');
    reapOrphans();
  }
  const { logFormat, logLevel } = flags;
  if (flags.ui && logFormat === null && logLevel === null && isInteractive(io)) {
    const { runOwnUi } = await import('./ui-session.ts');
    return await runOwnUi(io, {
      engineArgs: engineArgs(file, flags),
      canLeaveRunning: true,
      hasMouse: flags.mouse,
      isQuiet: flags.quiet,
    });
  }
  const { runHeadless } = await import('./headless.ts');
  return await runHeadless(io, {
    config,
    configFile: file,
    reload: () => readConfig(io, file, flags.redis),
    drain: flags.drain,
    log: flags.linkFd === null ? { logFormat, logLevel } : null,
    version,
    socket: flags.socket,
    ownerFd: flags.linkFd,
    metricsListen,
  });
}

/** @throws UsageError */
function metricsAddress({ cwd }: CommandContext['io'], text: string): ListenAddress {
  const address = readListenAddress(text);
  if (address === null) throw new UsageError(`--metrics must be ${listenForms}, got "${text}"`);
  return resolveListenAddress(address, cwd);
}

/** The same command line, for the engine's own process. */
function engineArgs(file: string, { redis, drain, socket, metrics }: Flags): string[] {
  return [
    file,
    ...(redis === null ? [] : ['--redis', redis]),
    ...(drain ? ['--drain'] : []),
    ...(socket === null ? [] : ['--socket', socket]),
    ...(metrics === null ? [] : ['--metrics', metrics]),
  ];
}

/** `resque-runner [CONFIG]`: runs jobs until it is told to stop, on a terminal with a screen to look at them. */
import type { CommandContext } from '../command-line/command-spec.ts';
import type { Flags } from '../command-line/flags.ts';
import { isInteractive } from '../command-line/io.ts';
import { loadConfig, readConfig } from '../files/load-config.ts';
import { defaultLogFormat } from '../log/log.ts';

export async function run({ invocation, version, io }: CommandContext): Promise<number> {
  const { input, flags } = invocation;
  // A mistake in the config is told before the screen is taken.
  const { config, file } = loadConfig(io, input[0] ?? null, flags.redis);
  if (process.pid === 1) {
    const { reapOrphans } = await import('../../engine/process/reap-orphans.ts');
    reapOrphans();
  }
  if (flags.ui && flags.logFormat === null && isInteractive(io)) {
    const { runOwnUi } = await import('./ui-session.ts');
    return await runOwnUi(io, { engineArgs: engineArgs(file, flags), canLeaveRunning: true });
  }
  const { runHeadless } = await import('./headless.ts');
  return await runHeadless(io, {
    config,
    configFile: file,
    reload: () => readConfig(io, file, flags.redis),
    drain: flags.drain,
    logFormat: flags.logFormat ?? defaultLogFormat(io.stdout),
    hasLog: flags.linkFd === null,
    version,
    socket: flags.socket,
    ownerFd: flags.linkFd,
  });
}

/** The same again, for the engine's own process. */
function engineArgs(file: string, { redis, drain, socket }: Flags): string[] {
  return [
    file,
    ...(redis === null ? [] : ['--redis', redis]),
    ...(drain ? ['--drain'] : []),
    ...(socket === null ? [] : ['--socket', socket]),
  ];
}

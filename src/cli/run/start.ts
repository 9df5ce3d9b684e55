/** `resque-runner [CONFIG]`: runs jobs until it is told to stop, on a terminal with a screen to look at them. */
import type { CommandContext } from '../command-line/command-spec.ts';
import type { Flags } from '../command-line/flags.ts';
import { loadConfig, readConfig } from '../files/load-config.ts';
import { defaultLogFormat } from '../log/log.ts';

export async function run({ invocation, version }: CommandContext): Promise<number> {
  const { input, flags } = invocation;
  // A mistake in the config is told before the screen is taken.
  const { config, file } = loadConfig(input[0] ?? null, flags.redis);
  if (process.pid === 1) {
    const { reapOrphans } = await import('../../engine/process/orphans.ts');
    reapOrphans();
  }
  if (flags.ui && flags.logFormat === null && process.stdout.isTTY === true) {
    const { isInteractive, runOwnUi } = await import('./ui-session.ts');
    if (isInteractive()) {
      return await runOwnUi({ engineArgs: engineArgs(file, flags), canLeaveRunning: true });
    }
  }
  const { runHeadless } = await import('./run.ts');
  return await runHeadless({
    config,
    configFile: file,
    reload: () => readConfig(file, flags.redis),
    drain: flags.drain,
    logFormat: flags.logFormat ?? defaultLogFormat(process.stdout),
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

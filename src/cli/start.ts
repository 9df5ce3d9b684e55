/** `resque-runner [CONFIG]`: runs jobs until it is told to stop. */
import type { CommandContext } from './commands.ts';
import { loadConfig, readConfig } from './load-config.ts';
import { defaultLogFormat } from './log/log.ts';
import { runHeadless } from './run.ts';

export async function run({ invocation, version }: CommandContext): Promise<number> {
  const { input, flags } = invocation;
  const { config, file } = loadConfig(input[0] ?? null, flags.redis);
  return await runHeadless({
    config,
    reload: () => readConfig(file, flags.redis),
    drain: flags.drain,
    logFormat: flags.logFormat ?? defaultLogFormat(process.stdout),
    version,
  });
}

/** `resque-runner exec QUEUE [FILE|ARG…]`: one job through its script as a worker would run it, without Redis. */
import { readPayload } from '../../resque/format/payload.ts';
import type { CommandContext } from '../command-line/command-spec.ts';
import { loadConfig, requireConfig } from '../files/load-config.ts';
import { jobSourceOf, nameOf, readJob, refuseUnusedFlags } from './job-source.ts';
import { runJob } from './run-job.ts';

export async function run({ invocation: { input, flags }, io }: CommandContext): Promise<number> {
  const [queue = '', ...rest] = input;
  refuseUnusedFlags(flags);
  const source = jobSourceOf(io, rest, flags);
  const configFile = requireConfig(io, flags.config);
  if (flags.watch) {
    const { watchJob } = await import('./watch-job.ts');
    return await watchJob(io, { queue, source, configFile, flags });
  }
  const { config } = loadConfig(io, configFile, flags.redis);
  const payload = readPayload(await readJob(io, source, flags));
  return await runJob(io, { config, configFile, queue, payload, source: nameOf(source), isJson: flags.json });
}

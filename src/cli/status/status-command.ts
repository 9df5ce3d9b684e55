/** `resque-runner status [CONFIG]`: queues, workers of every kind and running jobs, as Redis knows them; durations from local runners. */
import { ownVantage } from '../../engine/machine/identity.ts';
import { countSchedules } from '../../engine/scheduling/known-schedules.ts';
import { environmentOf } from '../../resque/delayed/persistent-schedule.ts';
import { readStatus } from '../../resque/workers/read-status.ts';
import type { CommandContext } from '../command-line/command-spec.ts';
import { exitCodes, UsageError } from '../command-line/exit-codes.ts';
import { findTarget, withTarget } from '../redis/target.ts';
import { print, printJson } from '../terminal/output.ts';
import { linePainter, outputWidth } from '../terminal/table.ts';
import { readLocalRunners } from './local-runners.ts';
import { statusLines } from './page.ts';
import { survey } from './survey.ts';

const defaultIntervalSeconds = 2;

export async function run({ invocation, io }: CommandContext): Promise<number> {
  const { input, flags } = invocation;
  const where = { ...flags, config: input[0] ?? null };
  if (flags.watch) {
    const { watchStatus } = await import('./watch.ts');
    const intervalMs = (flags.interval ?? defaultIntervalSeconds) * 1_000;
    await watchStatus(io, await findTarget(io, where), { intervalMs, isJson: flags.json });
    return exitCodes.clean;
  }
  if (flags.interval !== null)
    throw new UsageError('--interval needs --watch; add --watch or omit --interval');
  const document = await withTarget(io, where, async (sender, target) => {
    const { shown, namespace, keys, lockPrefix } = target;
    const [facts, local, schedules] = await Promise.all([
      readStatus(sender, keys, lockPrefix),
      readLocalRunners(io),
      countSchedules(sender, target, environmentOf(io.env)),
    ]);
    return survey(facts, null, { redis: shown, namespace, keys, here: ownVantage(), local, schedules });
  });
  if (flags.json) await printJson(io, document);
  else
    await print(
      io,
      `${statusLines(document, { width: outputWidth(io), height: null, paint: linePainter(io) }).join('\n')}\n`,
    );
  return exitCodes.clean;
}

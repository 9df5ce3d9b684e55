/** `resque-runner check [CONFIG]`: whether a runner could work, found out without running anything. */

import { plural } from '../wording/plural.ts';
import { visible } from '../wording/visible.ts';
import { checkData } from './check/data.ts';
import { checkRedis } from './check/redis.ts';
import { checkScripts } from './check/scripts.ts';
import { fail, ok, type Verdict } from './check/verdict.ts';
import type { CommandContext } from './commands.ts';
import { exitCodes, UsageError } from './exit-codes.ts';
import { readConfig, requireConfig, shortPath } from './load-config.ts';

export async function run({ invocation }: CommandContext): Promise<number> {
  const { input, flags } = invocation;
  const file = requireConfig(input[0] ?? null);
  const result = readConfig(file, flags.redis);
  if (!result.ok) return print(result.problems.map((problem) => fail('config', problemText(file, problem))));
  const { config } = result;
  const slots = config.runners.reduce((sum, { concurrency }) => sum + concurrency, 0);
  const summary = `${shortPath(file)}: ${plural(config.runners.length, 'runner')}, ${plural(slots, 'slot')}`;
  const found = await Promise.all([checkRedis(config), checkScripts(config)]);
  return print([ok('config', summary), ...found.flat(), ...(await checkData(config, flags.repair))]);
}

/** A wrong `--redis` is a mistake of whoever typed it, no finding. */
function problemText(file: string, problem: string): string {
  if (problem.startsWith('--redis:')) throw new UsageError(problem);
  return `${shortPath(file)}: ${problem}`;
}

/** @returns the exit code */
function print(verdicts: readonly Verdict[]): number {
  for (const { level, subject, text } of verdicts) {
    process.stdout.write(`${level.padEnd(4)} ${subject.padEnd(10)} ${visible(text)}\n`);
  }
  return verdicts.some(({ level }) => level === 'FAIL') ? exitCodes.runtimeError : exitCodes.clean;
}

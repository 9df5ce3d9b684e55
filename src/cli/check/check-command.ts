/** `resque-runner check [CONFIG]`: tests whether a runner could work, without running anything. */
import { existsSync } from 'node:fs';
import { plural } from '../../messages/quantities.ts';
import type { CommandContext } from '../command-line/command-spec.ts';
import { exitCodes, UsageError } from '../command-line/exit-codes.ts';
import type { Io } from '../command-line/io.ts';
import { isOutsideConfig, problemsText, readConfig, requireConfig, shortPath } from '../files/load-config.ts';
import { print, printJson } from '../terminal/output.ts';
import { checkAccess, checkIncluded } from './access.ts';
import { checkData } from './data.ts';
import { checkRedis } from './redis.ts';
import { checkScripts, scriptFiles } from './scripts.ts';
import { fail, ok, type Verdict, verdictLine } from './verdict.ts';

export async function run({ invocation, io }: CommandContext): Promise<number> {
  const { input, flags } = invocation;
  const file = requireConfig(io, input[0] ?? null);
  const result = readConfig(io, file, flags.redis);
  const tell = (verdicts: readonly Verdict[]) => report(io, verdicts, flags.json);
  if (!result.ok) {
    // Nothing was checked: this is a mistake on the command line, not a finding.
    if (!existsSync(file)) throw new UsageError(problemsText(io, file, result.problems));
    return await tell(result.problems.map((problem) => fail('config', problemText(io, file, problem))));
  }
  const { config } = result;
  const slots = config.runners.reduce((sum, { concurrency }) => sum + concurrency, 0);
  const { length } = config.runners;
  const entries = length === 1 ? '1 entry' : `${length} entries`;
  const included = result.files.length - 1;
  const more = included === 0 ? '' : ` with ${plural(included, 'included file')}`;
  const summary = `${shortPath(io, file)}${more}: ${entries}, ${plural(slots, 'slot')}`;
  const scripts = (await scriptFiles(io, config)).map((path) => ({ subject: 'script', path }));
  const found = await Promise.all([
    checkAccess([...result.files.map((path) => ({ subject: 'config', path })), ...scripts]),
    checkIncluded(result.directories),
    checkRedis(io, config),
    checkScripts(config),
  ]);
  return await tell([ok('config', summary), ...found.flat(), ...(await checkData(io, config, flags.repair))]);
}

function problemText(io: Io, file: string, problem: string): string {
  if (isOutsideConfig(problem)) throw new UsageError(problem);
  return `${shortPath(io, file)}: ${problem}`;
}

/** @returns the exit code */
async function report(io: Io, verdicts: readonly Verdict[], isJson: boolean): Promise<number> {
  const isWell = verdicts.every(({ level }) => level !== 'FAIL');
  if (isJson) {
    const told = verdicts.map(({ level, ...rest }) => ({ level: level.toLowerCase(), ...rest }));
    await printJson(io, { ok: isWell, verdicts: told });
  } else {
    for (const verdict of verdicts) await print(io, `${verdictLine(verdict)}\n`);
  }
  return isWell ? exitCodes.clean : exitCodes.runtimeError;
}

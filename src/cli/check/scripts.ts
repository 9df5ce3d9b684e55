/** Whether each script of a config could be started, and in which way. */
import { statSync } from 'node:fs';
import { access } from 'node:fs/promises';
import { isAbsolute, resolve } from 'node:path';
import type { Config, PoolConfig } from '../../config/config.ts';
import { isTurnedOff, libc } from '../../engine/launch/libc.ts';
import { noticeConfig } from '../../engine/notices/notices.ts';
import { checkStartable } from '../../engine/process/startable.ts';
import type { Io } from '../command-line/io.ts';
import { fail, ok, type Verdict, warn } from './verdict.ts';

/**
 * One verdict for each program, with the pools that use it: pools share one if program, directory and PATH are the same.
 * The last verdict says how jobs are started.
 */
export async function checkScripts({ runners }: Config): Promise<Verdict[]> {
  const hearing = runners.flatMap((runner) =>
    runner.onFailure === null ? [] : [noticeConfig(runner, runner.onFailure)],
  );
  const verdicts = [
    ...groupsOf(runners).map((group) => checkGroup(group, 'script')),
    ...groupsOf(hearing).map((group) => checkGroup(group, 'onFailure')),
  ];
  return [...(await Promise.all(verdicts)), checkWay()];
}

function groupsOf(runners: readonly PoolConfig[]): PoolConfig[][] {
  const groups = new Map<string, PoolConfig[]>();
  for (const runner of runners) {
    const { script, cwd, env } = runner;
    const what = JSON.stringify([script, cwd, env.PATH]);
    groups.set(what, [...(groups.get(what) ?? []), runner]);
  }
  return [...groups.values()];
}

function checkWay(): Verdict {
  if (libc() !== null) return ok('start', 'jobs start natively, with posix_spawn');
  if (isTurnedOff())
    return ok(
      'start',
      'jobs start through Node, because RR_NATIVE is "off": each start takes a few milliseconds more',
    );
  return process.platform === 'linux'
    ? warn(
        'start',
        'jobs start through Node, because koffi has no binary for this machine: each start takes a few milliseconds more',
      )
    : ok('start', 'jobs start through Node, as on all systems except Linux');
}

/** The programs that can be started, and the files among their arguments, such as the one in `["php", "job.php"]`. */
export async function scriptFiles({ cwd }: Pick<Io, 'cwd'>, { runners }: Config): Promise<string[]> {
  const files = await Promise.all(
    runners.map(async (runner) => {
      const verdict = await checkStartable(runner);
      if (!verdict.ok) return [];
      const words = runner.script.slice(1).map((word) => resolve(runner.cwd ?? cwd, word));
      return [verdict.file, ...words.filter(isFile)];
    }),
  );
  return [...new Set(files.flat())];
}

function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() === true;
}

/**
 * @param runners at least one
 * @param field the program's field in the config
 */
async function checkGroup(runners: readonly PoolConfig[], field: 'script' | 'onFailure'): Promise<Verdict> {
  const [runner] = runners;
  if (runner === undefined) throw new Error('a group of no runners');
  const users = `(for ${runners.map(({ key }) => key).join(', ')})`;
  const verdict = await checkStartable(runner);
  if (!verdict.ok) return fail(field, `${verdict.reason} ${users}`);
  const command = [verdict.file, ...runner.script.slice(1)].join(' ');
  const missing = await missingArguments(runner);
  // Such as the file in `["php", "/srv/job.php"]`. Only a warning, because the program may create it.
  return missing.length > 0
    ? warn(field, `${command}: ${missing.join(' and ')} does not exist ${users}`)
    : ok(field, `${command} ${users}`);
}

async function missingArguments({ script }: PoolConfig): Promise<string[]> {
  const paths = script.slice(1).filter(isAbsolute);
  const isThere = await Promise.all(paths.map(exists));
  return paths.filter((_, at) => isThere[at] === false);
}

async function exists(path: string): Promise<boolean> {
  try {
    await access(path);
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error) return false;
    throw error;
  }
}

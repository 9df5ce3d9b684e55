/** Finds the running runners that a command is for: the one at a socket, those of a config, or all of this user. */
import { existsSync, realpathSync } from 'node:fs';
import { type ListedSocket, listSockets } from '../../link/sockets/list-sockets.ts';
import { runnerSummary } from '../../messages/runners.ts';
import { visible } from '../../messages/visible.ts';
import { OperatingError, UsageError } from '../command-line/exit-codes.ts';
import { type ConfigIo, findConfig, shortPath } from '../files/load-config.ts';
import { ownSocketDirectories } from '../files/own-directories.ts';

export type FoundRunners =
  | { readonly by: 'socket'; readonly path: string }
  /** Never empty, oldest first. By a config: several only if it was started several times. */
  | { readonly by: 'config' | 'user'; readonly listed: readonly [ListedSocket, ...ListedSocket[]] };

export const eitherConfigOrSocket = 'use either a CONFIG or --socket, not both';

/**
 * Never finds the runner of another config: without `--socket`, the config decides if there is one.
 *
 * @param config as on the command line; `null`: `$RR_CONFIG` or `./cfg.json`, and without these any runner
 * @throws OperatingError if none is running, UsageError
 */
export async function findRunners(
  io: ConfigIo,
  config: string | null,
  socket: string | null,
): Promise<FoundRunners> {
  if (socket !== null) {
    if (config !== null) throw new UsageError(eitherConfigOrSocket);
    return { by: 'socket', path: socket };
  }
  const file = findConfig(io, config);
  const all = await listSockets(ownSocketDirectories(io));
  const [first, ...others] = file === null ? all : all.filter(({ hello }) => isOf(hello.configFile, file));
  if (first !== undefined) return { by: file === null ? 'user' : 'config', listed: [first, ...others] };
  throw new OperatingError(noneRunning(io, file, all));
}

/** @param file `null` without a config */
export function noneRunning(io: ConfigIo, file: string | null, others: readonly ListedSocket[]): string {
  return file === null ? noneAtAll(io) : noneOf(io, file, others);
}

/** Without a config, a command is for the only runner. */
export function severalRunning(listed: readonly ListedSocket[]): string {
  return `${listed.length} runners are running; choose one with --config FILE or --socket PATH:\n${socketChoices(listed)}`;
}

/** Runners to choose from, with what to add to a command for each. */
function socketChoices(listed: readonly ListedSocket[]): string {
  return listed.map(({ path, hello }) => `  --socket ${visible(path)}  ${runnerSummary(hello)}`).join('\n');
}

/** Whether a runner has this config. */
export function isOf(configFile: string | null, file: string): boolean {
  return configFile !== null && (configFile === file || resolved(configFile) === resolved(file));
}

/** The file behind links, so that two names of one config are the same. */
function resolved(file: string): string {
  try {
    return realpathSync(file);
  } catch {
    return file; // Gone, or not for us to see.
  }
}

const elsewhere =
  'with --socket PATH you reach one that has its socket elsewhere, and as root also one of another user';

function noneAtAll(io: ConfigIo): string {
  const where = ownSocketDirectories(io).join(' or ');
  return [`no runner of this user is running: there is no socket in ${where}`, elsewhere].join('\n');
}

function noneOf(io: ConfigIo, file: string, others: readonly ListedSocket[]): string {
  const name = visible(shortPath(io, file));
  const fix = existsSync(file) ? `; start it with \`resque-runner ${name}\`` : ', and there is no such file';
  return [
    `no runner of ${name} is running${fix}`,
    ...(others.length === 0
      ? [elsewhere]
      : ['other runners are running; to choose one, add its --socket:', socketChoices(others)]),
  ].join('\n');
}

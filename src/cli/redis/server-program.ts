/** Finds a Redis server's program on this machine, or explains how to install one. */
import { readFileSync } from 'node:fs';
import { findOnPath } from '../../engine/process/startable.ts';
import { OperatingError } from '../command-line/exit-codes.ts';
import type { ConfigIo } from '../files/load-config.ts';
import { packageFile } from '../files/package-files.ts';

const serverNames = ['redis-server', 'valkey-server'];

interface InstallCommand {
  readonly text: string;
  readonly needsRoot: boolean;
}

/** How to install one with each package manager; the first one found is used. */
const installCommands: Readonly<Record<string, InstallCommand>> = {
  'apt-get': { text: 'apt-get install redis-server', needsRoot: true },
  dnf: { text: 'dnf install valkey', needsRoot: true },
  apk: { text: 'apk add redis', needsRoot: true },
  pacman: { text: 'pacman -S valkey', needsRoot: true },
  brew: { text: 'brew install redis', needsRoot: false },
};

/** Whether this user is root or can use sudo. */
export interface Rights {
  readonly isRoot: boolean;
  readonly canSudo: boolean;
}

/** Absolute path of a Redis server's program. @throws OperatingError that explains how to install one */
export async function findRedisProgram(io: ConfigIo): Promise<string> {
  for (const name of serverNames) {
    const file = await onPath(io, name);
    if (file !== null) return file;
  }
  const advice = await installAdvice(io, await ownRights(io));
  throw new OperatingError(`neither ${serverNames.join(' nor ')} is on PATH; ${advice}`);
}

async function ownRights(io: ConfigIo): Promise<Rights> {
  const isRoot = process.getuid?.() === 0;
  return { isRoot, canSudo: !isRoot && (await onPath(io, 'sudo')) !== null && !isBarredFromRoot() };
}

/** Whether new privileges are forbidden, as in some containers: `sudo` exists but doesn't work. */
function isBarredFromRoot(): boolean {
  try {
    return /^NoNewPrivs:\s*1$/m.test(readFileSync('/proc/self/status', 'utf8'));
  } catch {
    return false; // Not Linux.
  }
}

/** Advice for a user with these rights. */
export async function installAdvice(io: ConfigIo, { isRoot, canSudo }: Rights): Promise<string> {
  const [command] = await installable(io);
  if (command === undefined) {
    return `install one: https://redis.io/docs/latest/operate/oss_and_stack/install/; or ${useAnother}`;
  }
  const { text, needsRoot } = command;
  if (!needsRoot || isRoot) return `install one with: ${text}`;
  if (canSudo) return `install one with: sudo ${text}; or ${useAnother}`;
  return `${useAnother}; or unpack one in your home directory: ${manual()}; or ask root for: ${text}`;
}

/** The document that explains how to install one without root. */
function manual(): string {
  return packageFile('docs/configuration.md');
}

const useAnother = 'use one that runs elsewhere: resque-runner CONFIG --redis URL';

async function installable(io: ConfigIo): Promise<InstallCommand[]> {
  const there = Object.entries(installCommands).map(async ([manager, command]) =>
    (await onPath(io, manager)) === null ? [] : [command],
  );
  return (await Promise.all(there)).flat();
}

function onPath({ env, cwd }: ConfigIo, name: string): Promise<string | null> {
  return findOnPath(name, { directory: cwd, path: env.PATH ?? '' });
}

import { findOnPath } from '../engine/startable.ts';
import { OperatingError } from './exit-codes.ts';

const serverNames = ['redis-server', 'valkey-server'];

/** How each package manager installs one; the first that is there counts. */
const installCommands: Readonly<Record<string, string>> = {
  'apt-get': 'sudo apt-get install redis-server',
  dnf: 'sudo dnf install valkey',
  apk: 'sudo apk add redis',
  pacman: 'sudo pacman -S valkey',
  brew: 'brew install redis',
};

/** Absolute path of a Redis server's program. @throws OperatingError that says how to get one */
export async function findRedisProgram(): Promise<string> {
  for (const name of serverNames) {
    const file = await onPath(name);
    if (file !== null) return file;
  }
  const advice = await installAdvice();
  throw new OperatingError(`neither ${serverNames.join(' nor ')} is on PATH; ${advice}`);
}

async function installAdvice(): Promise<string> {
  for (const [manager, command] of Object.entries(installCommands)) {
    if ((await onPath(manager)) !== null) return `install one with: ${command}`;
  }
  return 'install one: https://redis.io/docs/latest/operate/oss_and_stack/install/';
}

function onPath(name: string): Promise<string | null> {
  return findOnPath(name, { directory: process.cwd(), path: process.env.PATH ?? '' });
}

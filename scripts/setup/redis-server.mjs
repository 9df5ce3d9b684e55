/**
 * Makes sure that a Redis server can be started: `redis-server` or `valkey-server` on PATH, else the system's
 * package manager installs one. Only the program is wanted: no service of the system is left running or enabled.
 */
import { accessSync, constants, existsSync, statSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { withLock } from './lock.mjs';
import { runCaptured } from './run-captured.mjs';
import { SetupError } from './setup-error.mjs';

const serverNames = ['redis-server', 'valkey-server'];
const aptLockTimeoutSeconds = 120;

/**
 * @typedef {object} PackageManager
 * @property {string} name
 * @property {readonly string[]} packages any one of them will do, the likeliest first
 * @property {boolean} needsRoot
 * @property {readonly string[]} [update] reads the lists of packages anew
 * @property {(name: string) => readonly string[]} install
 */

const aptGet = ['apt-get', '-q', '-y', '-o', `DPkg::Lock::Timeout=${aptLockTimeoutSeconds}`];

/** @type {readonly PackageManager[]} */
const packageManagers = [
  {
    name: 'apt-get',
    packages: ['redis-server', 'valkey-server'],
    needsRoot: true,
    update: [...aptGet, 'update'],
    install: (name) => [
      'env',
      'DEBIAN_FRONTEND=noninteractive',
      // Makes invoke-rc.d leave the service alone: none is started in the single-user run level.
      'RUNLEVEL=1',
      ...aptGet,
      'install',
      '--no-install-recommends',
      // The program is missing, even if dpkg believes otherwise.
      '--reinstall',
      name,
    ],
  },
  {
    name: 'dnf',
    packages: ['valkey', 'redis'],
    needsRoot: true,
    install: (name) => ['dnf', '-q', '-y', 'install', name],
  },
  {
    name: 'apk',
    packages: ['redis', 'valkey'],
    needsRoot: true,
    install: (name) => ['apk', 'add', '--no-cache', name],
  },
  {
    name: 'brew',
    packages: ['redis', 'valkey'],
    needsRoot: false,
    install: (name) => ['brew', 'install', name],
  },
];

/** Where package managers put programs; a PATH as short as a service's may lack some. */
const usualDirectories = [
  '/usr/bin',
  '/usr/local/bin',
  '/usr/sbin',
  '/usr/local/sbin',
  '/opt/homebrew/bin',
  '/home/linuxbrew/.linuxbrew/bin',
];

/**
 * A server in a usual directory that PATH lacks will do: the directory is added to this process's PATH.
 *
 * @throws {SetupError} when there is none and none can be installed; says what to type.
 */
export async function ensureRedisServer(directories = usualDirectories) {
  if (findServer(directories)) return;
  await withLock('redis-server', async () => {
    if (!findServer(directories)) await installServer(directories);
  });
}

/** @param {readonly string[]} directories */
function findServer(directories) {
  if (serverNames.some(isOnPath)) return true;
  const directory = directories.find((path) => serverNames.some((name) => isExecutable(join(path, name))));
  if (directory !== undefined) process.env.PATH = `${process.env.PATH ?? ''}${delimiter}${directory}`;
  return directory !== undefined;
}

/** @param {readonly string[]} directories */
async function installServer(directories) {
  const manager = packageManagers.find(({ name }) => isOnPath(name));
  if (manager === undefined) {
    throw new SetupError(
      'there is neither `redis-server` nor `valkey-server` on PATH, nor a package manager to install one with ' +
        `(${packageManagers.map(({ name }) => name).join(', ')}). ` +
        'Install Redis (https://redis.io/docs/latest/operate/oss_and_stack/install/) and try again.',
    );
  }
  const asRoot = rootPrefix(manager);
  if (asRoot === null) throw failure(manager, 'installing one needs root, and there is no `sudo`');

  console.error(`Installing Redis with ${manager.name}…`);
  // Old lists may do as well, so that only the install decides.
  if (manager.update !== undefined) await runPatiently([...asRoot, ...manager.update]);
  let output = '';
  for (const name of manager.packages) {
    const installed = await withoutService(name, asRoot, () =>
      runPatiently([...asRoot, ...manager.install(name)]),
    );
    if (installed.isOk && findServer(directories)) return;
    output += installed.output;
  }
  throw failure(manager, `${manager.name} could not install one`, output);
}

/**
 * @param {PackageManager} manager
 * @returns {readonly string[] | null} what to put before a command; `null` when it can't be run as root
 */
function rootPrefix({ needsRoot }) {
  if (!needsRoot || process.getuid?.() === 0) return [];
  // Never asks for a password: that would stop a run nobody watches.
  return isOnPath('sudo') ? ['sudo', '-n'] : null;
}

/**
 * Runs the install while systemd, where it runs, refuses to start the service of the same name; afterwards the
 * service is known to systemd, but disabled.
 *
 * @template T
 * @param {string} service
 * @param {readonly string[]} asRoot
 * @param {() => Promise<T>} install
 */
async function withoutService(service, asRoot, install) {
  if (!existsSync('/run/systemd/system')) return install();
  const systemctl = [...asRoot, 'systemctl', '--quiet'];
  await runCaptured([...systemctl, 'mask', '--runtime', service]);
  try {
    return await install();
  } finally {
    await runCaptured([...systemctl, 'unmask', '--runtime', service]);
    await runCaptured([...systemctl, 'disable', service]);
  }
}

/**
 * apt-get waits for dpkg's lock by itself, but not for the one of its lists.
 *
 * @param {readonly string[]} command
 */
async function runPatiently(command) {
  const deadlineMs = Date.now() + aptLockTimeoutSeconds * 1000;
  for (;;) {
    const result = await runCaptured(command);
    if (result.isOk || !/could not get lock/i.test(result.output) || Date.now() > deadlineMs) return result;
    await sleep(1000);
  }
}

/**
 * @param {PackageManager} manager
 * @param {string} reason
 */
function failure({ name, packages, needsRoot }, reason, output = '') {
  const verb = name === 'apk' ? 'add' : 'install';
  const isOrdinary = needsRoot && process.getuid?.() !== 0;
  const canSudo = isOrdinary && isOnPath('sudo');
  const command = `${canSudo ? 'sudo ' : ''}${name} ${verb} ${packages[0]}`;
  const who = isOrdinary && !canSudo ? 'As root, type' : 'Type';
  const details = output === '' ? '' : `\n\n${output.trimEnd()}`;
  const otherwise = isOrdinary
    ? '\n\nWithout root: `npm start -- cfg.json --redis URL` uses a Redis that runs elsewhere, and ' +
      'docs/configuration.md shows how to unpack one in your home directory.'
    : '';
  return new SetupError(
    `there is neither \`redis-server\` nor \`valkey-server\` on PATH, and ${reason}. ` +
      `${who} this, then try again:\n\n    ${command}${otherwise}${details}`,
  );
}

/** @param {string} name */
function isOnPath(name) {
  return (process.env.PATH ?? '')
    .split(delimiter)
    .some((directory) => isExecutable(join(directory || '.', name)));
}

/** @param {string} path */
function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    // Missing and unreadable mean the same here: this PATH entry doesn't have it.
    return false;
  }
}

/**
 * Makes sure that a Redis server can be started. If neither `redis-server` nor `valkey-server` is on PATH, the system's
 * package manager installs one. Only the program is needed: the system's service stays stopped and disabled.
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
 * @property {readonly string[]} packages any of them works; the most likely one comes first
 * @property {boolean} needsRoot
 * @property {readonly string[]} [update] updates the lists of packages
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
      // Keeps invoke-rc.d from starting the service: the single-user run level has no services.
      'RUNLEVEL=1',
      ...aptGet,
      'install',
      '--no-install-recommends',
      // The program is missing, even if dpkg says that it is installed.
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

/** Directories that package managers use. The short PATH of a service may not contain all of them. */
const usualDirectories = [
  '/usr/bin',
  '/usr/local/bin',
  '/usr/sbin',
  '/usr/local/sbin',
  '/opt/homebrew/bin',
  '/home/linuxbrew/.linuxbrew/bin',
];

/**
 * Makes sure that there is a server. If one is in a usual directory that is not on PATH, adds it to this process's PATH.
 *
 * @throws {SetupError} with the command to run, if there is no server and none can be installed.
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
      'neither `redis-server` nor `valkey-server` is on PATH, and there is no package manager to install one ' +
        `(${packageManagers.map(({ name }) => name).join(', ')}). ` +
        'Install Redis (https://redis.io/docs/latest/operate/oss_and_stack/install/), then try again.',
    );
  }
  const asRoot = rootPrefix(manager);
  if (asRoot === null) throw failure(manager, 'installing one requires root, but there is no `sudo`');

  console.error(`Installing Redis with ${manager.name}…`);
  // Ignore a failure: the install may succeed with old lists.
  if (manager.update !== undefined) await runPatiently([...asRoot, ...manager.update]);
  let output = '';
  for (const name of manager.packages) {
    const installed = await withoutService(name, asRoot, () =>
      runPatiently([...asRoot, ...manager.install(name)]),
    );
    if (installed.isOk && findServer(directories)) return;
    output += installed.output;
  }
  throw failure(manager, `${manager.name} failed to install one`, output);
}

/**
 * @param {PackageManager} manager
 * @returns {readonly string[] | null} the start of a command that runs as root; `null` if that is not possible
 */
function rootPrefix({ needsRoot }) {
  if (!needsRoot || process.getuid?.() === 0) return [];
  // Never asks for a password: that would block an unattended run.
  return isOnPath('sudo') ? ['sudo', '-n'] : null;
}

/**
 * Runs the install. If systemd is running, it must not start the service of the same name: the service is masked during
 * the install, then disabled.
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
 * Retries while another process holds the lock of apt's package lists. apt-get itself waits only for dpkg's lock.
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
  const instruction = isOrdinary && !canSudo ? 'Run this as root' : 'Run this';
  const details = output === '' ? '' : `\n\n${output.trimEnd()}`;
  const otherwise = isOrdinary
    ? '\n\nWithout root, use a Redis that is already running: `npm start -- cfg.json --redis URL`. ' +
      'Or unpack one in your home directory, as docs/configuration.md shows.'
    : '';
  return new SetupError(
    `neither \`redis-server\` nor \`valkey-server\` is on PATH, and ${reason}. ` +
      `${instruction}, then try again:\n\n    ${command}${otherwise}${details}`,
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
    // Missing or unreadable: this PATH entry doesn't provide it.
    return false;
  }
}

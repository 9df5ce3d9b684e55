/**
 * Installs the packages of package-lock.json, once. A stamp inside node_modules identifies the lock file and the platform
 * of that installation. If there is no stamp, a manual installation counts if npm's own record matches the lock file.
 */
import { createHash } from 'node:crypto';
import { existsSync, lstatSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { withLock } from './lock.mjs';
import { root } from './paths.mjs';
import { runCaptured } from './run-captured.mjs';
import { SetupError } from './setup-error.mjs';

const lockFile = join(root, 'package-lock.json');
const installedFile = join(root, 'node_modules', '.package-lock.json');
const stampFile = join(root, 'node_modules', '.resque-runner-stamp');

/** @throws {SetupError} if npm fails. */
export async function ensureDependencies() {
  if (isInstalled()) return;
  await withLock(`dependencies-${hash(root).slice(0, 16)}`, async () => {
    if (isInstalled()) return;
    if (!isInstalledByHand()) await install();
    writeFileSync(stampFile, stamp());
  });
}

function isInstalled() {
  return existsSync(stampFile) && readFileSync(stampFile, 'utf8') === stamp();
}

/** The installed files depend on the lock file, and on the platform that npm and native add-ons choose binaries for. */
function stamp() {
  return `${hash(readFileSync(lockFile))} ${platformStamp()}`;
}

function platformStamp() {
  return `${process.platform}-${process.arch} ${process.version}`;
}

function isInstalledByHand() {
  if (!existsSync(installedFile)) return false;
  if (existsSync(stampFile) && !readFileSync(stampFile, 'utf8').endsWith(` ${platformStamp()}`)) return false;
  const installed = packagesOf(installedFile);
  return Object.entries(packagesOf(lockFile)).every(
    // npm omits optional packages for other platforms.
    ([path, { version, optional }]) =>
      path === '' || installed[path]?.version === version || (optional && installed[path] === undefined),
  );
}

/**
 * @param {string} path
 * @returns {Record<string, { version?: string, optional?: boolean }>}
 */
function packagesOf(path) {
  return JSON.parse(readFileSync(path, 'utf8')).packages;
}

async function install() {
  const modules = join(root, 'node_modules');
  if (lstatSync(modules, { throwIfNoEntry: false })?.isSymbolicLink()) {
    // npm would first empty the directory that it leads to.
    throw new SetupError(
      `${modules} is a symbolic link to packages that don't match package-lock.json; remove the link`,
    );
  }
  console.error('Installing dependencies…');
  // The build needs the development dependencies, whatever NODE_ENV says.
  const command = [...npmCommand(), 'ci', '--include=dev', '--prefer-offline', '--no-audit', '--no-fund'];
  const { isOk, output } = await runCaptured(command, { cwd: root });
  if (!isOk) throw new SetupError(`\`npm ci\` in ${root} failed:\n\n${output.trimEnd()}`);
}

/** The npm that runs this script, or else the one on PATH. */
export function npmCommand() {
  const running = process.env.npm_execpath;
  return running !== undefined && basename(running) === 'npm-cli.js' ? [process.execPath, running] : ['npm'];
}

/** @param {string | Buffer} content */
function hash(content) {
  return createHash('sha256').update(content).digest('hex');
}

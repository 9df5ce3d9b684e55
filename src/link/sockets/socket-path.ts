/**
 * Where engines put their sockets: in a directory that only their user can enter. So no other user can reach an engine, or
 * impersonate one.
 */
import { randomBytes } from 'node:crypto';
import { chmodSync, lstatSync, mkdirSync, statSync } from 'node:fs';
import { isAbsolute, join } from 'node:path';
import { LinkError, linkMessages } from '../link-errors.ts';
import { ownUid } from './users.ts';

/** The kernel's limit, without the final NUL. Node silently cuts off a longer path. */
const longestPathBytes = process.platform === 'linux' ? 107 : 103;

/**
 * Directories of sockets, the preferred one first. An engine listens in the first one that it can use. A search for engines
 * must look in all, because a service and a shell of one user have different environments.
 *
 * @param tmpdir `os.tmpdir()`
 */
export function socketDirectories(env: NodeJS.ProcessEnv, uid: number, tmpdir: string): string[] {
  const runtime = env.XDG_RUNTIME_DIR ?? '';
  const shelter = join(tmpdir, `resque-runner-${uid}`);
  return isAbsolute(runtime) && isDirectory(runtime) ? [join(runtime, 'resque-runner'), shelter] : [shelter];
}

/**
 * Makes the directory and closes it to other users.
 *
 * @returns a new path for the engine of that process. Other containers may share the directory, so a pid isn't unique
 *
 * @throws LinkError
 */
export function prepareSocketPath(directory: string, pid: number, uid = ownUid()): string {
  const path = join(directory, `${pid}-${randomBytes(3).toString('hex')}.sock`);
  assertPathFits(path);
  prepareDirectory(directory, uid);
  return path;
}

/**
 * The same in the first usable directory.
 *
 * @throws LinkError of the first directory if none is usable
 */
export function prepareFirstSocketPath(directories: readonly string[], pid: number, uid = ownUid()): string {
  let firstError: LinkError | null = null;
  for (const directory of directories) {
    try {
      return prepareSocketPath(directory, pid, uid);
    } catch (error) {
      if (!(error instanceof LinkError)) throw error;
      firstError ??= error;
    }
  }
  throw (
    firstError ?? new LinkError('unusable', linkMessages.noDirectory('a directory for the socket', 'none'))
  );
}

export function pathFits(path: string): boolean {
  return Buffer.byteLength(path) <= longestPathBytes;
}

/** @throws LinkError */
export function assertPathFits(path: string): void {
  if (!pathFits(path)) throw new LinkError('unusable', linkMessages.pathTooLong(path, longestPathBytes));
}

/** Whether only this user can have put sockets into the directory. */
export function isOurDirectory(directory: string, uid: number): boolean {
  try {
    const found = lstatSync(directory);
    return found.isDirectory() && found.uid === uid && (found.mode & 0o022) === 0;
  } catch {
    return false; // Missing, or this user may not see it.
  }
}

function prepareDirectory(directory: string, uid: number): void {
  try {
    mkdirSync(directory, { mode: 0o700 });
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') {
      throw new LinkError('unusable', linkMessages.noDirectory(directory, String(codeOf(error))), {
        cause: error,
      });
    }
  }
  // Links aren't followed: in a public place, other users may control where they lead.
  const found = lstatSync(directory);
  if (!found.isDirectory()) throw new LinkError('unusable', linkMessages.isNoDirectory(directory));
  if (found.uid !== uid) throw new LinkError('unusable', linkMessages.notOurDirectory(directory));
  if ((found.mode & 0o777) === 0o700) return;
  try {
    chmodSync(directory, 0o700);
  } catch (error) {
    throw new LinkError('unusable', linkMessages.openDirectory(directory, String(codeOf(error))), {
      cause: error,
    });
  }
}

function isDirectory(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch {
    return false; // Missing, or this user may not see it.
  }
}

export function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error ? String(error.code) : undefined;
}

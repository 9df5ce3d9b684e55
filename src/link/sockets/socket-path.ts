/**
 * Where engines put their sockets: in a directory that is its user's alone, so that no other user can reach an
 * engine or pass for one.
 */
import { chmodSync, lstatSync, mkdirSync, statSync } from 'node:fs';
import { isAbsolute, join } from 'node:path';
import { LinkError } from '../link-error.ts';
import { linkMessages } from '../messages.ts';
import { codeOf } from './dead-socket.ts';

/** The kernel's limit, without the final NUL. Node cuts a longer path off and uses what is left. */
const longestPathBytes = process.platform === 'linux' ? 107 : 103;

/**
 * Where sockets may lie, the preferred one first. An engine listens in the first that can be used; whoever
 * looks for engines has to look in all, since a service and a shell of one user have different environments.
 *
 * @param tmpdir `os.tmpdir()`
 */
export function socketDirectories(env: NodeJS.ProcessEnv, uid: number, tmpdir: string): string[] {
  const runtime = env.XDG_RUNTIME_DIR ?? '';
  const shelter = join(tmpdir, `resque-runner-${uid}`);
  return isAbsolute(runtime) && isDirectory(runtime) ? [join(runtime, 'resque-runner'), shelter] : [shelter];
}

/**
 * Makes the directory and keeps others out of it. @returns where the engine of that process is to listen
 *
 * @throws LinkError
 */
export function prepareSocketPath(directory: string, pid: number, uid = ownUid()): string {
  const path = join(directory, `${pid}.sock`);
  assertPathFits(path);
  prepareDirectory(directory, uid);
  return path;
}

/**
 * The same in the first of the directories that can be used.
 *
 * @throws LinkError of the first, where none can
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

/** A directory in which nobody else can have put a socket. */
export function isOurDirectory(directory: string, uid: number): boolean {
  try {
    const found = lstatSync(directory);
    return found.isDirectory() && found.uid === uid && (found.mode & 0o022) === 0;
  } catch {
    return false; // Not there, or not for us to see.
  }
}

export function ownUid(): number {
  return process.getuid?.() ?? 0;
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
  // Not followed if it is a link: others may decide where one in a public place leads to.
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
    return false; // Not there, or not for us to see.
  }
}

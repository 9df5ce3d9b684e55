/** Finds the engines of this user. */
import { readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { ServerHello } from '../protocol/frames.ts';
import { hiddenName } from './claim-socket.ts';
import { removeDeadSocket, statOf } from './dead-socket.ts';
import { look } from './peek.ts';
import { isOurDirectory, ownUid } from './socket-path.ts';

export interface ListedSocket {
  readonly path: string;
  readonly hello: ServerHello;
}

/** Before it listens, a server can't be told from a dead one; it takes a moment. */
const hiddenAgeMs = 60_000;

/**
 * The live ones, oldest first; what dead engines left is removed on the way. Directories and sockets that
 * others could have put there are passed over, and so is an engine that doesn't say hello within a second.
 *
 * @param directories see `socketDirectories`
 */
export async function listSockets(
  directories: readonly string[],
  uid = ownUid(),
): Promise<readonly ListedSocket[]> {
  const paths = [...new Set(directories)].flatMap((directory) => socketsIn(directory, uid));
  const [found] = await Promise.all([
    Promise.all(paths.filter((path) => !isHidden(path)).map(lookAt)),
    Promise.all(paths.filter(isForgotten).map(removeDeadSocket)),
  ]);
  return found
    .filter((listed) => listed !== null)
    .toSorted((a, b) => a.hello.startedAtMs - b.hello.startedAtMs || a.path.localeCompare(b.path));
}

function socketsIn(directory: string, uid: number): string[] {
  if (!isOurDirectory(directory, uid)) return [];
  return readdirSync(directory)
    .filter((name) => (name.endsWith('.sock') && !name.startsWith('.')) || hiddenName.test(name))
    .map((name) => join(directory, name))
    .filter((path) => {
      const found = statOf(path);
      return found?.isSocket() === true && found.uid === BigInt(uid);
    });
}

function isHidden(path: string): boolean {
  return hiddenName.test(basename(path));
}

function isForgotten(path: string): boolean {
  const found = isHidden(path) ? statOf(path) : null;
  return found !== null && Date.now() - Number(found.mtimeMs) > hiddenAgeMs;
}

async function lookAt(path: string): Promise<ListedSocket | null> {
  const found = await look(path);
  if (typeof found !== 'string') return { path, hello: found };
  if (found === 'dead') await removeDeadSocket(path);
  return null;
}

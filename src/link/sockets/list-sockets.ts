/** Finds the engines of this user. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { ServerHello } from '../../protocol/frames.ts';
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
  const ours = [...new Set(directories)].filter((directory) => isOurDirectory(directory, uid));
  const all = ours.flatMap((directory) => socketsIn(directory, uid));
  const [found] = await Promise.all([
    Promise.all(all.filter(isListed).map(lookAt)),
    Promise.all(all.filter(isForgotten).map(({ path }) => removeDeadSocket(path))),
  ]);
  return found
    .filter((listed) => listed !== null)
    .toSorted((a, b) => a.hello.startedAtMs - b.hello.startedAtMs || a.path.localeCompare(b.path));
}

interface FoundSocket {
  readonly name: string;
  readonly path: string;
  readonly changedAtMs: number;
}

function socketsIn(directory: string, uid: number): FoundSocket[] {
  return readdirSync(directory).flatMap((name) => {
    const path = join(directory, name);
    const found = statOf(path);
    if (found?.isSocket() !== true || found.uid !== BigInt(uid)) return [];
    return [{ name, path, changedAtMs: Number(found.mtimeMs) }];
  });
}

function isListed({ name }: FoundSocket): boolean {
  return name.endsWith('.sock') && !name.startsWith('.');
}

function isForgotten({ name, changedAtMs }: FoundSocket): boolean {
  return hiddenName.test(name) && Date.now() - changedAtMs > hiddenAgeMs;
}

async function lookAt({ path }: FoundSocket): Promise<ListedSocket | null> {
  const found = await look(path);
  if (typeof found !== 'string') return { path, hello: found };
  if (found === 'dead') await removeDeadSocket(path);
  return null;
}

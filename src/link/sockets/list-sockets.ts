/** Finds the engines of this user, and removes the sockets of dead ones. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { ServerHello } from '../../protocol/frames.ts';
import { removeDeadSocket, statOf } from './listen.ts';
import { look, type SocketState } from './peek.ts';
import { codeOf, isOurDirectory } from './socket-path.ts';
import { ownUid } from './users.ts';

export interface ListedSocket {
  readonly path: string;
  readonly hello: ServerHello;
}

/** A server that is killed before it has its name leaves a hidden one. A younger one may be about to listen. */
const hiddenName = /^\.[\da-f]{8}$/;
const hiddenAgeMs = 60_000;

/**
 * The live engines, oldest first, also those of other versions. Skips directories and sockets that other users could have
 * put there, and an engine that doesn't say hello within a second.
 *
 * @param directories see `socketDirectories`
 */
export async function listSockets(
  directories: readonly string[],
  uid = ownUid(),
): Promise<readonly ListedSocket[]> {
  const { listed } = await surveySockets(directories, undefined, uid);
  return listed;
}

/**
 * The same, and the paths of sockets that accept connections but send no hello.
 *
 * @param limitMs how long to wait for a hello
 */
export async function surveySockets(
  directories: readonly string[],
  limitMs?: number,
  uid = ownUid(),
): Promise<{ readonly listed: readonly ListedSocket[]; readonly silent: readonly string[] }> {
  const ours = [...new Set(directories)].filter((directory) => isOurDirectory(directory, uid));
  const paths = ours.flatMap((directory) => socketsIn(directory, uid));
  const found = await Promise.all(
    paths.map(async (path) => ({ path, hello: await lookAndTidy(path, limitMs) })),
  );
  return {
    listed: found
      .filter((each): each is ListedSocket => typeof each.hello !== 'string')
      .toSorted((a, b) => a.hello.startedAtMs - b.hello.startedAtMs || a.path.localeCompare(b.path)),
    silent: found.filter(({ hello }) => hello === 'taken').map(({ path }) => path),
  };
}

function socketsIn(directory: string, uid: number): string[] {
  return namesIn(directory)
    .filter((name) => {
      const found = statOf(join(directory, name));
      if (found?.isSocket() !== true || found.uid !== BigInt(uid)) return false;
      const isVisible = name.endsWith('.sock') && !name.startsWith('.');
      return isVisible || (hiddenName.test(name) && Date.now() - Number(found.mtimeMs) > hiddenAgeMs);
    })
    .map((name) => join(directory, name));
}

/** None if the directory has gone: the last engine that stops removes it. */
function namesIn(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return [];
    throw error;
  }
}

async function lookAndTidy(path: string, limitMs: number | undefined): Promise<ServerHello | SocketState> {
  const found = await look(path, limitMs);
  if (found === 'dead') await removeDeadSocket(path);
  return found;
}

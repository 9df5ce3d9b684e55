/**
 * Sockets that dead engines left behind: told from live ones, and removed so that nobody loses a live one,
 * whoever else does the same at the same time.
 *
 * Between seeing that a name's socket is dead and removing the name, another process may have given the name
 * to a live one. So the file itself is held by a second name made of its inode's number, which nobody else
 * can then hold (link(2) fails where it exists), and whose number nothing new gets meanwhile. Only its holder
 * takes a dead file off its name, and starters never take a name that is not free: while the name still stands
 * for the held inode, it stays so. A process that dies in between leaves the second name, and with it a dead
 * file for ever: a nuisance, where taking it for forgotten could cost a live one.
 */
import { type BigIntStats, linkSync, lstatSync, rmSync } from 'node:fs';
import { createConnection } from 'node:net';
import { dirname, join } from 'node:path';

/** `dead`: nobody will ever answer there again; `taken`: somebody may, or it is no socket; `gone`: nothing is there. */
export type SocketState = 'dead' | 'taken' | 'gone';

/** What a connection tells; one that neither comes about nor fails within this is taken for a busy engine's. */
const probeTimeoutMs = 1_000;

/**
 * @returns `gone` where it was removed or wasn't there, `busy` while somebody else removes it, `taken` where
 *   it was left alone
 */
export async function removeDeadSocket(path: string): Promise<'gone' | 'busy' | 'taken'> {
  const found = statOf(path);
  if (found === null) return 'gone';
  if (!found.isSocket()) return 'taken';
  const holder = join(dirname(path), `.dead-${found.ino}`);
  try {
    linkSync(path, holder);
  } catch (error) {
    const code = codeOf(error);
    if (code === 'ENOENT') return 'gone';
    // Anything else than another holder: a file system without links. Then it stays.
    return code === 'EEXIST' ? 'busy' : 'taken';
  }
  try {
    // A newer file has got the name before we held the one that we saw.
    if (statOf(holder)?.ino !== found.ino) return 'busy';
    const state = await probeSocket(path);
    if (state !== 'dead') return state;
    if (statOf(path)?.ino === found.ino) rmSync(path, { force: true });
    return 'gone';
  } finally {
    rmSync(holder, { force: true });
  }
}

/** Whether anybody listens. What can't be told counts as `taken`. */
export function probeSocket(path: string): Promise<SocketState> {
  return new Promise((resolve) => {
    const socket = createConnection(path);
    const answer = (state: SocketState) => {
      socket.destroy();
      resolve(state);
    };
    socket.setTimeout(probeTimeoutMs, () => answer('taken'));
    socket.once('connect', () => answer('taken'));
    socket.once('error', (error) => answer(stateFrom(error)));
  });
}

/** What a failure to connect tells. */
export function stateFrom(error: Error): SocketState {
  switch (codeOf(error)) {
    case 'ECONNREFUSED':
      return 'dead';
    case 'ENOENT':
      return 'gone';
    default: // EAGAIN of a crowded one, EACCES of somebody else's.
      return 'taken';
  }
}

/** @returns `null` where nothing has that name, or nothing that we may see */
export function statOf(path: string): BigIntStats | null {
  try {
    return lstatSync(path, { bigint: true });
  } catch {
    return null;
  }
}

export function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error ? String(error.code) : undefined;
}

/**
 * Gives a listening server the name that others look for, without ever taking it from a live one.
 *
 * The server listens at a hidden name first. Then link(2) gives it the visible one, which fails if that exists. So a name
 * appears together with a server that answers, and if two want it, one gets it. Node removes the name that it bound when
 * the server closes, even if it belongs to another server by then; only the hidden one is bound, and that is unique.
 */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { type BigIntStats, chmodSync, linkSync, lstatSync, renameSync, rmSync, utimesSync } from 'node:fs';
import type { Server } from 'node:net';
import { dirname, join } from 'node:path';
import { LinkError, linkMessages } from '../link-errors.ts';
import { look, type SocketState } from './peek.ts';
import { assertPathFits, codeOf } from './socket-path.ts';

/**
 * Cleaners of temporary directories remove old files. They recognize a live socket by the name that it was bound to, which
 * no longer exists, so its visible name is kept young.
 */
const touchMs = 60 * 60 * 1000;
/** A runner that starts at the same time may be replacing the same dead socket. */
const triesLimit = 5;

/**
 * @param server may be used again if this fails
 * @returns removes the name, if it is still the server's; call it while the server listens
 * @throws LinkError
 */
export async function listenAt(server: Server, path: string): Promise<() => void> {
  const hidden = hiddenIn(dirname(path));
  try {
    assertPathFits(path);
    assertPathFits(hidden);
    await startListening(server, hidden);
    chmodSync(hidden, 0o600);
    await takeName(hidden, path);
    return holdName(path);
  } catch (error) {
    // Awaited: its 'close' would end the next try.
    await new Promise((resolve) => server.close(resolve));
    if (error instanceof LinkError) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    throw new LinkError('unusable', linkMessages.noListening(path, reason), { cause: error });
  } finally {
    rmSync(hidden, { force: true });
  }
}

/** @returns `gone` if nothing has that name any more; otherwise why it was left alone */
export async function removeDeadSocket(path: string): Promise<SocketState> {
  const found = statOf(path);
  if (found === null) return 'gone';
  if (!found.isSocket()) return 'taken';
  const state = await look(path);
  if (typeof state !== 'string') return 'taken';
  if (state !== 'dead') return state;
  const now = statOf(path);
  if (now === null) return 'gone';
  if (!isSame(now, found)) return 'taken';
  // Moved first: a live one that has replaced it within these few microseconds gets its name back.
  const aside = hiddenIn(dirname(path));
  try {
    renameSync(path, aside);
    const moved = statOf(aside);
    const isDead = moved !== null && isSame(moved, found);
    if (!isDead) linkSync(aside, path);
    rmSync(aside, { force: true });
    return isDead ? 'gone' : 'taken';
  } catch (error) {
    return codeOf(error) === 'ENOENT' ? 'gone' : 'taken';
  }
}

function isSame(a: BigIntStats, b: BigIntStats): boolean {
  return a.ino === b.ino && a.mtimeNs === b.mtimeNs;
}

/** @returns `null` if nothing has that name, or nothing that this user may see */
export function statOf(path: string): BigIntStats | null {
  try {
    return lstatSync(path, { bigint: true });
  } catch {
    return null;
  }
}

function hiddenIn(directory: string): string {
  return join(directory, `.${randomBytes(4).toString('hex')}`);
}

async function startListening(server: Server, path: string): Promise<void> {
  const settled = new AbortController();
  const { signal } = settled;
  try {
    server.listen(path);
    // A server that is closed before it listens never says that it does.
    const closed = once(server, 'close', { signal }).then(() => Promise.reject(new Error('it was closed')));
    await Promise.race([once(server, 'listening', { signal }), closed]);
  } finally {
    settled.abort();
  }
}

async function takeName(hidden: string, path: string): Promise<void> {
  for (let tries = 0; tries < triesLimit; tries += 1) {
    try {
      linkSync(hidden, path);
      return;
    } catch (error) {
      if (codeOf(error) !== 'EEXIST') throw error;
    }
    if ((await removeDeadSocket(path)) !== 'gone') break;
  }
  throw new LinkError('unusable', linkMessages.nameTaken(path));
}

function holdName(path: string): () => void {
  const own = statOf(path)?.ino;
  const ifOurs = (act: () => void) => {
    try {
      if (own !== undefined && statOf(path)?.ino === own) act();
    } catch (error) {
      // For example, the file system is read-only now. At worst a dead socket stays, and others remove it.
      process.emitWarning(error instanceof Error ? error : String(error));
    }
  };
  const toucher = setInterval(() => {
    const now = new Date();
    ifOurs(() => utimesSync(path, now, now));
  }, touchMs).unref();
  return () => {
    clearInterval(toucher);
    ifOurs(() => rmSync(path, { force: true }));
  };
}

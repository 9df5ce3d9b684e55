/**
 * Gives a listening server a name in a directory, without ever taking a live one's.
 *
 * It is bound to a hidden name of its own first and listens there; then link(2) gives it the name that others
 * look for, which fails where that name exists. So a name appears together with somebody who answers, and of
 * two who want it one gets it. Node removes the name that it bound when the server closes, whoever has it by
 * then: that is the hidden one, which nobody else ever has.
 */
import { randomBytes } from 'node:crypto';
import { chmodSync, linkSync, rmSync, utimesSync } from 'node:fs';
import type { Server } from 'node:net';
import { dirname, extname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { LinkError } from '../link-error.ts';
import { linkMessages } from '../messages.ts';
import { codeOf, removeDeadSocket, statOf } from './dead-socket.ts';
import { assertPathFits } from './socket-path.ts';

export interface ClaimedSocket {
  readonly path: string;
  /** Takes the name away, if it is still ours; to be called while the server still listens. */
  release(): void;
}

/** More engines of one name can only be a mistake. */
const namesLimit = 100;
/** While somebody else removes the dead one. */
const busyWaitMs = 10;
const busyWaitsLimit = 50;
/**
 * Cleaners of temporary directories remove what is some days old; they spare live sockets by the name that was
 * bound, which ours isn't. So it is kept young.
 */
const touchMs = 60 * 60 * 1000;

/** What a server is bound to before it has its name; one that is killed in that moment leaves it behind. */
export const hiddenName = /^\.[\da-f]{8}$/;
const newHiddenName = (): string => `.${randomBytes(4).toString('hex')}`;

/**
 * @param server may be tried again where this fails
 * @param path preferred; where it is taken, `-2` and so on is put before its extension, unless it `isExact`
 * @throws LinkError
 */
export async function claimSocket(
  server: Server,
  path: string,
  { isExact }: { readonly isExact: boolean },
): Promise<ClaimedSocket> {
  const hidden = join(dirname(path), newHiddenName());
  assertPathFits(hidden);
  try {
    await listenAt(server, hidden);
    chmodSync(hidden, 0o600);
    const taken = await takeName(hidden, path, isExact ? 1 : namesLimit);
    if (taken !== null) return holdName(taken);
    const wording = isExact ? linkMessages.nameTaken : linkMessages.allNamesTaken;
    throw new LinkError('unusable', wording(path));
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

function listenAt(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const onListening = () => {
      stop();
      resolve();
    };
    const onError = (error: Error) => {
      stop();
      reject(error);
    };
    // A server that is closed meanwhile never says that it listens.
    const onClose = () => onError(new Error('it was closed'));
    const stop = () => {
      server.off('listening', onListening).off('error', onError).off('close', onClose);
    };
    server.on('listening', onListening).on('error', onError).on('close', onClose);
    server.listen(path);
  });
}

/** @returns the name that it got, `null` where all are taken */
async function takeName(hidden: string, path: string, limit: number): Promise<string | null> {
  const stem = path.slice(0, path.length - extname(path).length);
  for (let number = 1; number <= limit; number += 1) {
    const candidate = number === 1 ? path : `${stem}-${number}${extname(path)}`;
    assertPathFits(candidate);
    if (await takeIfFree(hidden, candidate)) return candidate;
  }
  return null;
}

async function takeIfFree(hidden: string, candidate: string): Promise<boolean> {
  for (let waits = 0; waits < busyWaitsLimit; waits += 1) {
    try {
      linkSync(hidden, candidate);
      return true;
    } catch (error) {
      if (codeOf(error) !== 'EEXIST') throw error;
    }
    const state = await removeDeadSocket(candidate);
    if (state === 'taken') return false;
    if (state === 'busy') await sleep(busyWaitMs);
  }
  return false;
}

function holdName(path: string): ClaimedSocket {
  const own = statOf(path)?.ino;
  const ifOurs = (act: () => void) => {
    try {
      if (own !== undefined && statOf(path)?.ino === own) act();
    } catch (error) {
      // As on a file system that has become read-only. At worst a dead name is left, which others remove.
      process.emitWarning(error instanceof Error ? error : String(error));
    }
  };
  const toucher = setInterval(() => {
    const now = new Date();
    ifOurs(() => utimesSync(path, now, now));
  }, touchMs).unref();
  return {
    path,
    release: () => {
      clearInterval(toucher);
      ifOurs(() => rmSync(path, { force: true }));
    },
  };
}

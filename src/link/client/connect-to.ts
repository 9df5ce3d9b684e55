/** Connects to the socket of an engine, or explains why it can't. */
import { createConnection, type Socket } from 'node:net';
import { LinkError, linkMessages } from '../link-errors.ts';
import { type HeldSocket, holdSocket } from '../sockets/held-socket.ts';
import { assertPathFits, codeOf } from '../sockets/socket-path.ts';
import { ownUid } from '../sockets/users.ts';

export interface ReachedEngine {
  readonly socket: Socket;
  /** The user whose engine it is. */
  readonly ownerUid: number;
}

/**
 * Connects only to a socket that the caller can trust: see `holdSocket`.
 *
 * @throws LinkError
 */
export async function connectTo(path: string, uid = ownUid()): Promise<ReachedEngine> {
  assertPathFits(path);
  let held: HeldSocket | null = null;
  try {
    held = holdSocket(path, uid);
    const socket = await connected(held.address);
    if (held.isSame()) return { socket, ownerUid: held.owner };
    socket.destroy();
    throw new LinkError('unusable', linkMessages.replacedSocket(path));
  } catch (error) {
    if (error instanceof LinkError || !(error instanceof Error)) throw error;
    throw explain(path, held?.address ?? path, error);
  } finally {
    held?.release();
  }
}

function connected(address: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = createConnection(address);
    socket.once('error', reject);
    socket.once('connect', () => {
      socket.off('error', reject);
      resolve(socket);
    });
  });
}

function explain(path: string, address: string, error: Error): LinkError {
  switch (codeOf(error)) {
    case 'ENOENT':
    case 'ENOTDIR':
      return new LinkError('absent', linkMessages.noEngine(path), { cause: error });
    case 'ECONNREFUSED':
      return new LinkError('absent', linkMessages.engineGone(path), { cause: error });
    case 'EACCES':
      return new LinkError('unusable', linkMessages.notAllowed(path), { cause: error });
    default:
      return new LinkError('unusable', linkMessages.unreachable(path, error.message.replace(address, path)), {
        cause: error,
      });
  }
}

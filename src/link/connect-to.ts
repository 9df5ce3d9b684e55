/** Connects to the socket of an engine, or says why not. */
import { createConnection, type Socket } from 'node:net';
import { codeOf } from './dead-socket.ts';
import { LinkError } from './link-error.ts';
import { linkWording } from './link-wording.ts';
import { assertPathFits } from './socket-path.ts';

/** @throws LinkError */
export async function connectTo(path: string): Promise<Socket> {
  assertPathFits(path);
  return new Promise((resolve, reject) => {
    const socket = createConnection(path);
    const onError = (error: Error) => reject(explain(path, error));
    socket.once('error', onError);
    socket.once('connect', () => {
      socket.off('error', onError);
      resolve(socket);
    });
  });
}

function explain(path: string, error: Error): LinkError {
  switch (codeOf(error)) {
    case 'ENOENT':
      return new LinkError('absent', linkWording.noEngine(path), { cause: error });
    case 'ECONNREFUSED':
      return new LinkError('absent', linkWording.engineGone(path), { cause: error });
    case 'EACCES':
      return new LinkError('unusable', linkWording.notAllowed(path), { cause: error });
    default:
      return new LinkError('unusable', linkWording.unreachable(path, error.message), { cause: error });
  }
}

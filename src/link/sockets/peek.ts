/** Finds out who listens at a path, without becoming a client: an engine says hello at once. */
import { createConnection, type Socket } from 'node:net';
import { type ServerHello, serverFrameLimit } from '../../protocol/frames.ts';
import { FrameDecoder, FrameError } from '../frames/frame-codec.ts';
import { readServerFrame } from '../frames/read-frames.ts';
import { codeOf, pathFits } from './socket-path.ts';

/** `dead`: no server will ever answer there again; `taken`: one may, or it isn't a socket; `gone`: nothing is there. */
export type SocketState = 'dead' | 'taken' | 'gone';

const usualLimitMs = 1_000;

/** @returns the hello of an engine of any version; if none comes in time, what is there instead */
export function look(path: string, limitMs = usualLimitMs): Promise<ServerHello | SocketState> {
  if (!pathFits(path)) return Promise.resolve('gone');
  return greeting(createConnection(path), limitMs);
}

/** The same of a connection, which ends with it. */
export function greeting(socket: Socket, limitMs: number): Promise<ServerHello | SocketState> {
  return new Promise((resolve) => {
    const decoder = new FrameDecoder(serverFrameLimit);
    // For the whole look, not for silence: a server that sends other things must not delay it.
    const timer = setTimeout(() => answer('taken'), limitMs);
    const answer = (found: ServerHello | SocketState) => {
      clearTimeout(timer);
      socket.destroy();
      resolve(found);
    };
    socket.on('data', (chunk: Buffer) => {
      try {
        for (const raw of decoder.decode(chunk)) {
          const frame = readServerFrame(raw);
          answer(frame.type === 'hello' ? frame : 'taken');
          return;
        }
      } catch (error) {
        if (!(error instanceof FrameError)) throw error;
        answer('taken');
      }
    });
    socket.on('error', (error) => answer(stateFrom(error)));
    socket.on('close', () => answer('taken'));
  });
}

function stateFrom(error: Error): SocketState {
  switch (codeOf(error)) {
    case 'ECONNREFUSED':
      return 'dead';
    case 'ENOENT':
      return 'gone';
    default: // EAGAIN of a crowded one, EACCES of another user's.
      return 'taken';
  }
}

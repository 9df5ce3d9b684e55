/** Asks who listens at a path, without becoming a client: an engine says hello at once. */
import { createConnection } from 'node:net';
import { type ServerHello, serverFrameLimit } from '../../protocol/frames.ts';
import { FrameDecoder, FrameError } from '../frames/frame-decoder.ts';
import { readServerFrame } from '../frames/read-server-frame.ts';
import { type SocketState, stateFrom } from './dead-socket.ts';
import { pathFits } from './socket-path.ts';

const timeoutMs = 1_000;

/** The engine's hello, of whatever version; `null` where none lives, or none that says something in a second. */
export async function peek(path: string): Promise<ServerHello | null> {
  const found = await look(path);
  return typeof found === 'string' ? null : found;
}

/** The same, with what is known where there is no hello. */
export function look(path: string): Promise<ServerHello | SocketState> {
  if (!pathFits(path)) return Promise.resolve('gone');
  return new Promise((resolve) => {
    const decoder = new FrameDecoder(serverFrameLimit);
    const socket = createConnection(path);
    // Of the whole look, not of silence: one that goes on sending other things must not hold it up.
    const timer = setTimeout(() => answer('taken'), timeoutMs);
    const answer = (found: ServerHello | SocketState) => {
      clearTimeout(timer);
      socket.destroy();
      resolve(found);
    };
    socket.on('data', (chunk: Buffer) => {
      try {
        for (const raw of decoder.decode(chunk)) {
          const frame = readServerFrame(raw);
          answer(frame?.type === 'hello' ? frame : 'taken');
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

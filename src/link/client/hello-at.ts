/** Asks the engine at a socket who it is, without becoming its client. */
import type { ServerHello } from '../../protocol/frames.ts';
import { greeting } from '../sockets/peek.ts';
import { connectTo } from './connect-to.ts';

/**
 * @returns `null` if no hello comes in time
 * @throws LinkError if nothing listens there, or the socket can't be trusted
 */
export async function helloAt(path: string, limitMs: number): Promise<ServerHello | null> {
  const { socket } = await connectTo(path);
  const found = await greeting(socket, limitMs);
  return typeof found === 'string' ? null : found;
}

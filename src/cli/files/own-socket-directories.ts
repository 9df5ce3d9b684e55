import { tmpdir } from 'node:os';
import { ownUid, socketDirectories } from '../../link/sockets/socket-path.ts';

/** Where runners of this user listen and `attach` looks, the preferred one first. */
export function ownSocketDirectories(): string[] {
  return socketDirectories(process.env, ownUid(), tmpdir());
}

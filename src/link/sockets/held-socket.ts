/**
 * Checks the socket at a path before a client says anything to the server there, because a socket of another user may be a
 * trap. The socket must belong to the caller or to root, and so must its directory and all links that lead to it. Root may
 * reach the socket of any user, and learns who owns it.
 *
 * Nothing can replace the socket between the check and the connection. On Linux, its directory is held open and the client
 * connects through that, wherever the path leads by then. Inside the directory, only trusted users can replace the socket,
 * and members of the directory's group if they may write there. So the client checks again after it has connected.
 */
import {
  closeSync,
  constants,
  existsSync,
  fstatSync,
  lstatSync,
  openSync,
  readlinkSync,
  type Stats,
} from 'node:fs';
import { basename, dirname, isAbsolute, join } from 'node:path';
import { LinkError, linkMessages } from '../link-errors.ts';
import { pathFits } from './socket-path.ts';
import { userNameOf } from './users.ts';

export interface HeldSocket {
  /** To connect to. */
  readonly address: string;
  /** The user who owns it. */
  readonly owner: number;
  /** Whether the path still leads to the socket that was checked. */
  isSame(): boolean;
  release(): void;
}

/** Linux' `O_PATH`, which Node doesn't name. It needs permission to search the directory, not to list it. */
const openPath = 0o10000000;
const writableByAll = 0o002;
/** In such a directory, users can replace only their own files. */
const sticky = 0o1000;
/** As in the kernel. */
const longestChain = 40;

/**
 * @param uid the caller
 * @throws LinkError if it can't be trusted; the system's error if it can't be checked
 */
export function holdSocket(path: string, uid: number): HeldSocket {
  const isTrusted = ({ uid: owner }: Stats) => uid === 0 || owner === uid || owner === 0;
  const target = followTrusted(path, isTrusted);
  const directory = dirname(target);
  const isLinux = process.platform === 'linux';
  const fd = openSync(directory, constants.O_DIRECTORY | (isLinux ? openPath : constants.O_RDONLY));
  try {
    const throughFd = join('/proc/self/fd', String(fd), basename(target));
    const address = isLinux && existsSync(throughFd) && pathFits(throughFd) ? throughFd : target;
    const found = lstatSync(address);
    if (!found.isSocket()) throw refusal(linkMessages.noSocket(path));
    if (!isTrusted(found)) throw refusal(linkMessages.foreignSocket(path, userNameOf(found.uid)));
    const around = fstatSync(fd);
    if (!isTrusted(around))
      throw refusal(linkMessages.foreignDirectory(path, directory, userNameOf(around.uid)));
    if ((around.mode & writableByAll) !== 0 && (around.mode & sticky) === 0) {
      throw refusal(linkMessages.replaceableSocket(path, directory));
    }
    return {
      address,
      owner: found.uid,
      isSame: () => {
        const now = lstatSync(address, { throwIfNoEntry: false });
        return now?.ino === found.ino && now.dev === found.dev && now.uid === found.uid;
      },
      release: () => closeSync(fd),
    };
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

/** The path without links. @throws LinkError if one of them can't be trusted */
function followTrusted(path: string, isTrusted: (found: Stats) => boolean): string {
  let at = '/';
  let left = (isAbsolute(path) ? path : `${process.cwd()}/${path}`).split('/');
  for (let links = 0; left.length > 0; ) {
    const [name = '', ...rest] = left;
    const next = join(at, name);
    const found = lstatSync(next);
    left = rest;
    if (!found.isSymbolicLink()) {
      at = next;
      continue;
    }
    links += 1;
    if (links > longestChain) throw refusal(linkMessages.unreachable(path, 'too many links'));
    if (!isTrusted(found)) throw refusal(linkMessages.foreignLink(next, userNameOf(found.uid)));
    const leadsTo = readlinkSync(next);
    if (isAbsolute(leadsTo)) at = '/';
    left = [...leadsTo.split('/'), ...rest];
  }
  return at;
}

function refusal(message: string): LinkError {
  return new LinkError('unusable', message);
}

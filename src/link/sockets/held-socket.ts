/**
 * The socket at a path, looked at before anything is said to what listens there: a socket of another user may be a
 * trap. It belongs to the caller or to root, and so do its directory and all links that lead to it. Root may reach the
 * socket of any user, and learns whose it is.
 *
 * Nothing can take its place between the look and the connection. On Linux its directory is held open and the socket
 * is reached through that, wherever the path leads by then. Inside the directory only trusted users can replace it, and
 * members of its group if they may write there. So it is looked at again after the connection.
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
import { LinkError } from '../link-error.ts';
import { linkMessages } from '../messages.ts';
import { pathFits } from './socket-path.ts';
import { userNameOf } from './user-name.ts';

export interface HeldSocket {
  /** To connect to. */
  readonly address: string;
  /** Id of the user whose it is. */
  readonly owner: number;
  /** Whether it is still the one that was looked at. */
  isSame(): boolean;
  release(): void;
}

/** Linux' `O_PATH`, which Node doesn't name: it takes the permission to search the directory, not to list it. */
const openPath = 0o10000000;
const writableByAll = 0o002;
/** In such a directory users can replace only what is theirs. */
const sticky = 0o1000;
/** As in the kernel. */
const longestChain = 40;

/**
 * @param uid the caller
 * @throws LinkError if it can't be trusted; what the system says if it can't be looked at
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

/** The path without links. @throws LinkError where one of them can't be trusted */
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

/** The directories that this program uses for its user. */
import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';
import { socketDirectories } from '../../link/sockets/socket-path.ts';
import { ownUid } from '../../link/sockets/users.ts';
import type { Io } from '../command-line/io.ts';

/** Where this user's runners listen and `attach` looks, the preferred one first. */
export function ownSocketDirectories({ env }: Pick<Io, 'env'>): string[] {
  return socketDirectories(env, ownUid(), temporaryDirectory(env));
}

/** For files that must outlive a runner: `$XDG_STATE_HOME/resque-runner`, else `~/.local/state/resque-runner`. */
export function ownStateDirectory({ env }: Pick<Io, 'env'>): string {
  const home = env.HOME ?? homedir();
  const state = env.XDG_STATE_HOME ?? '';
  return join(isAbsolute(state) ? state : join(home, '.local', 'state'), 'resque-runner');
}

/** The same as `os.tmpdir()`, for any environment. */
function temporaryDirectory({ TMPDIR, TMP, TEMP }: NodeJS.ProcessEnv): string {
  const path = TMPDIR || TMP || TEMP || '/tmp';
  return path.length > 1 && path.endsWith('/') ? path.slice(0, -1) : path;
}

/** Starts programs as another user, who can see only their own processes. Requires root, Linux and util-linux. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

export interface OtherUser {
  readonly uid: number;
  /** Mounts /proc with `hidepid=2`, only for this program. */
  readonly isBlind?: boolean;
}

/** Words to put before a command, which keeps its pid. */
export function commandPrefix({ uid, isBlind = false }: OtherUser): readonly string[] {
  const become = ['setpriv', `--reuid=${uid}`, `--regid=${uid}`, '--clear-groups'];
  // A separate mount: `remount` would hide processes from all users of this machine.
  const hide = 'mount -t proc -o hidepid=2 proc /proc && exec "$@"';
  return isBlind ? ['unshare', '--mount', 'sh', '-c', hide, 'sh', ...become] : become;
}

/** Whether this works here and other users can read this checkout. */
export function canBecomeOthers(): boolean {
  if (process.getuid?.() !== 0) return false;
  const [program = '', ...words] = commandPrefix({ uid: 65_533, isBlind: true });
  const look = `require('node:fs').accessSync(${JSON.stringify(fileURLToPath(new URL('../../package.json', import.meta.url)))})`;
  return spawnSync(program, [...words, process.execPath, '-e', look]).status === 0;
}

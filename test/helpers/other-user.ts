/** Starts programs as another user, who may see only own processes. It takes root, Linux, and util-linux. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

export interface OtherUser {
  readonly uid: number;
  /** /proc is mounted with `hidepid=2` for it, and for it alone. */
  readonly isBlind?: boolean;
}

/** Words to put before a command; what they start keeps its pid. */
export function commandPrefix({ uid, isBlind = false }: OtherUser): readonly string[] {
  const become = ['setpriv', `--reuid=${uid}`, `--regid=${uid}`, '--clear-groups'];
  // A mount of its own: with `remount` everything on this machine would be hidden from everyone.
  const hide = 'mount -t proc -o hidepid=2 proc /proc && exec "$@"';
  return isBlind ? ['unshare', '--mount', 'sh', '-c', hide, 'sh', ...become] : become;
}

/** Whether that works here, and another user can read this checkout. */
export function canBecomeOthers(): boolean {
  if (process.getuid?.() !== 0) return false;
  const [program = '', ...words] = commandPrefix({ uid: 65_533, isBlind: true });
  const look = `require('node:fs').accessSync(${JSON.stringify(fileURLToPath(new URL('../../package.json', import.meta.url)))})`;
  return spawnSync(program, [...words, process.execPath, '-e', look]).status === 0;
}

/**
 * Starts programs: through `posix_spawn` where there is one to be had, else through Node's `child_process`. The
 * only place that starts jobs, and neither execa nor any other comfort stands in between, since every job pays
 * for it (measured: 1.7–2.1 ms of CPU a start with execa, 0.9–1.0 with `child_process`, 0.17 with `posix_spawn`).
 */
import type { Launch } from './launched-process.ts';
import { libc } from './libc.ts';
import { launcherOfNode } from './node-launcher.ts';
import { posixLauncher } from './posix-launcher.ts';

let posix: Launch | null = null;

/** What it loads stays. Without a descriptor to load it with, Node starts programs for now. */
export function launcher(): Launch {
  const native = libc();
  if (native === null) return launcherOfNode();
  posix ??= posixLauncher(native);
  return posix;
}

/** Whether jobs are started through `posix_spawn`. */
export function startsNatively(): boolean {
  return libc() !== null;
}

import { libc } from '../../engine/process/libc.ts';

/** By then a runner has started, and most of what that needed is not needed again. */
const firstReleaseMs = 3_000;
/** V8's compilers come back with each function that gets hot. */
const releaseMs = 60_000;

/** Gives back memory that only the start has needed, now and again; see `releaseCode`. */
export function releaseMemory(): void {
  // Loaded now, while there are descriptors for it.
  const native = libc();
  const release = () => native?.releaseCode();
  setTimeout(release, firstReleaseMs).unref();
  setInterval(release, releaseMs).unref();
}

/**
 * A duty of process 1 in a container: reaping processes that it didn't start and whose parents have ended. Otherwise they
 * fill the process table.
 *
 *     quiet ──SIGCHLD──▶ waits a second ──▶ looks ──no zombies──▶ quiet
 *                              ▲               └──some: reaps those of the look before──┐
 *                              └────────────────────────────────────────────────────────┘
 *
 * Our own children are reaped in the turn in which their end is reported, so a zombie at two looks is not one of them.
 */

import { libc } from '../launch/libc.ts';
import { zombieChildren } from '../machine/identity.ts';

const lookMs = 1_000;

/** Call this once, in process 1. If the C library can't be called, nothing is reaped. */
export function reapOrphans(): void {
  const native = libc();
  if (native === null) return;
  let seen: readonly number[] = [];
  let isWaiting = false;
  const look = () => {
    isWaiting = false;
    const zombies = zombieChildren();
    for (const pid of zombies) {
      if (seen.includes(pid)) native.reap(pid);
    }
    seen = zombies.filter((pid) => !seen.includes(pid));
    if (seen.length > 0) lookSoon();
  };
  const lookSoon = () => {
    if (isWaiting) return;
    isWaiting = true;
    setTimeout(look, lookMs).unref();
  };
  process.on('SIGCHLD', lookSoon);
  // Orphans from before this call.
  lookSoon();
}

/**
 * What process 1 of a container has to do besides its work: to reap processes that it hasn't started, whose parents have
 * ended. Each would stay in the table of processes otherwise, until that is full.
 *
 *     quiet ──SIGCHLD──▶ waits a second ──▶ looks ──no zombies──▶ quiet
 *                              ▲               └──some: reaps those of the look before──┐
 *                              └────────────────────────────────────────────────────────┘
 *
 * Our own children are reaped in the turn in which we hear of their end: what is a zombie at two looks is none of them.
 */
import { zombieChildren } from '../machine/identity.ts';
import { libc } from './libc.ts';

const lookMs = 1_000;

/** To be called once, in process 1. Where the C library can't be called, nothing is reaped. */
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
  // What the process has inherited before.
  lookSoon();
}

/**
 * The locks of resque-scheduler and node-resque: each names the program that moves delayed jobs. These programs don't know
 * each other's lock, so there may be two. `move.ts` takes the locks.
 */
import type { ResqueKeys } from '../format/keys.ts';

export interface LockHolders {
  /** In resque-scheduler's lock: `HOST:PID`, or `null`. */
  readonly master: string | null;
  /** In node-resque's. */
  readonly leader: string | null;
}

/** The keys of both locks, in this order. @param lockPrefix of resque-scheduler's; '' for none */
export function lockKeys(keys: ResqueKeys, lockPrefix: string): [master: string, leader: string] {
  return [keys.masterLock(lockPrefix), keys.leaderLock];
}

/** Two schedulers at the same time lose jobs and repeat others. */
export function areTwo({ master, leader }: LockHolders): boolean {
  return master !== null && leader !== null && master !== leader;
}

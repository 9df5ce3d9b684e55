/**
 * Tells a process from every other that had or will have its number. A pid alone says nothing: after a crash
 * it is given away again, in containers it is nearly always the same.
 */
import { readlinkSync } from 'node:fs';
import type { Presence, Vantage } from '../../resque/workers/liveness.ts';
import { pids, readIfThere, statOf } from './proc.ts';

export interface ProcessIdentity {
  /** Kernel and pid namespace, within which a pid means something; '' where the system doesn't tell. */
  readonly machine: string;
  readonly pid: number;
  /** Ticks of the kernel's clock since its boot; '' where the system doesn't tell. */
  readonly startedAt: string;
  /** User; absent if unknown. */
  readonly uid?: number;
}

export function ownIdentity(): ProcessIdentity {
  const fields = statOf(process.pid);
  const uid = process.getuid?.();
  return {
    machine: machine(),
    pid: process.pid,
    startedAt: (fields === null ? null : startOf(fields)) ?? '',
    ...(uid === undefined ? {} : { uid }),
  };
}

/** To judge runners from here. */
export function ownVantage(): Vantage {
  return { identity: ownIdentity(), presenceOf };
}

/**
 * Unknown is a process of another machine or container, and one that exists but whose start can't be read: mounted with
 * `hidepid`, /proc looks to other users as if their processes weren't there.
 */
export function presenceOf({ machine: home, pid, startedAt }: ProcessIdentity): Presence {
  if (home === '' || startedAt === '' || home !== machine()) return 'unknown';
  const fields = statOf(pid);
  if (fields !== null) return startOf(fields) === startedAt ? 'running' : 'gone';
  return exists(pid) ? 'unknown' : 'gone';
}

/**
 * Whether a process group has a member that runs: those that have ended stay in it until whoever adopted them has
 * reaped them, which in a container may be never.
 *
 * @returns `null` where the system doesn't tell
 */
export function groupRuns(group: number): boolean | null {
  const all = pids();
  if (all.length === 0) return null;
  return all.some((pid) => {
    // proc(5): fields 3 and 5.
    const [state, , groupOfPid] = statOf(pid) ?? [];
    return Number(groupOfPid) === group && state !== 'Z';
  });
}

/** Pids of this process' children that have ended and wait to be reaped. */
export function zombieChildren(): number[] {
  return pids().filter((pid) => {
    // proc(5): fields 3 and 4.
    const [state, parent] = statOf(pid) ?? [];
    return state === 'Z' && Number(parent) === process.pid;
  });
}

function machine(): string {
  const boot = readIfThere('/proc/sys/kernel/random/boot_id')?.trim();
  // The /proc of another pid namespace has other numbers than we have.
  if (boot === undefined || linkOf('/proc/self') !== String(process.pid)) return '';
  const namespace = linkOf('/proc/self/ns/pid');
  // A kernel without namespaces has one of them.
  return namespace === null ? boot : `${boot} ${namespace}`;
}

function linkOf(path: string): string | null {
  try {
    return readlinkSync(path);
  } catch {
    return null; // No such link in this /proc.
  }
}

/**
 * proc(5): field 22. One whose first thread has ended is there as long as another (field 20 counts them) still
 * holds its connections open.
 *
 * @returns `null` if it has ended and waits to be reaped
 */
function startOf(fields: readonly string[]): string | null {
  if (fields[0] === 'Z' && Number(fields[17]) <= 1) return null;
  return fields[19] ?? null;
}

function exists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: it is another user's.
    return !(error instanceof Error && 'code' in error && error.code === 'ESRCH');
  }
}

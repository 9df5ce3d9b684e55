/**
 * Identifies a process among all that have ever had its pid. A pid alone isn't enough: after a crash it is reused, and in
 * containers it is nearly always the same.
 */
import { readlinkSync } from 'node:fs';
import type { Presence, Vantage } from '../../resque/workers/liveness.ts';
import { pids, readIfThere, statOf } from './proc.ts';

export interface ProcessIdentity {
  /** Kernel and pid namespace, the scope of a pid; '' if the system doesn't say. */
  readonly machine: string;
  readonly pid: number;
  /** Ticks of the kernel's clock from boot to its start; '' if the system doesn't say. */
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

/** For judging from this process whether runners are alive. */
export function ownVantage(): Vantage {
  return { identity: ownIdentity(), presenceOf };
}

/**
 * Unknown: a process of another machine or container, or one that exists with an unreadable start. For example, a /proc
 * mounted with `hidepid` hides the processes of other users.
 */
export function presenceOf({ machine: home, pid, startedAt }: ProcessIdentity): Presence {
  if (home === '' || startedAt === '' || home !== machine()) return 'unknown';
  const fields = statOf(pid);
  if (fields !== null) return startOf(fields) === startedAt ? 'running' : 'gone';
  return exists(pid) ? 'unknown' : 'gone';
}

/**
 * Whether any member of a process group runs. Ended members stay in the group until their new parent reaps them, which in a
 * container may never happen.
 *
 * @returns `null` if the system doesn't say
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

/** Pids of this process' ended children that have not been reaped. */
export function zombieChildren(): number[] {
  return pids().filter((pid) => {
    // proc(5): fields 3 and 4.
    const [state, parent] = statOf(pid) ?? [];
    return state === 'Z' && Number(parent) === process.pid;
  });
}

function machine(): string {
  const boot = readIfThere('/proc/sys/kernel/random/boot_id')?.trim();
  // The /proc of another pid namespace has other pids.
  if (boot === undefined || linkOf('/proc/self') !== String(process.pid)) return '';
  const namespace = linkOf('/proc/self/ns/pid');
  // A kernel without namespaces: the boot id is enough.
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
 * proc(5): field 22. A process whose first thread has ended still counts while another thread (field 20 counts them) keeps
 * its connections open.
 *
 * @returns `null` if it has ended and has not been reaped
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
    // EPERM: it belongs to another user.
    return !(error instanceof Error && 'code' in error && error.code === 'ESRCH');
  }
}

/**
 * Tells a process from every other that had or will have its number. A pid alone says nothing: after a crash
 * it is given away again, in containers it is nearly always the same.
 */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import type { Presence, Vantage } from '../resque/liveness.ts';

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

/** Pids of the processes that have this variable with this value in the environment that they were started with. */
export function processesWith(name: string, value: string): number[] {
  const wanted = `${name}=${value}`;
  return pids().filter((pid) => {
    const environment = readIfThere(`/proc/${pid}/environ`);
    return environment?.split('\0').includes(wanted) === true && !isZombie(pid);
  });
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
  if (boot === undefined) return '';
  try {
    // The /proc of another pid namespace has other numbers than we have.
    if (readlinkSync('/proc/self') !== String(process.pid)) return '';
    return `${boot} ${readlinkSync('/proc/self/ns/pid')}`;
  } catch {
    // A kernel without namespaces: then there is one of them.
    return boot;
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

function isZombie(pid: number): boolean {
  return statOf(pid)?.[0] === 'Z';
}

/** Field 3 and those behind it: the name before them may hold anything. */
function statOf(pid: number): string[] | null {
  const text = readIfThere(`/proc/${pid}/stat`);
  return text === null ? null : text.slice(text.lastIndexOf(')') + 2).split(' ');
}

function pids(): number[] {
  try {
    return readdirSync('/proc')
      .filter((entry) => /^\d+$/.test(entry))
      .map(Number);
  } catch {
    return []; // Not Linux.
  }
}

function readIfThere(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return null; // Gone meanwhile, somebody else's, or not Linux.
  }
}

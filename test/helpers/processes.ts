/**
 * Reads other processes from /proc. Tests use it to find processes that a runner left, and to measure its costs. Without
 * /proc it finds nothing, and costs are 0.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { waitFor } from './wait-for.ts';

/** Set in the environment of a runner under test, and therefore of all its descendants. */
export const markVariable = 'RR_TEST_MARK';

export interface MarkedProcess {
  readonly pid: number;
  readonly command: string;
}

/** All processes with the mark, except zombies. */
export function processesMarked(mark: string): MarkedProcess[] {
  // The NUL ends each variable. Most processes are not ours, so their text is not decoded.
  const needle = Buffer.from(`${markVariable}=${mark}\0`);
  const found: MarkedProcess[] = [];
  for (const entry of listProc()) {
    if (readBytes(`/proc/${entry}/environ`)?.includes(needle) !== true) continue;
    const command = read(`/proc/${entry}/cmdline`)?.replaceAll('\0', ' ').trim() ?? '';
    found.push({ pid: Number(entry), command });
  }
  return found;
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch {
    return false; // ESRCH: gone.
  }
  // Zombies accept signals too.
  return statFields(pid)?.[0] !== 'Z';
}

/** Whether the process is waiting. */
export function isAsleep(pid: number): boolean {
  return statFields(pid)?.[0] === 'S';
}

/** Stops a process, and waits until it has stopped: before that, it may still read its input. */
export async function freeze(pid: number): Promise<void> {
  process.kill(pid, 'SIGSTOP');
  await waitFor(() => statFields(pid)?.[0] === 'T', { message: `process ${pid} has stopped` });
}

/** Resident memory. */
export function residentBytes(pid: number): number {
  const kilobytes = /^VmRSS:\s+(\d+) kB$/m.exec(read(`/proc/${pid}/status`) ?? '')?.[1];
  return Number(kilobytes ?? 0) * 1024;
}

/** CPU time of the process since its start, without its children. */
export function cpuSeconds(pid: number): number {
  const fields = statFields(pid);
  // proc(5): utime and stime are fields 14 and 15, in ticks of 10 ms; the state is field 3.
  return fields === null ? 0 : (Number(fields[11]) + Number(fields[12])) / 100;
}

/** The leader of the process group that receives the keys of the process's terminal. */
export function foregroundOf(pid: number): number | null {
  const fields = statFields(pid);
  // proc(5): tpgid is field 8.
  return fields === null ? null : Number(fields[5]);
}

export function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // ESRCH: it has already ended.
  }
}

/** The fields after the command's name, which may contain spaces and parentheses. */
function statFields(pid: number): string[] | null {
  const text = read(`/proc/${pid}/stat`);
  return text === null ? null : text.slice(text.lastIndexOf(')') + 2).split(' ');
}

function listProc(): string[] {
  try {
    return readdirSync('/proc').filter((entry) => /^\d+$/.test(entry));
  } catch {
    return []; // Not Linux.
  }
}

function read(path: string): string | null {
  return readBytes(path)?.toString('utf8') ?? null;
}

function readBytes(path: string): Buffer | null {
  try {
    return readFileSync(path);
  } catch {
    return null; // Ended meanwhile, or somebody else's.
  }
}

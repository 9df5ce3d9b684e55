/**
 * CPU time and memory of all children of this process that have ended, and of the children that those waited for.
 *
 * A child starts as a copy of this process, so Linux counts our memory at that moment in the child's peak. A peak is
 * therefore known only if it is higher than our memory was; otherwise that is its upper limit.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { libc, loadKoffi } from '../launch/libc.ts';

export interface ChildrenUsage {
  readonly userMs: number;
  readonly systemMs: number;
  /** Of the child with the highest peak; `null` if unknown. */
  readonly peakMemoryBytes: number | null;
  /** Set if the peak is unknown: it was at most this. */
  readonly peakMemoryAtMostBytes: number | null;
}

interface Rusage {
  readonly userTime: Timeval;
  readonly systemTime: Timeval;
  readonly maxrss: number;
}

interface Timeval {
  readonly seconds: number;
  readonly microseconds: number;
}

const ofChildren = -1;
/** Larger than the structure on any system. */
const structureBytes = 512;
/** The kernel's page counts lag by at most this much. */
const slackBytes = 1024 * 1024;

export class UsageMeter {
  #ownPeakBytes = 0;

  /** Call this before children start: the less memory we use, the more is known about theirs. */
  prepare(): void {
    libc()?.releaseCode();
    try {
      // proc(5): resets our peak to our current memory.
      writeFileSync('/proc/self/clear_refs', '5');
    } catch {
      // Not Linux, or not allowed: the peak stays.
    }
  }

  /** Call this after a child has started. */
  started(): void {
    this.#ownPeakBytes = Math.max(this.#ownPeakBytes, ownPeakBytes());
  }

  /** @returns `null` if the system doesn't tell */
  read(): ChildrenUsage | null {
    const usage = rusageOfChildren();
    if (usage === null) return null;
    const peakBytes = usage.maxrss * (process.platform === 'darwin' ? 1 : 1024);
    const isKnown = peakBytes > this.#ownPeakBytes + slackBytes;
    return {
      userMs: milliseconds(usage.userTime),
      systemMs: milliseconds(usage.systemTime),
      peakMemoryBytes: isKnown ? peakBytes : null,
      peakMemoryAtMostBytes: isKnown ? null : peakBytes,
    };
  }
}

function milliseconds({ seconds, microseconds }: Timeval): number {
  return Math.round(seconds * 1_000 + microseconds / 1_000);
}

function ownPeakBytes(): number {
  try {
    const kilobytes = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1];
    if (kilobytes !== undefined) return Number(kilobytes) * 1024;
  } catch {
    // Not Linux.
  }
  return process.resourceUsage().maxRSS * 1024;
}

function rusageOfChildren(): Rusage | null {
  const koffi = loadKoffi();
  if (koffi === null) return null;
  try {
    const microseconds = process.platform === 'darwin' ? 'int' : 'long';
    const timeval = koffi.struct({ seconds: 'long', microseconds });
    // The members after these are not needed.
    const rusage = koffi.struct({ userTime: timeval, systemTime: timeval, maxrss: 'long' });
    const getrusage = koffi.load(null).func('int getrusage(int, void *)');
    const found = Buffer.alloc(structureBytes);
    return getrusage(ofChildren, found) === 0 ? (koffi.decode(found, rusage) as Rusage) : null;
  } catch {
    // A system without it.
    return null;
  }
}

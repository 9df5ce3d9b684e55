/**
 * What all children of this process that have ended have cost, theirs included that they waited for.
 *
 * Linux counts for a child's peak of memory also what we had at the moment when we started it, since it was a copy of
 * us. So a peak is known only where it is higher than that; otherwise just that it was no higher.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { libc, loadKoffi } from './libc.ts';

export interface ChildrenUsage {
  readonly userMs: number;
  readonly systemMs: number;
  /** Of the child that had most; `null` where it isn't known. */
  readonly peakMemoryBytes: number | null;
  /** Set where that isn't known, but that it was no more than this. */
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
/** More than the structure takes anywhere. */
const structureBytes = 512;
/** The kernel's counts of pages are this much behind, at most. */
const slackBytes = 1024 * 1024;

export class UsageMeter {
  #ownPeakBytes = 0;

  /** To be called before children are started: the less memory we have, the more is known of theirs. */
  prepare(): void {
    libc()?.releaseCode();
    try {
      // proc(5): sets our peak back to what we have now.
      writeFileSync('/proc/self/clear_refs', '5');
    } catch {
      // Not Linux, or not allowed: then it is as it is.
    }
  }

  /** To be called when a child was started. */
  started(): void {
    this.#ownPeakBytes = Math.max(this.#ownPeakBytes, ownPeakBytes());
  }

  /** @returns `null` where nobody can tell */
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
    // What follows is of no interest.
    const rusage = koffi.struct({ userTime: timeval, systemTime: timeval, maxrss: 'long' });
    const getrusage = koffi.load(null).func('int getrusage(int, void *)');
    const found = Buffer.alloc(structureBytes);
    return getrusage(ofChildren, found) === 0 ? (koffi.decode(found, rusage) as Rusage) : null;
  } catch {
    // A system without it.
    return null;
  }
}

/** Reads /proc. An ended or hidden process counts as missing. */
import { readdirSync, readFileSync } from 'node:fs';

/** Pids of all visible processes; none if this isn't Linux. */
export function pids(): number[] {
  try {
    return readdirSync('/proc')
      .filter((entry) => /^\d+$/.test(entry))
      .map(Number);
  } catch {
    return [];
  }
}

/** proc(5): the fields of `stat` from 3 on. The name before them may contain anything. */
export function statOf(pid: number): string[] | null {
  const text = readIfThere(`/proc/${pid}/stat`);
  return text === null ? null : text.slice(text.lastIndexOf(')') + 2).split(' ');
}

export function readIfThere(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return null; // It has ended, belongs to another user, or this isn't Linux.
  }
}

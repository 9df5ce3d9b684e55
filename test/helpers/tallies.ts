/**
 * Counts what ran at the same time, from a file to which each job appends `start ID` and, before it exits,
 * `end ID`. Appends are atomic, so the file's order is the order of events; a job that waited for another's
 * exit always stands after that one's end.
 */
export interface Tally {
  /** How often each job started. */
  readonly runs: ReadonlyMap<string, number>;
  /** Most jobs that ran at the same time. */
  readonly peak: number;
}

/** @throws Error when a job ended that had not started, or didn't end. */
export function tally(lines: readonly string[]): Tally {
  const runs = new Map<string, number>();
  const running = new Map<string, number>();
  let now = 0;
  let peak = 0;
  for (const line of lines) {
    const [what, id = ''] = line.split(' ');
    const before = running.get(id) ?? 0;
    if (what === 'start') {
      runs.set(id, (runs.get(id) ?? 0) + 1);
      running.set(id, before + 1);
      peak = Math.max(peak, ++now);
    } else {
      if (before === 0) throw new Error(`Job ${id} ended without a start`);
      running.set(id, before - 1);
      now--;
    }
  }
  if (now !== 0) throw new Error(`${now} jobs did not end`);
  return { runs, peak };
}

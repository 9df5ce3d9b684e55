/**
 * Counts jobs that ran at the same time. Each job appends `start ID` to a file, and `end ID` before it exits. Appends are
 * atomic, so the file has the order of events. A job that waited for the exit of another one always comes after its end.
 */
export interface Tally {
  /** How often each job started. */
  readonly runs: ReadonlyMap<string, number>;
  /** Most jobs that ran at the same time. */
  readonly peak: number;
}

/** @throws Error if a job ended without a start, or didn't end. */
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
      if (before === 0) throw new Error(`job ${id} ended without a start`);
      running.set(id, before - 1);
      now--;
    }
  }
  if (now !== 0) throw new Error(`${now} jobs did not end`);
  return { runs, peak };
}

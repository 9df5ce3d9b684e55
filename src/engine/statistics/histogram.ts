/**
 * Durations since the start, counted up to a few round bounds: for metrics. The classes of `classes.ts` are
 * too fine for that: each bound is a series in Prometheus.
 */
export class Histogram {
  readonly boundsMs: readonly number[];
  /** For each bound, the durations up to it and above the bound before; then those above all bounds. */
  readonly counts: Uint32Array;
  sumMs = 0;

  /** @param boundsMs rising */
  constructor(boundsMs: readonly number[]) {
    this.boundsMs = boundsMs;
    this.counts = new Uint32Array(boundsMs.length + 1);
  }

  count(ms: number): void {
    const { boundsMs, counts } = this;
    let at = 0;
    while (at < boundsMs.length && ms > (boundsMs[at] ?? 0)) at += 1;
    counts[at] = (counts[at] ?? 0) + 1;
    this.sumMs += ms;
  }
}

/** How long a job runs or waits: up to six hours. */
export const jobBoundsMs: readonly number[] = [
  ...[10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 30_000],
  ...[60_000, 300_000, 900_000, 3_600_000, 21_600_000],
];

/** The round trip of a step. */
export const stepBoundsMs: readonly number[] = [
  ...[0.25, 0.5, 1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 10_000],
];

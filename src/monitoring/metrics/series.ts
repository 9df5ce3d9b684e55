/**
 * The totals of jobs as series. Several members, such as queues, can share the labels of one series. Such a series must never
 * fall, although its members disappear and begin again at 0: so it adds up what its members gain.
 */
import type { JobTotals } from '../../engine/statistics/job-totals.ts';

export type Labels = Readonly<Record<string, string>>;

export interface TotalsSeries {
  readonly labels: Labels;
  /** Jobs by their outcome. */
  readonly ended: Readonly<Record<string, number>>;
  /** `null` before the first one. */
  readonly durations: HistogramValues | null;
  readonly waits: HistogramValues | null;
  readonly cpuMs: number;
}

export interface HistogramValues {
  readonly boundsMs: readonly number[];
  /** Like those of `Histogram`. */
  readonly counts: ArrayLike<number>;
  readonly sumMs: number;
}

export interface Member {
  /** Unique. */
  readonly key: string;
  readonly labels: Labels;
  /** Whether other members may have the same labels. */
  readonly isShared: boolean;
  readonly totals: JobTotals;
}

/** What a member of a shared series had the last time. */
interface Last {
  readonly totals: JobTotals;
  version: number;
  /** Like those of `flatten`. */
  readonly numbers: Float64Array;
}

interface Shared {
  readonly labels: Labels;
  readonly sum: Float64Array;
  readonly outcomes: readonly string[];
  readonly boundsMs: readonly number[];
}

export class SeriesOfTotals {
  readonly #shared = new Map<string, Shared>();
  #last = new Map<string, Last>();

  /** Call it with all members that exist. */
  of(members: Iterable<Member>): TotalsSeries[] {
    const series: TotalsSeries[] = [];
    const last = new Map<string, Last>();
    for (const { key, labels, isShared, totals } of members) {
      if (isShared) last.set(key, this.#gain(labels, totals, this.#last.get(key)));
      else {
        const { ended, durations, waits, cpuMs } = totals;
        series.push({ labels, ended, durations: unlessEmpty(durations), waits, cpuMs });
      }
    }
    this.#last = last;
    for (const shared of this.#shared.values()) series.push(seriesOf(shared));
    return series;
  }

  #gain(labels: Labels, totals: JobTotals, before: Last | undefined): Last {
    const shared = this.#sharedOf(labels, totals);
    // Other totals: it went away and came back in between.
    const last =
      before?.totals === totals
        ? before
        : { totals, version: 0, numbers: new Float64Array(shared.sum.length) };
    if (last.version === totals.version) return last;
    last.version = totals.version;
    flatten(totals, (at, number) => {
      shared.sum[at] = (shared.sum[at] ?? 0) + number - (last.numbers[at] ?? 0);
      last.numbers[at] = number;
    });
    return last;
  }

  #sharedOf(labels: Labels, { ended, durations: { boundsMs } }: JobTotals): Shared {
    const name = JSON.stringify(labels);
    const known = this.#shared.get(name);
    if (known !== undefined) return known;
    const outcomes = Object.keys(ended);
    const sum = new Float64Array(outcomes.length + 1 + 2 * (boundsMs.length + 2));
    const shared = { labels, sum, outcomes, boundsMs };
    this.#shared.set(name, shared);
    return shared;
  }
}

/** All numbers in a row: outcomes, the CPU time, then each histogram with its sum. */
function flatten(
  { ended, durations, waits, cpuMs }: JobTotals,
  take: (at: number, number: number) => void,
): void {
  let at = 0;
  const next = (number: number) => {
    take(at, number);
    at += 1;
  };
  for (const count of Object.values(ended)) next(count);
  next(cpuMs);
  for (const each of [durations, waits]) {
    if (each === null) continue;
    for (const count of each.counts) next(count);
    next(each.sumMs);
  }
}

function seriesOf({ labels, sum, outcomes, boundsMs }: Shared): TotalsSeries {
  const size = boundsMs.length + 1;
  const histogramAt = (at: number): HistogramValues => ({
    boundsMs,
    counts: sum.subarray(at, at + size),
    sumMs: sum[at + size] ?? 0,
  });
  return {
    labels,
    ended: Object.fromEntries(outcomes.map((outcome, at) => [outcome, sum[at] ?? 0])),
    cpuMs: sum[outcomes.length] ?? 0,
    durations: unlessEmpty(histogramAt(outcomes.length + 1)),
    waits: unlessEmpty(histogramAt(outcomes.length + 1 + size + 1)),
  };
}

function unlessEmpty(values: HistogramValues): HistogramValues | null {
  for (let at = 0; at < values.counts.length; at += 1) if ((values.counts[at] ?? 0) > 0) return values;
  return null;
}

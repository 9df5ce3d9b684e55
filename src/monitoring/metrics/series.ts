/**
 * The totals of jobs as series. Several members, such as queues, can share the labels of one series. Such a series must never
 * fall, although its members disappear and begin again at 0: so it adds up what its members gain.
 */
import type { JobTotals } from '../../engine/statistics/job-totals.ts';

export interface TotalsSeries {
  readonly labels: Readonly<Record<string, string>>;
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
  readonly labels: Readonly<Record<string, string>>;
  /** Whether other members may have the same labels. */
  readonly isShared: boolean;
  readonly totals: JobTotals;
}

/** All numbers of a member in a row: outcomes, then each histogram with its sum, then the CPU time. */
function flat({ ended, durations, waits, cpuMs }: JobTotals): number[] {
  const numbers = [...Object.values(ended), ...durations.counts, durations.sumMs];
  if (waits === null) numbers.push(...durations.counts.map(() => 0), 0);
  else numbers.push(...waits.counts, waits.sumMs);
  numbers.push(cpuMs);
  return numbers;
}

interface Shared {
  readonly labels: Readonly<Record<string, string>>;
  /** Like those of `flat`. */
  readonly sum: number[];
  readonly outcomes: readonly string[];
  readonly boundsMs: readonly number[];
}

export class SeriesOfTotals {
  readonly #shared = new Map<string, Shared>();
  /** What each member of a shared series had the last time. */
  #last = new Map<string, readonly number[]>();

  /** Call it with all members that exist. */
  of(members: Iterable<Member>): TotalsSeries[] {
    const series: TotalsSeries[] = [];
    const last = new Map<string, readonly number[]>();
    for (const { key, labels, isShared, totals } of members) {
      if (!isShared) {
        const { ended, durations, waits, cpuMs } = totals;
        series.push({ labels, ended, durations: unlessEmpty(durations), waits, cpuMs });
        continue;
      }
      const numbers = flat(totals);
      last.set(key, numbers);
      gain(this.#sharedOf(labels, totals).sum, numbers, this.#last.get(key));
    }
    this.#last = last;
    for (const shared of this.#shared.values()) series.push(seriesOf(shared));
    return series;
  }

  #sharedOf(labels: Shared['labels'], { ended, durations: { boundsMs } }: JobTotals): Shared {
    const name = JSON.stringify(labels);
    const shared = this.#shared.get(name) ?? { labels, sum: [], outcomes: Object.keys(ended), boundsMs };
    this.#shared.set(name, shared);
    return shared;
  }
}

function gain(sum: number[], numbers: readonly number[], before: readonly number[] = []): void {
  // It went away and came back in between.
  const isAnew = numbers.some((number, at) => number < (before[at] ?? 0));
  for (const [at, number] of numbers.entries()) {
    sum[at] = (sum[at] ?? 0) + number - (isAnew ? 0 : (before[at] ?? 0));
  }
}

function seriesOf({ labels, sum, outcomes, boundsMs }: Shared): TotalsSeries {
  const size = boundsMs.length + 1;
  const histogramAt = (at: number): HistogramValues => ({
    boundsMs,
    counts: sum.slice(at, at + size),
    sumMs: sum[at + size] ?? 0,
  });
  return {
    labels,
    ended: Object.fromEntries(outcomes.map((outcome, at) => [outcome, sum[at] ?? 0])),
    durations: unlessEmpty(histogramAt(outcomes.length)),
    waits: unlessEmpty(histogramAt(outcomes.length + size + 1)),
    cpuMs: sum.at(-1) ?? 0,
  };
}

function unlessEmpty(values: HistogramValues): HistogramValues | null {
  for (let at = 0; at < values.counts.length; at += 1) if ((values.counts[at] ?? 0) > 0) return values;
  return null;
}

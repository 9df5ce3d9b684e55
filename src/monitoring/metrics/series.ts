/**
 * The values of labels, and series of totals, when there are many queues. The first values of a label keep their names, all
 * others share `other`. Without a bound, a pattern in the config that matches 10,000 queues would make as many series in
 * Prometheus.
 */
import { Histogram, jobBoundsMs } from '../../engine/statistics/histogram.ts';
import { JobTotals } from '../../engine/statistics/job-totals.ts';

export const otherValue = 'other';

export type Labels = Readonly<Record<string, string>>;

export interface TotalsSeries {
  readonly labels: Labels;
  readonly totals: JobTotals;
}

export interface Member extends TotalsSeries {
  /** Unique. */
  readonly key: string;
  /** Whether other members may have the same labels. */
  readonly isShared: boolean;
}

/**
 * Several members, such as queues, can share the labels of one series. Such a series must never fall, although its members
 * disappear and begin again at 0: so it keeps what those had that are gone.
 */
export class SeriesOfTotals {
  /** The members of shared series, the last time. */
  #before: ReadonlyMap<string, Member> = new Map();
  readonly #gone = new Sums();

  /** Call it with all members that exist. */
  of(members: Iterable<Member>): TotalsSeries[] {
    const series: TotalsSeries[] = [];
    const shared = new Map<string, Member>();
    for (const member of members) {
      if (member.isShared) shared.set(member.key, member);
      else series.push(member);
    }
    for (const [key, member] of this.#before) {
      // Other totals: it went away and came back in between.
      if (shared.get(key)?.totals !== member.totals) this.#gone.add(member);
    }
    this.#before = shared;
    const sums = new Sums();
    for (const each of [...this.#gone.series, ...shared.values()]) sums.add(each);
    return [...series, ...sums.series];
  }
}

/** Totals added up by their labels. */
class Sums {
  readonly #sums = new Map<string, TotalsSeries>();

  get series(): Iterable<TotalsSeries> {
    return this.#sums.values();
  }

  add({ labels, totals }: TotalsSeries): void {
    const name = JSON.stringify(labels);
    const sum = this.#sums.get(name) ?? { labels, totals: new JobTotals() };
    this.#sums.set(name, sum);
    addTotals(sum.totals, totals);
  }
}

function addTotals(sum: JobTotals, { ended, cpuMs, durations, waits }: JobTotals): void {
  for (const outcome of Object.keys(ended) as (keyof typeof ended)[]) sum.ended[outcome] += ended[outcome];
  sum.cpuMs += cpuMs;
  addHistogram(sum.durations, durations);
  if (waits === null) return;
  sum.waits ??= new Histogram(jobBoundsMs);
  addHistogram(sum.waits, waits);
}

function addHistogram(sum: Histogram, { counts, sumMs }: Histogram): void {
  for (const [at, count] of counts.entries()) sum.counts[at] = (sum.counts[at] ?? 0) + count;
  sum.sumMs += sumMs;
}

export class LabelFold {
  readonly #limit: number;
  readonly #onFolded: () => void;
  readonly #named = new Set<string>();
  #folded = new Set<string>();
  #isTold = false;

  /** @param onFolded called once, when the first value has no place */
  constructor(limit: number, onFolded: () => void) {
    this.#limit = limit;
    this.#onFolded = onFolded;
  }

  /** What the label says for a value. It stays the same as long as the value exists: counters must not move. */
  labelOf(value: string): string {
    if (this.#named.has(value)) return value;
    // Its series couldn't be told from that of the folded ones.
    if (value === otherValue || this.#folded.has(value)) return otherValue;
    if (this.#named.size < this.#limit) {
      this.#named.add(value);
      return value;
    }
    this.#folded.add(value);
    if (!this.#isTold) this.#onFolded();
    this.#isTold = true;
    return otherValue;
  }

  /** Forgets values that no longer exist, so that others can have their places. */
  keep(exists: (value: string) => boolean): void {
    for (const value of this.#named) if (!exists(value)) this.#named.delete(value);
    for (const value of this.#folded) if (!exists(value)) this.#folded.delete(value);
  }
}

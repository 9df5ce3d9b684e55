/**
 * How jobs ended since the start, by the labels of metrics: by queue and, if that is wanted, by queue and class. The first
 * queues and classes have labels of their own, all others share `other`. Without a bound, a pattern in the config that matches
 * 10,000 queues would make as many series in Prometheus.
 *
 * A series never falls. So `other` keeps the jobs of queues that are gone.
 */
import { JobTotals } from './job-totals.ts';

const otherValue = 'other';

/** Each takes about 1 KB. */
const mostQueues = 1_000;
const mostClasses = 200;
/** Classes of all queues, each counted once for each of its queues. Each takes a few hundred bytes. */
const mostPairs = 5_000;

/** Of queues whose jobs have not started. */
const noTotals = new JobTotals();

export interface Series {
  readonly labels: { readonly queue: string; readonly class?: string };
  readonly totals: JobTotals;
}

/** The values of a label. */
export class LabelFold {
  readonly limit: number;
  /** Whether any value had to share a label. */
  isFolded = false;
  readonly #named = new Set<string>();
  readonly #folded = new Set<string>();

  constructor(limit: number) {
    this.limit = limit;
  }

  /** What the label says for a value. It stays the same as long as the value exists: counters must not move. */
  labelOf(value: string): string {
    if (this.#named.has(value)) return value;
    // Its series couldn't be told from that of the folded ones.
    if (value === otherValue || this.#folded.has(value)) return otherValue;
    if (this.#named.size < this.limit) {
      this.#named.add(value);
      return value;
    }
    this.#folded.add(value);
    this.isFolded = true;
    return otherValue;
  }

  /** A value that no longer exists: another can have its place. @returns whether it had a label of its own */
  forget(value: string): boolean {
    this.#folded.delete(value);
    return this.#named.delete(value);
  }
}

export class JobSeries {
  readonly queues = new LabelFold(mostQueues);
  /** `null` unless classes are counted. */
  classes: LabelFold | null = null;
  /** By the labels of queues, and then of classes. */
  readonly #byQueue = new Map<string, Series>();
  readonly #byClass = new Map<string, Map<string, Series>>();
  #pairs = 0;

  /** Begins or ends counting by class. */
  countClasses(isWanted: boolean): void {
    if (isWanted) this.classes ??= new LabelFold(mostClasses);
    else {
      this.classes = null;
      this.#byClass.clear();
      this.#pairs = 0;
    }
  }

  /** Where a job is counted. @param jobClass `null` if the payload names none */
  of(queue: string, jobClass: string | null): JobTotals[] {
    const label = this.queues.labelOf(queue);
    const series = this.#byQueue.get(label) ?? { labels: { queue: label }, totals: new JobTotals() };
    this.#byQueue.set(label, series);
    if (this.classes === null) return [series.totals];
    return [series.totals, this.#ofClass(this.classes, label, jobClass ?? '').totals];
  }

  /** Forgets a queue that no longer exists. */
  removed(queue: string): void {
    if (!this.queues.forget(queue)) return;
    this.#byQueue.delete(queue);
    this.#pairs -= this.#byClass.get(queue)?.size ?? 0;
    this.#byClass.delete(queue);
  }

  /**
   * Counters begin at 0: Prometheus doesn't see the rise of one that appears with its first job.
   *
   * @param labels of the queues that exist
   */
  ofQueues(labels: Iterable<string>): Series[] {
    return [...new Set([...labels, ...this.#byQueue.keys()])].map(
      (queue) => this.#byQueue.get(queue) ?? { labels: { queue }, totals: noTotals },
    );
  }

  /** By class, as far as classes are counted. */
  ofClasses(labels: Iterable<string>): Series[] {
    return this.ofQueues(labels).flatMap((series) => {
      const classes = this.#byClass.get(series.labels.queue);
      return classes === undefined ? [series] : [...classes.values()];
    });
  }

  #ofClass(fold: LabelFold, queue: string, jobClass: string): Series {
    const classes = this.#byClass.get(queue) ?? new Map<string, Series>();
    this.#byClass.set(queue, classes);
    const hasPlace = classes.has(jobClass) || this.#pairs < mostPairs;
    if (!hasPlace) fold.isFolded = true;
    const label = hasPlace ? fold.labelOf(jobClass) : otherValue;
    const known = classes.get(label);
    if (known !== undefined) return known;
    const series = { labels: { queue, class: label }, totals: new JobTotals() };
    classes.set(label, series);
    this.#pairs += 1;
    return series;
  }
}

/** How jobs ended by their class, for metrics that ask for it. There may be any number of classes, so later ones share a name. */
import { JobTotals } from './job-totals.ts';

const otherClass = 'other';

/** Classes with their own names, in all queues. */
const mostClasses = 200;
/** Classes of all queues, each counted once for each of its queues. Each takes a few hundred bytes. */
const mostPairs = 5_000;

export class ClassTotals {
  readonly #names = new Set<string>();
  readonly #queues = new Map<string, Map<string, JobTotals>>();
  #pairs = 0;
  readonly limit = mostClasses;
  /** Whether any class has no name of its own. */
  isFolded = false;

  /** @param jobClass `null` if the payload names none */
  of(queue: string, jobClass: string | null): JobTotals {
    const classes = this.#queues.get(queue) ?? new Map<string, JobTotals>();
    this.#queues.set(queue, classes);
    const name = this.#nameOf(classes, jobClass ?? '');
    const totals = classes.get(name) ?? new JobTotals();
    if (!classes.has(name)) this.#pairs += 1;
    classes.set(name, totals);
    return totals;
  }

  ofQueue(queue: string): ReadonlyMap<string, JobTotals> | undefined {
    return this.#queues.get(queue);
  }

  removed(queue: string): void {
    this.#pairs -= this.#queues.get(queue)?.size ?? 0;
    this.#queues.delete(queue);
  }

  /** A class keeps its name in a queue: counters must not move. */
  #nameOf(classes: ReadonlyMap<string, JobTotals>, jobClass: string): string {
    if (classes.has(jobClass)) return jobClass;
    if (this.#pairs < mostPairs && (this.#names.has(jobClass) || this.#names.size < mostClasses)) {
      this.#names.add(jobClass);
      return jobClass;
    }
    this.isFolded = true;
    return otherClass;
  }
}

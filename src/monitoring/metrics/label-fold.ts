/**
 * Bounds how many values a label can have: the first ones keep their names, all others share `other`. Without a bound, a
 * pattern in the config that matches 10,000 queues would make as many series in Prometheus.
 */
export const otherValue = 'other';

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

/**
 * Simulated time: everything that happens is an entry with a time, and the earliest is next. Between two entries the
 * event loop turns until nothing more comes of the first, so the order of all that happens follows from the entries
 * alone.
 */

/** A process, which may be suspended (what is due waits until it is woken) or dead (nothing of it happens any more). */
export interface Owner {
  readonly isSuspended: boolean;
  readonly isDead: boolean;
}

interface Entry {
  atMs: number;
  order: number;
  readonly act: () => void | Promise<void>;
  readonly owner: Owner | null;
  isOff: boolean;
}

export class Agenda {
  #nowMs = 0;
  #order = 0;
  /** Latest first. */
  readonly #entries: Entry[] = [];
  readonly #held: Entry[] = [];

  /** Milliseconds since the beginning. */
  get nowMs(): number {
    return this.#nowMs;
  }

  /** @returns takes it off the agenda */
  add(atMs: number, act: () => void | Promise<void>, owner: Owner | null = null): () => void {
    const entry: Entry = {
      atMs: Math.max(atMs, this.#nowMs),
      order: ++this.#order,
      act,
      owner,
      isOff: false,
    };
    this.#insert(entry);
    return () => {
      entry.isOff = true;
    };
  }

  /** What was due while its owner was suspended is due now, in its order. */
  woken(owner: Owner): void {
    for (const entry of this.#held.filter((held) => held.owner === owner)) {
      this.#held.splice(this.#held.indexOf(entry), 1);
      entry.atMs = this.#nowMs;
      entry.order = ++this.#order;
      this.#insert(entry);
    }
  }

  /** Does the earliest. @returns whether there was any at or before that time */
  async next(untilMs: number): Promise<boolean> {
    for (;;) {
      const entry = this.#entries.at(-1);
      if (entry === undefined || entry.atMs > untilMs) {
        this.#nowMs = Math.max(this.#nowMs, untilMs);
        return false;
      }
      this.#entries.pop();
      if (entry.isOff || entry.owner?.isDead === true) continue;
      this.#nowMs = entry.atMs;
      if (entry.owner?.isSuspended === true) {
        this.#held.push(entry);
        continue;
      }
      await entry.act();
      await this.#settled();
      return true;
    }
  }

  /** Forgets everything. */
  clear(): void {
    this.#entries.length = 0;
    this.#held.length = 0;
  }

  /** Until nothing more comes of what has just happened: neither a command, nor a timer, nor a turn put off. */
  async #settled(): Promise<void> {
    let before: number;
    do {
      before = this.#order;
      await turn();
      await turn();
      await turn();
    } while (this.#order !== before);
  }

  #insert(entry: Entry): void {
    let low = 0;
    let high = this.#entries.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      const other = this.#entries[middle] as Entry;
      if (other.atMs > entry.atMs || (other.atMs === entry.atMs && other.order > entry.order))
        low = middle + 1;
      else high = middle;
    }
    this.#entries.splice(low, 0, entry);
  }
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/**
 * Simulated time: every action is an entry with a time, and the earliest runs next. After each entry, the event loop turns
 * until nothing more follows from it. So the entries alone determine the order of everything.
 */

/** A process. While it is suspended, its due entries wait; when it is dead, they are dropped. */
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

  /** Entries that were due while their owner was suspended are due now, in their order. */
  woken(owner: Owner): void {
    for (const entry of this.#held.filter((held) => held.owner === owner)) {
      this.#held.splice(this.#held.indexOf(entry), 1);
      entry.atMs = this.#nowMs;
      entry.order = ++this.#order;
      this.#insert(entry);
    }
  }

  /** Runs the earliest entry. @returns whether there was one at or before that time */
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

  /** Waits until nothing more follows: no command, no timer, no deferred turn. */
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

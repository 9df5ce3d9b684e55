/** Faults that last for a while, and the function that ends each. */
import type { Agenda } from './agenda.ts';
import type { Log } from './log.ts';

type End = () => unknown;

export class Ongoing {
  readonly #agenda: Agenda;
  readonly #log: Log;
  readonly #ends = new Set<() => Promise<void>>();

  constructor(agenda: Agenda, log: Log) {
    this.#agenda = agenda;
    this.#log = log;
  }

  get isEmpty(): boolean {
    return this.#ends.size === 0;
  }

  /** Ends a fault after this time, or with all others. */
  until(forMs: number, end: End): void {
    const over = async (): Promise<void> => {
      if (!this.#ends.delete(over)) return;
      this.#log.trace('── a fault ends');
      await end();
    };
    this.#ends.add(over);
    this.#agenda.add(this.#agenda.nowMs + forMs, over);
  }

  async endAll(): Promise<void> {
    // The end of one may begin another: for example, a server loads its data after its start.
    while (this.#ends.size > 0) for (const over of [...this.#ends]) await over();
  }
}

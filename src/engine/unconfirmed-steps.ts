import type { AdvanceBatch, OutcomeWrite } from '../resque/advance.ts';
import type { ResqueClient } from '../resque/resque-client.ts';

/** Steps whose reply never came, or was an error: Redis may have done them or not. In their order. */
export class UnconfirmedSteps {
  readonly #client: ResqueClient;
  #steps: AdvanceBatch[] = [];

  constructor(client: ResqueClient) {
    this.#client = client;
  }

  get isEmpty(): boolean {
    return this.#steps.length === 0;
  }

  /** Number of the earliest one, or `null`. */
  get first(): number | null {
    return this.#steps[0]?.step ?? null;
  }

  /** Outcomes in them that are not known to be in Redis. */
  get outcomes(): number {
    return this.#steps.reduce((count, { outcomes }) => count + outcomes.length, 0);
  }

  add(step: AdvanceBatch): void {
    this.#steps.push(step);
    // They fail in any order, and are repeated in their own.
    this.#steps.sort((a, b) => a.step - b.step);
  }

  /** Hands over all of them, and keeps none. */
  surrender(): AdvanceBatch[] {
    return this.#steps.splice(0);
  }

  /**
   * Takes each of them again, on fresh connections: Redis skips what it has done. They take no new jobs, and
   * jobs that still run are put on record by whoever runs them.
   *
   * @param limit only those with lower numbers
   */
  async repeat(limit: () => number, onWritten: (outcomes: readonly OutcomeWrite[]) => void): Promise<void> {
    for (let step = this.#steps[0]; step !== undefined && step.step < limit(); step = this.#steps[0]) {
      await this.#client.advance({ ...step, begins: [], reservations: [] });
      this.#steps.shift();
      onWritten(step.outcomes);
    }
  }
}

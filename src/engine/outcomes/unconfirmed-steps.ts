import type { StepRequest } from '../../resque/steps/step.ts';

/** Steps whose reply never came, or was an error: Redis may have done them or not. In their order. */
export class UnconfirmedSteps {
  #steps: StepRequest[] = [];

  get isEmpty(): boolean {
    return this.#steps.length === 0;
  }

  /** `null` if there is none. */
  get earliest(): StepRequest | null {
    return this.#steps[0] ?? null;
  }

  /** Number of the earliest one, or `null`. */
  get first(): number | null {
    return this.#steps[0]?.step ?? null;
  }

  /** Outcomes in them that are not known to be in Redis. */
  get outcomes(): number {
    return this.#steps.reduce((count, { outcomes }) => count + outcomes.length, 0);
  }

  [Symbol.iterator](): Iterator<StepRequest> {
    return this.#steps[Symbol.iterator]();
  }

  add(step: StepRequest): void {
    this.#steps.push(step);
    // They fail in any order, and are repeated in their own.
    this.#steps.sort((a, b) => a.step - b.step);
  }

  /** The earliest one is confirmed. */
  shift(): void {
    this.#steps.shift();
  }

  /** Hands over all of them, and keeps none. */
  surrender(): StepRequest[] {
    return this.#steps.splice(0);
  }
}

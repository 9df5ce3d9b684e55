/** What Redis isn't known to have: outcomes that have not been sent yet, and steps that have not been confirmed. */
import type { OutcomeWrite, StepRequest } from '../../resque/steps/step.ts';

/** While Redis is away, only running jobs end. More outcomes than this go to the disk. */
const countLimit = 10_000;
const bytesLimit = 64 * 1024 * 1024;

/** Outcomes that have never been sent, oldest first. */
export class OutcomeQueue {
  #outcomes: OutcomeWrite[] = [];
  #bytes = 0;

  get length(): number {
    return this.#outcomes.length;
  }

  get isFull(): boolean {
    return this.#outcomes.length >= countLimit || this.#bytes >= bytesLimit;
  }

  push(outcome: OutcomeWrite): void {
    this.#outcomes.push(outcome);
    this.#bytes += sizeOf(outcome);
  }

  take(count: number): OutcomeWrite[] {
    const taken = this.#outcomes.splice(0, count);
    for (const outcome of taken) this.#bytes -= sizeOf(outcome);
    return taken;
  }

  [Symbol.iterator](): Iterator<OutcomeWrite> {
    return this.#outcomes[Symbol.iterator]();
  }
}

/** Roughly the bytes that it holds. */
export function sizeOf(outcome: OutcomeWrite): number {
  const names = (outcome.statusName?.length ?? 0) + (outcome.pluginKeys?.length ?? 0);
  const held = (outcome.held?.payload.length ?? 0) + names;
  switch (outcome.kind) {
    case 'success':
      return held;
    case 'failure':
      return held + outcome.record.length;
    case 'requeue':
      return held + outcome.payload.length;
    case 'retry':
    case 'snooze':
      return held + outcome.item.length + outcome.entry.length + outcome.record.length;
  }
}

/** Steps without a reply, or with an error as reply: Redis may have carried them out or not. In order of their numbers. */
export class UnconfirmedSteps {
  #steps: StepRequest[] = [];

  get isEmpty(): boolean {
    return this.#steps.length === 0;
  }

  get earliest(): StepRequest | null {
    return this.#steps[0] ?? null;
  }

  /** Number of the earliest step. */
  get first(): number | null {
    return this.#steps[0]?.step ?? null;
  }

  /** How many outcomes they hold. */
  get outcomes(): number {
    return this.#steps.reduce((count, { outcomes }) => count + outcomes.length, 0);
  }

  [Symbol.iterator](): Iterator<StepRequest> {
    return this.#steps[Symbol.iterator]();
  }

  add(step: StepRequest): void {
    this.#steps.push(step);
    // They fail in any order, but are repeated in the order of their numbers.
    this.#steps.sort((a, b) => a.step - b.step);
  }

  /** The earliest step is confirmed. */
  shift(): void {
    this.#steps.shift();
  }

  /** Returns all steps and keeps none. */
  surrender(): StepRequest[] {
    return this.#steps.splice(0);
  }
}

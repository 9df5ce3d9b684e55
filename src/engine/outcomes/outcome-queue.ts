import type { OutcomeWrite } from '../../resque/steps/step.ts';

/** While Redis is away, only jobs that run already end: more than this is for the disk. */
const countLimit = 10_000;
const bytesLimit = 64 * 1024 * 1024;

/** Outcomes that were never sent, oldest first. */
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

/** Bytes that it holds, roughly. */
export function sizeOf(outcome: OutcomeWrite): number {
  const held = (outcome.held?.payload.length ?? 0) + (outcome.statusName?.length ?? 0);
  if (outcome.kind === 'failure') return held + outcome.record.length;
  return outcome.kind === 'requeue' ? held + outcome.payload.length : held;
}

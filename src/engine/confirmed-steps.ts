import type { AdvanceBatch, OutcomeWrite, ReturnWrite } from '../resque/advance.ts';
import { sizeOf } from './outcome-queue.ts';

/** An asynchronous failover loses the last second or so; a snapshot that is restored loses more than anyone can keep. */
const keptMs = 60_000;
const keptBytes = 4 * 1024 * 1024;

interface ConfirmedStep {
  readonly step: number;
  readonly atMs: number;
  readonly bytes: number;
  readonly outcomes: readonly OutcomeWrite[];
  readonly returns: readonly ReturnWrite[];
}

/** What the last steps wrote that Redis confirmed, for a Redis that comes back without them. In their order. */
export class ConfirmedSteps {
  #steps: ConfirmedStep[] = [];
  #bytes = 0;

  add({ step, outcomes, returns }: AdvanceBatch, nowMs: number): void {
    this.#expire(nowMs);
    if (outcomes.length + returns.length === 0) return;
    let bytes = 0;
    for (const outcome of outcomes) bytes += sizeOf(outcome);
    for (const { payload } of returns) bytes += payload.length;
    this.#steps.push({ step, atMs: nowMs, bytes, outcomes, returns });
    this.#bytes += bytes;
  }

  /** Those after this step. */
  after(step: number): readonly ConfirmedStep[] {
    return this.#steps.filter((confirmed) => confirmed.step > step);
  }

  rename(renamed: (outcome: OutcomeWrite) => OutcomeWrite): void {
    this.#steps = this.#steps.map((step) => ({ ...step, outcomes: step.outcomes.map(renamed) }));
  }

  clear(): void {
    this.#steps = [];
    this.#bytes = 0;
  }

  #expire(nowMs: number): void {
    let count = 0;
    for (const { atMs, bytes } of this.#steps) {
      if (nowMs - atMs <= keptMs && this.#bytes <= keptBytes) break;
      this.#bytes -= bytes;
      count += 1;
    }
    if (count > 0) this.#steps.splice(0, count);
  }
}

import type { AdvanceBatch, OutcomeWrite } from '../resque/advance.ts';
import { readStepLines, type SpooledStep, stepLines } from '../resque/spooled-steps.ts';
import { sizeOf } from './outcome-queue.ts';

/** An asynchronous failover loses the last second or so; a snapshot that is restored loses more than anyone can keep. */
const keptMs = 60_000;
const keptBytes = 4 * 1024 * 1024;
const blockBytes = 16 * 1024;
const blockMs = 5_000;

/**
 * Steps that go to and fro together. As text, outside of V8's heap: objects take ten times as much, and the more memory a
 * process has, the longer it takes to start a child. Large steps stay what they are, a block each.
 */
interface Block {
  readonly text: Buffer;
  length: number;
  readonly large: SpooledStep | null;
  readonly sinceMs: number;
  latestMs: number;
}

/** What the last steps wrote that Redis confirmed, for a Redis that comes back without them. In their order. */
export class ConfirmedSteps {
  #blocks: Block[] = [];
  #bytes = 0;

  add({ step, outcomes, returns }: AdvanceBatch, nowMs: number): void {
    this.#expire(nowMs);
    if (outcomes.length + returns.length > 0) this.#keep({ step, outcomes, returns, unrun: [] }, nowMs);
  }

  /** Those after this step. */
  after(step: number): SpooledStep[] {
    return this.#blocks.flatMap(stepsOf).filter((confirmed) => confirmed.step > step);
  }

  rename(renamed: (outcome: OutcomeWrite) => OutcomeWrite): void {
    const blocks = this.#blocks;
    this.clear();
    for (const block of blocks) {
      for (const step of stepsOf(block)) {
        this.#keep({ ...step, outcomes: step.outcomes.map(renamed) }, block.latestMs);
      }
    }
  }

  clear(): void {
    this.#blocks = [];
    this.#bytes = 0;
  }

  #keep(step: SpooledStep, nowMs: number): void {
    const size = bytesOf(step);
    if (size > blockBytes / 4) {
      this.#push({ text: Buffer.alloc(0), length: size, large: step, sinceMs: nowMs, latestMs: nowMs });
      return;
    }
    const text = `${stepLines([step]).join('\n')}\n`;
    const block = this.#blockFor(Buffer.byteLength(text), nowMs);
    block.length += block.text.write(text, block.length);
    block.latestMs = nowMs;
  }

  #blockFor(bytes: number, nowMs: number): Block {
    const last = this.#blocks.at(-1);
    const isOpen = last !== undefined && last.large === null && nowMs - last.sinceMs < blockMs;
    if (isOpen && last.length + bytes <= last.text.length) return last;
    const text = Buffer.allocUnsafeSlow(Math.max(blockBytes, bytes));
    return this.#push({ text, length: 0, large: null, sinceMs: nowMs, latestMs: nowMs });
  }

  #push(block: Block): Block {
    this.#blocks.push(block);
    this.#bytes += memoryOf(block);
    return block;
  }

  #expire(nowMs: number): void {
    for (;;) {
      const [first] = this.#blocks;
      if (first === undefined || (nowMs - first.latestMs <= keptMs && this.#bytes <= keptBytes)) return;
      this.#blocks.shift();
      this.#bytes -= memoryOf(first);
    }
  }
}

function stepsOf({ text, length, large }: Block): readonly SpooledStep[] {
  if (large !== null) return [large];
  return readStepLines(text.toString('utf8', 0, length).split('\n').slice(0, -1)) ?? [];
}

function memoryOf({ text, length, large }: Block): number {
  return large === null ? text.length : length;
}

function bytesOf({ outcomes, returns }: SpooledStep): number {
  let bytes = 0;
  for (const outcome of outcomes) bytes += sizeOf(outcome);
  for (const { payload } of returns) bytes += payload.length;
  return bytes;
}

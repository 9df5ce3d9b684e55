import { readStepLines, type SpooledStep, stepLines } from '../../resque/steps/spooled-steps.ts';
import type { StepRequest } from '../../resque/steps/step.ts';
import { sizeOf } from './unwritten.ts';

/** An asynchronous failover loses about a second. A restored snapshot may lose more than a runner can keep. */
const keptMs = 60_000;
const keptBytes = 4 * 1024 * 1024;
const blockBytes = 16 * 1024;
const blockMs = 5_000;

/**
 * Steps that are dropped together. Most are text outside of V8's heap: objects would take ten times as much memory, and the
 * more memory a process has, the longer it takes to start a child. A large step stays an object, in a block of its own.
 */
interface Block {
  readonly steps: Buffer | SpooledStep;
  readonly bytes: number;
  readonly latestMs: number;
}

/** What the last confirmed steps wrote, in their order, for a Redis that comes back without them. */
export class ConfirmedSteps {
  #blocks: Block[] = [];
  #bytes = 0;
  /** The lines of the open block, to which steps are added. Lengths in characters are nearly those in bytes. */
  #open: string[] = [];
  #openLength = 0;
  #openSinceMs = 0;
  #latestMs = 0;

  add({ step, outcomes, returns, starts = [] }: StepRequest, nowMs: number): void {
    this.#expire(nowMs);
    if (outcomes.length + returns.length + starts.length > 0)
      this.#keep({ step, outcomes, returns, starts, unrun: [] }, nowMs);
  }

  /** Steps after this one. */
  after(step: number): SpooledStep[] {
    this.#close();
    return this.#blocks.flatMap(stepsOf).filter((confirmed) => confirmed.step > step);
  }

  clear(): void {
    this.#blocks = [];
    this.#bytes = 0;
    this.#open = [];
    this.#openLength = 0;
  }

  #keep(step: SpooledStep, nowMs: number): void {
    const bytes = bytesOf(step);
    if (bytes > blockBytes / 4) {
      this.#close();
      this.#push({ steps: step, bytes, latestMs: nowMs });
      return;
    }
    if (this.#openLength > blockBytes || nowMs - this.#openSinceMs > blockMs) this.#close();
    if (this.#open.length === 0) this.#openSinceMs = nowMs;
    const line = lineOf(step);
    this.#open.push(line);
    this.#openLength += line.length;
    this.#latestMs = nowMs;
  }

  #close(): void {
    if (this.#open.length === 0) return;
    const text = this.#open.join('\n');
    const bytes = Buffer.byteLength(text);
    // Not from Node's pool: this would keep a whole slab alive.
    const steps = Buffer.allocUnsafeSlow(bytes);
    steps.write(text);
    this.#push({ steps, bytes, latestMs: this.#latestMs });
    this.#open = [];
    this.#openLength = 0;
  }

  #push(block: Block): void {
    this.#blocks.push(block);
    this.#bytes += block.bytes;
  }

  #expire(nowMs: number): void {
    for (;;) {
      const [first] = this.#blocks;
      if (first === undefined || (nowMs - first.latestMs <= keptMs && this.#bytes <= keptBytes)) return;
      this.#blocks.shift();
      this.#bytes -= first.bytes;
    }
  }
}

/** Most steps report one successful job, which has the shortest form. */
function lineOf(step: SpooledStep): string {
  const [outcome] = step.outcomes;
  const count = step.outcomes.length + step.returns.length + (step.starts?.length ?? 0);
  const isPlain = count === 1 && outcome?.kind === 'success' && outcome.share === undefined;
  if (!isPlain || outcome.held || outcome.pluginKeys) return stepLines([step]).join('\n');
  const { worker, statusName } = outcome;
  return `${step.step} ${outcome.takenIn ?? ''} ${JSON.stringify(statusName ? [worker, statusName] : worker)}`;
}

function stepsOf({ steps }: Block): SpooledStep[] {
  if (!Buffer.isBuffer(steps)) return [steps];
  const lines = steps.toString().split('\n');
  const written = lines.map((line) => {
    const [, step, takenIn, names] = /^(\d+) (\d*) (.*)$/.exec(line) ?? [];
    if (names === undefined) return line;
    const [worker, statusName] = [JSON.parse(names)].flat() as string[];
    const outcome = { kind: 'success', worker, takenIn: Number(takenIn), held: null, statusName };
    return JSON.stringify({ step: Number(step), ...outcome });
  });
  return readStepLines(written) ?? [];
}

function bytesOf({ outcomes, returns, starts = [] }: SpooledStep): number {
  let bytes = 0;
  for (const { pluginKeys } of starts) bytes += pluginKeys.length;
  for (const outcome of outcomes) bytes += sizeOf(outcome);
  for (const { payload } of returns) bytes += payload.length;
  return bytes;
}

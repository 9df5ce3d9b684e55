/** What a child prints while it has no job; a flood of it is kept within bounds. */
import type { OutputStream } from '../../protocol/job.ts';
import { OutputTail } from '../output/output-tail.ts';

const lastWordsLimit = 300;

export class IdleOutput {
  /** Made when there is something. */
  #printed: Partial<Record<OutputStream, OutputTail>> = {};

  push(stream: OutputStream, chunk: Buffer): void {
    this.#printed[stream] ??= new OutputTail();
    this.#printed[stream].push(chunk);
  }

  /** The end of it, for people. */
  get lastWords(): string {
    const { stderr, stdout } = this.#printed;
    return (stderr?.text().trim() || stdout?.text().trim() || '').slice(-lastWordsLimit);
  }

  /** Hands all of it on. */
  replay(onOutput: (stream: OutputStream, chunk: Buffer) => void): void {
    for (const stream of ['stdout', 'stderr'] as const) {
      const printed = this.#printed[stream];
      if (printed !== undefined) onOutput(stream, Buffer.from(printed.text()));
    }
  }

  forget(): void {
    this.#printed = {};
  }
}

import { StringDecoder } from 'node:string_decoder';
import type { EngineFact } from '../protocol/events.ts';
import type { OutputStream } from '../protocol/job.ts';

/**
 * Publishes what jobs print, but only of those that somebody looks at: a flood that nobody reads costs
 * nothing here.
 */
export class OutputWatch {
  readonly #publish: (fact: EngineFact) => void;
  readonly #watchers = new Map<string, number>();
  /** Characters may be split between pieces. */
  readonly #decoders = new Map<string, StringDecoder>();

  constructor(publish: (fact: EngineFact) => void) {
    this.#publish = publish;
  }

  /** @returns ends the watch; each call counts by itself */
  watch(jobId: string): () => void {
    this.#watchers.set(jobId, (this.#watchers.get(jobId) ?? 0) + 1);
    let isOver = false;
    return () => {
      if (isOver) return;
      isOver = true;
      const left = (this.#watchers.get(jobId) ?? 1) - 1;
      if (left === 0) this.#watchers.delete(jobId);
      else this.#watchers.set(jobId, left);
    };
  }

  take(jobId: string, stream: OutputStream, chunk: Buffer): void {
    if (this.#watchers.size === 0 || !(this.#watchers.has('all') || this.#watchers.has(jobId))) return;
    const key = `${jobId} ${stream}`;
    const decoder = this.#decoders.get(key) ?? new StringDecoder('utf8');
    this.#decoders.set(key, decoder);
    const text = decoder.write(chunk);
    if (text !== '') this.#publish({ type: 'job.output', jobId, stream, text });
  }

  /** The job has ended: nothing more will come. */
  end(jobId: string): void {
    this.#decoders.delete(`${jobId} stdout`);
    this.#decoders.delete(`${jobId} stderr`);
  }
}

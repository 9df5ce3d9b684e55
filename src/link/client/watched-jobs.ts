/**
 * Passes the output of watched jobs to their watchers. The server ends every watch with exactly one last batch, also one
 * that was given up. Batches before that are dropped, even if the same job is watched again.
 */
import type { ClientFrame } from '../../protocol/frames.ts';
import type { OutputBatch } from '../../protocol/job.ts';

type OnBatch = (batch: OutputBatch | null) => void;

export class WatchedJobs {
  readonly #send: (frame: ClientFrame) => void;
  readonly #watchers = new Map<string, OnBatch>();
  /** By job, how many watches were given up and still await their last batch. */
  readonly #givenUp = new Map<string, number>();

  constructor(send: (frame: ClientFrame) => void) {
    this.#send = send;
  }

  /** @returns ends the watch, unless it has ended or another has replaced it */
  watch(jobId: string, onBatch: OnBatch): () => void {
    // A new function for each call, because the same one may be passed twice.
    const watcher: OnBatch = (batch) => onBatch(batch);
    this.#giveUp(jobId);
    this.#watchers.set(jobId, watcher);
    this.#send({ type: 'watch', jobId });
    return () => {
      if (this.#watchers.get(jobId) === watcher) this.#giveUp(jobId);
    };
  }

  take(jobId: string, batch: OutputBatch | null): void {
    const isLast = batch === null || batch.isEnd;
    const givenUp = this.#givenUp.get(jobId) ?? 0;
    if (givenUp > 0) {
      if (isLast) this.#givenUp.set(jobId, givenUp - 1);
      if (isLast && givenUp === 1) this.#givenUp.delete(jobId);
      return;
    }
    const watcher = this.#watchers.get(jobId);
    if (isLast) this.#watchers.delete(jobId);
    watcher?.(batch);
  }

  #giveUp(jobId: string): void {
    if (!this.#watchers.delete(jobId)) return;
    this.#givenUp.set(jobId, (this.#givenUp.get(jobId) ?? 0) + 1);
    this.#send({ type: 'unwatch', jobId });
  }
}

/**
 * The jobs whose output one client watches, each read at the client's pace.
 *
 * Every watch ends with exactly one last batch: one that `isEnd`, or `null` if no output is kept or the client gave up the
 * watch. So the client can tell late batches of a watch that it gave up from those of its next watch of the same job.
 */
import type { OutputBatch, OutputReader } from '../../protocol/job.ts';

/** More jobs than any screen shows at once. */
const watchesLimit = 16;
/** A client that is further behind won't catch up with a flood, and wants to see the newest output. */
const farBehindBytes = 4 * 1024 * 1024;
/** How much of the newest output is left to read after a skip. */
const afterSkipBytes = 256 * 1024;

interface Watch {
  readonly reader: OutputReader;
  /** Bytes that were kept when the watch began and have not been sent yet. They are never skipped. */
  unsentBacklog: number;
}

export class OutputWatches {
  readonly #openReader: (jobId: string) => OutputReader | null;
  readonly #send: (jobId: string, batch: OutputBatch | null) => void;
  readonly #watches = new Map<string, Watch>();

  constructor(
    openReader: (jobId: string) => OutputReader | null,
    send: (jobId: string, batch: OutputBatch | null) => void,
  ) {
    this.#openReader = openReader;
    this.#send = send;
  }

  get isEmpty(): boolean {
    return this.#watches.size === 0;
  }

  /** Watching twice is one watch. */
  open(jobId: string): void {
    if (this.#watches.has(jobId)) return;
    const reader = this.#watches.size < watchesLimit ? this.#openReader(jobId) : null;
    if (reader === null) this.#send(jobId, null);
    else this.#watches.set(jobId, { reader, unsentBacklog: reader.behindBytes });
  }

  /** Does nothing if the watch has ended by itself. */
  giveUp(jobId: string): void {
    if (!this.#watches.has(jobId)) return;
    this.#end(jobId);
    this.#send(jobId, null);
  }

  /** Without a last batch: the client is gone. */
  closeAll(): void {
    for (const jobId of [...this.#watches.keys()]) this.#end(jobId);
  }

  /** Sends about `budgetBytes` of new output in all, shared so that a flood leaves room for other jobs. */
  step(budgetBytes: number): void {
    // A job that needs less than an equal share leaves the rest to the next ones.
    const inTurn = [...this.#watches].toSorted(([, a], [, b]) => a.reader.behindBytes - b.reader.behindBytes);
    let leftBytes = budgetBytes;
    for (const [index, [jobId, watch]] of inTurn.entries()) {
      if (leftBytes <= 0) return;
      leftBytes -= this.#read(jobId, watch, Math.ceil(leftBytes / (inTurn.length - index)));
    }
  }

  /** @returns bytes that were read */
  #read(jobId: string, watch: Watch, maxBytes: number): number {
    const { reader } = watch;
    if (watch.unsentBacklog <= 0 && reader.behindBytes > farBehindBytes) reader.skipTo(afterSkipBytes);
    const before = reader.behindBytes;
    const batch = reader.read(maxBytes);
    const bytes = Math.max(0, before - reader.behindBytes);
    watch.unsentBacklog -= bytes;
    if (batch.isEnd) this.#end(jobId);
    if (batch.pieces.length > 0 || batch.skippedLines > 0 || batch.isEnd) this.#send(jobId, batch);
    return bytes;
  }

  #end(jobId: string): void {
    this.#watches.get(jobId)?.reader.close();
    this.#watches.delete(jobId);
  }
}

/**
 * The jobs whose output one client watches, each read at the pace at which that client takes it.
 *
 * Every watch ends with exactly one last batch: one that `isEnd`, or `null`, where nothing is kept of the
 * output or the client gave the watch up. So the client can tell what still came of a watch that it gave up
 * from what comes of the next one for the same job.
 */
import type { OutputBatch, OutputReader } from '../../protocol/output.ts';

/** No screen shows more jobs at once. */
const watchesLimit = 16;
/** Who is further behind than this won't catch up with a flood: the newest is what he wants to see. */
const farBehindBytes = 4 * 1024 * 1024;
/** Of the newest, what is left to read after a skip. */
const afterSkipBytes = 256 * 1024;

interface Watch {
  readonly reader: OutputReader;
  /** Of what was kept when the watch began, bytes still to be sent: the beginning is never skipped. */
  leftOfBeginning: number;
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
    else this.#watches.set(jobId, { reader, leftOfBeginning: reader.behindBytes });
  }

  /** Nothing happens where the watch has ended by itself. */
  giveUp(jobId: string): void {
    if (!this.#watches.has(jobId)) return;
    this.#end(jobId);
    this.#send(jobId, null);
  }

  /** Without a last batch: the client is gone. */
  closeAll(): void {
    for (const jobId of [...this.#watches.keys()]) this.#end(jobId);
  }

  /** Sends what is new, about `budgetBytes` of it in all, shared so that a flood leaves room for the others. */
  step(budgetBytes: number): void {
    // Whoever needs less than an equal share leaves the rest to those behind him.
    const inTurn = [...this.#watches].toSorted(([, a], [, b]) => a.reader.behindBytes - b.reader.behindBytes);
    let leftBytes = budgetBytes;
    for (const [place, [jobId, watch]] of inTurn.entries()) {
      if (leftBytes <= 0) return;
      leftBytes -= this.#read(jobId, watch, Math.ceil(leftBytes / (inTurn.length - place)));
    }
  }

  /** @returns bytes that were read */
  #read(jobId: string, watch: Watch, maxBytes: number): number {
    const { reader } = watch;
    if (watch.leftOfBeginning <= 0 && reader.behindBytes > farBehindBytes) reader.skipTo(afterSkipBytes);
    const before = reader.behindBytes;
    const batch = reader.read(maxBytes);
    const bytes = Math.max(0, before - reader.behindBytes);
    watch.leftOfBeginning -= bytes;
    if (batch.isEnd) this.#end(jobId);
    if (batch.pieces.length > 0 || batch.skippedLines > 0 || batch.isEnd) this.#send(jobId, batch);
    return bytes;
  }

  #end(jobId: string): void {
    this.#watches.get(jobId)?.reader.close();
    this.#watches.delete(jobId);
  }
}

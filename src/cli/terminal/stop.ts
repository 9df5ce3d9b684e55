/** Ctrl-C and similar signals, for work that finishes its current step and then reports how far it got. */
import { constants } from 'node:os';
import type { Io, ProcessEvents } from '../command-line/io.ts';

const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
type StopSignal = (typeof signals)[number];

export class Stop {
  readonly #process: ProcessEvents;
  readonly #abort = new AbortController();
  #by: StopSignal | null = null;

  constructor(io: Pick<Io, 'process'>) {
    this.#process = io.process;
  }

  /** Listens until `end`. A second signal ends the process as usual. */
  listen(): void {
    for (const name of signals) this.#process.on(name, this.#take);
  }

  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  /** The exit code that shells use for a process that was ended by the signal. */
  get exitCode(): number {
    return 128 + constants.signals[this.#by ?? 'SIGINT'];
  }

  end(): void {
    for (const name of signals) this.#process.off(name, this.#take);
  }

  /** Yields items until a signal. Drops the item that it is waiting for. */
  async *until<T>(source: AsyncIterable<T>): AsyncGenerator<T> {
    const iterator = source[Symbol.asyncIterator]();
    while (!this.signal.aborted) {
      const next = await this.#orStopped(iterator.next());
      if (next === null || next.done === true) return;
      yield next.value;
    }
  }

  #orStopped<T>(wait: Promise<T>): Promise<T | null> {
    return new Promise((resolve, reject) => {
      const leave = () => resolve(null);
      this.signal.addEventListener('abort', leave, { once: true });
      // Not a race with one shared promise: that would keep every wait in memory.
      wait.then(resolve, reject).finally(() => this.signal.removeEventListener('abort', leave));
    });
  }

  readonly #take = (name: NodeJS.Signals): void => {
    const isSecond = this.#by !== null;
    this.#by ??= signals.find((known) => known === name) ?? null;
    this.#abort.abort();
    if (!isSecond) return;
    this.end();
    this.#process.raise(name);
  };
}

/** Reads the workers of all kinds and hosts into the store while their tab is open. */
import type { AppState, AppStore, WorkerRows } from '../../store/app-store.ts';
import { keptCursor, type Send } from './failure-list.ts';
import { listedWorkers } from './selection.ts';
import { TabReader } from './tab-reader.ts';

/** More than a user would look through; stale workers come first. */
const mostWorkers = 500;

export class WorkerList {
  readonly #store: AppStore;
  readonly #send: Send;
  readonly #reader: TabReader;

  constructor(store: AppStore, send: Send) {
    this.#store = store;
    this.#send = send;
    this.#reader = new TabReader(store, 'workers', () => this.#read());
  }

  /** This screen has just changed them. */
  reread(): void {
    this.#reader.readNow();
  }

  close(): void {
    this.#reader.close();
  }

  async #read(): Promise<void> {
    const reply = await this.#send({ type: 'read-workers', count: mostWorkers });
    if (reply.ok && reply.data?.kind === 'workers') {
      const { workers, total } = reply.data;
      this.#replace({ workers, total, trouble: null });
    } else {
      this.#store.setState(({ workerRows }) => ({ workerRows: { ...workerRows, trouble: reply.message } }));
    }
  }

  /** The cursor stays on its worker. */
  #replace(workerRows: WorkerRows): void {
    this.#store.setState((before) => {
      const after: AppState = { ...before, workerRows };
      const { workers, opened: open } = before.view;
      const [old, now] = [before, after].map((state) => listedWorkers(state).map(({ id }) => id));
      const cursor = keptCursor(old ?? [], now ?? [], workers.cursor);
      const current = workerRows.workers.find(({ id }) => open?.kind === 'worker' && id === open.worker.id);
      const opened = open?.kind === 'worker' && current !== undefined ? { ...open, worker: current } : open;
      return { workerRows, view: { ...before.view, opened, workers: { ...workers, cursor } } };
    });
  }
}

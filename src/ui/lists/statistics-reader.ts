/** Reads the last hour of the queue whose page is open, in steps of a minute. */
import { type AppState, type AppStore, noQueueHour } from '../../store/app-store.ts';
import { queuePageOf } from '../../store/view.ts';
import type { Send } from './failure-list.ts';

/** The step that still goes on changes with each job. */
const pauseMs = 5_000;

export class StatisticsReader {
  readonly #store: AppStore;
  readonly #send: Send;
  readonly #unsubscribe: () => void;
  #queue: string | null = null;
  #timer: NodeJS.Timeout | null = null;

  constructor(store: AppStore, send: Send) {
    this.#store = store;
    this.#send = send;
    this.#unsubscribe = store.subscribe((state) => this.#notice(state));
  }

  close(): void {
    this.#unsubscribe();
    this.#queue = null;
    this.#stopTimer();
  }

  #notice({ view: { opened } }: AppState): void {
    const queue = queuePageOf(opened)?.queue ?? null;
    if (queue === this.#queue) return;
    this.#queue = queue;
    this.#stopTimer();
    this.#store.setState({ queueHour: noQueueHour });
    if (queue !== null) void this.#read(queue);
  }

  async #read(queue: string): Promise<void> {
    const reply = await this.#send({ type: 'read-statistics', queue });
    if (queue !== this.#queue) return;
    if (reply.ok && reply.data?.kind === 'statistics')
      this.#store.setState({ queueHour: { queue, hour: reply.data } });
    this.#timer = setTimeout(() => void this.#read(queue), pauseMs);
  }

  #stopTimer(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }
}

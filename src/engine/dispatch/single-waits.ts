/** Waits for one queue each, on connections of their own. */
import type { ResqueClient } from '../../resque/steps/client.ts';
import { QueueWait } from './queue-wait.ts';

export interface SingleWaiter<T> {
  readonly client: ResqueClient;
  readonly waitFor: (queue: string) => Promise<T | null>;
  readonly endWait: (queue: string) => Promise<boolean>;
  /** A wait is over; `null` if it was ended or its connection lost. */
  readonly onOver: (result: T | null, queue: string) => void;
}

export class SingleWaits<T> {
  readonly #waiter: SingleWaiter<T>;
  readonly #waits = new Map<string, QueueWait<T>>();

  constructor(waiter: SingleWaiter<T>) {
    this.#waiter = waiter;
  }

  get isActive(): boolean {
    return this.#waits.size > 0;
  }

  covers(queue: string): boolean {
    return this.#waits.has(queue);
  }

  /** Ends the waits for other queues. */
  endUnless(wanted: readonly string[]): void {
    if (this.#waits.size === 0) return;
    const kept = new Set(wanted);
    for (const [queue, wait] of this.#waits) wait.endUnless(kept.has(queue) ? [queue] : []);
  }

  /** Starts the waits for these queues that have not begun. */
  begin(wanted: readonly string[]): void {
    for (const queue of wanted) {
      if (!this.#waits.has(queue)) this.#newWait(queue).begin([queue]);
    }
  }

  #newWait(queue: string): QueueWait<T> {
    const { client, waitFor, endWait, onOver } = this.#waiter;
    const { clock, session } = client;
    const waiter = { clock, session, waitForJob: () => waitFor(queue), endWait: () => endWait(queue) };
    const wait = new QueueWait<T>(waiter, (result) => {
      this.#waits.delete(queue);
      onOver(result, queue);
    });
    this.#waits.set(queue, wait);
    return wait;
  }
}

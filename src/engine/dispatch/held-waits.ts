/** The waits for empty at-least-once queues. BLMOVE takes one queue only, so each queue has its own wait and connection. */
import type { PoppedJob, ResqueClient } from '../../resque/steps/client.ts';
import { QueueWait } from './queue-wait.ts';

export class HeldWaits {
  readonly #client: ResqueClient;
  readonly #onOver: (job: PoppedJob | null) => void;
  readonly #waits = new Map<string, QueueWait>();

  constructor(client: ResqueClient, onOver: (job: PoppedJob | null) => void) {
    this.#client = client;
    this.#onOver = onOver;
  }

  get isActive(): boolean {
    return [...this.#waits.values()].some(({ isActive }) => isActive);
  }

  covers(queue: string): boolean {
    return this.#waits.get(queue)?.isActive ?? false;
  }

  /** Ends the waits for other queues. */
  endUnless(wanted: readonly string[]): void {
    for (const [queue, wait] of this.#waits) wait.endUnless(wanted.includes(queue) ? [queue] : []);
  }

  /** Starts the waits for these queues that have not begun. */
  begin(wanted: readonly string[]): void {
    for (const queue of wanted) {
      const wait = this.#waits.get(queue) ?? this.#newWait(queue);
      if (!wait.isActive) wait.begin([queue]);
    }
  }

  #newWait(queue: string): QueueWait {
    const client = this.#client;
    const wait = new QueueWait(
      {
        clock: client.clock,
        session: client.session,
        waitForJob: () => client.waitForHeldJob(queue),
        endWait: () => client.endHeldWait(queue),
      },
      this.#onOver,
    );
    this.#waits.set(queue, wait);
    return wait;
  }
}

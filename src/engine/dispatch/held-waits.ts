/**
 * The waits for at-least-once queues that are empty: BLMOVE knows one queue only, so each has a wait, and a
 * connection, of its own.
 */
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

  /** Waits for these, where it doesn't yet. */
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

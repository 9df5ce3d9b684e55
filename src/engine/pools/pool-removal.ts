import type { ResqueClient } from '../../resque/steps/client.ts';
import type { Pool } from './pool.ts';
import type { QueueRouter } from './queue-router.ts';

/** Removes pools that have left the config, after their last outcome is in Redis. */
export class PoolRemoval {
  readonly #router: QueueRouter;
  readonly #client: ResqueClient;
  readonly #onReturned: () => void;

  /** @param onReturned a config brought a pool back while its workers were being unregistered */
  constructor(router: QueueRouter, client: ResqueClient, onReturned: () => void) {
    this.#router = router;
    this.#client = client;
    this.#onReturned = onReturned;
  }

  /** Call it when no outcome waits to be written. */
  check(): void {
    if (!this.#client.session.isUp) return;
    for (const pool of this.#router.pools) {
      if (pool.isRemoved && pool.busy === 0 && pool.workers.length > 0) void this.#remove(pool);
    }
  }

  async #remove(pool: Pool): Promise<void> {
    const slots = pool.slots.filter((slot) => slot.isRegistered);
    // From now on, no heartbeat may register them again.
    for (const slot of slots) slot.isRegistered = false;
    try {
      await this.#client.unregister(slots.map((slot) => slot.worker));
    } catch (error) {
      // Still registered: tried again when Redis is back.
      for (const slot of slots) slot.isRegistered = true;
      this.#client.session.fail(error);
      return;
    }
    if (pool.isRemoved) {
      this.#router.remove(pool);
      return;
    }
    for (const slot of pool.slots.slice(0, 1)) slot.isRegistered = true;
    this.#onReturned();
  }
}

import type { ResqueClient } from '../../resque/steps/client.ts';
import type { Pool } from './pool.ts';
import type { QueueRouter } from './queue-router.ts';

/** Lets go of runners that a new config doesn't have, once their last outcome is written. */
export class PoolRemoval {
  readonly #router: QueueRouter;
  readonly #client: ResqueClient;
  readonly #onReturned: () => void;

  /** @param onReturned a config brought a runner back while its workers were being taken off the lists */
  constructor(router: QueueRouter, client: ResqueClient, onReturned: () => void) {
    this.#router = router;
    this.#client = client;
    this.#onReturned = onReturned;
  }

  /** To be called when nothing that a retired runner did is left to be written. */
  check(): void {
    if (!this.#client.session.isUp) return;
    for (const pool of this.#router.pools) {
      if (pool.isRemoved && pool.busy === 0 && pool.workers.length > 0) void this.#remove(pool);
    }
  }

  async #remove(pool: Pool): Promise<void> {
    const slots = pool.slots.filter((slot) => slot.isRegistered);
    // From now on no heartbeat may put them back on the list.
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

import type { ResqueClient } from '../../resque/steps/client.ts';
import type { Pool } from './pool.ts';
import type { QueueRouter } from './queue-router.ts';

/** Lets go of runners that a new config doesn't have, once their last outcome is written. */
export class PoolRemoval {
  readonly #fleet: QueueRouter;
  readonly #client: ResqueClient;
  readonly #onReturned: () => void;

  /** @param onReturned a config brought a runner back while its workers were being taken off the lists */
  constructor(fleet: QueueRouter, client: ResqueClient, onReturned: () => void) {
    this.#fleet = fleet;
    this.#client = client;
    this.#onReturned = onReturned;
  }

  /** To be called when nothing that a retired runner did is left to be written. */
  check(): void {
    if (!this.#client.session.isUp) return;
    for (const runner of this.#fleet.runners) {
      if (runner.isRetired && runner.busy === 0 && runner.workers.length > 0) void this.#remove(runner);
    }
  }

  async #remove(runner: Pool): Promise<void> {
    const slots = runner.slots.filter((slot) => slot.isRegistered);
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
    if (runner.isRetired) {
      this.#fleet.remove(runner);
      return;
    }
    for (const slot of runner.slots.slice(0, 1)) slot.isRegistered = true;
    this.#onReturned();
  }
}

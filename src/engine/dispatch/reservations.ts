import type { Reservation } from '../../resque/steps/step.ts';
import type { Pool, Slot } from '../pools/pool.ts';
import type { QueueRouter } from '../pools/queue-router.ts';
import type { Waits } from './waits.ts';

export interface ReservedSlot {
  readonly pool: Pool;
  readonly slot: Slot;
  /** The step that asks for its job; 0 until there is one. */
  step: number;
}

/** One step takes at most this many jobs for one pool: each start blocks the loop for its fork. */
const limitPerPool = 16;

/** The slots that Redis was asked to fill, by worker. */
export class Reservations {
  readonly #router: QueueRouter;
  readonly #open = new Map<string, ReservedSlot>();

  constructor(router: QueueRouter) {
    this.#router = router;
  }

  get isEmpty(): boolean {
    return this.#open.size === 0;
  }

  /** Workers of reserved slots. */
  get workers(): string[] {
    return [...this.#open.keys()];
  }

  /** The same, and whether their jobs will be held. */
  get open(): { worker: string; isHeld: boolean }[] {
    return [...this.#open].map(([worker, { pool }]) => ({
      worker,
      isHeld: pool.config.delivery === 'at-least-once',
    }));
  }

  /** Reserves the free slots of every pool that is worth asking for: no wait may bring it a job. */
  collect(waits: Pick<Waits, 'mayServe' | 'limited'>): Reservation[] {
    const reservations: Reservation[] = [];
    for (const pool of this.#router.pools) {
      // The cheap questions first: most pools of a busy process have no free slot.
      if ((pool.isKnownEmpty && !pool.isLimited) || pool.free === 0 || waits.mayServe(pool)) continue;
      const queues = pool.isLimited ? waits.limited.open(pool) : this.#router.takeable(pool);
      if (queues.length === 0) continue;
      const slots = pool.reserveSlots(limitPerPool);
      for (const slot of slots) this.#open.set(slot.worker, { pool, slot, step: 0 });
      const isHeld = pool.config.delivery === 'at-least-once';
      const hasAttempts = pool.config.retry !== null;
      const limits = pool.isLimited ? pool.config : null;
      reservations.push({ queues, workers: slots.map((slot) => slot.worker), isHeld, hasAttempts, limits });
    }
    return reservations;
  }

  /** The slot that waits for this worker's job. */
  of(worker: string): ReservedSlot {
    const reserved = this.#open.get(worker);
    if (reserved === undefined) throw new Error(`${worker} has no reserved slot`);
    return reserved;
  }

  /** Notes which step asks for these. */
  number(step: number, reservations: readonly Reservation[]): void {
    for (const { workers } of reservations) {
      for (const worker of workers) {
        const reserved = this.#open.get(worker);
        if (reserved !== undefined) reserved.step = step;
      }
    }
  }

  /** The slot no longer waits for an answer. Its state is up to the caller. */
  release(worker: string): ReservedSlot {
    const reserved = this.of(worker);
    this.#open.delete(worker);
    return reserved;
  }

  /** No answer will come: their slots are idle. */
  releaseAll(): void {
    for (const { slot } of this.#open.values()) slot.state = 'idle';
    this.#open.clear();
  }

  /**
   * Frees the slots that got no job; their pools are known to be empty. Redis fills workers in order, so these are the
   * last ones.
   *
   * @param filled how many workers of each reservation got a job
   */
  releaseUnfilled(reservations: readonly Reservation[], filled: readonly number[]): void {
    for (const [at, { workers }] of reservations.entries()) {
      for (const worker of workers.slice(filled[at] ?? 0)) {
        const { pool, slot } = this.release(worker);
        slot.state = 'idle';
        pool.isKnownEmpty = true;
      }
    }
  }
}

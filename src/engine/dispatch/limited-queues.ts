/**
 * Queues with a limit over all runners (resque/format/limits.ts). Only a step may take their jobs, so the waits for them take
 * nothing: they end when it is worth asking again. Each queue of a pool that is known to be empty is in one of these states:
 *
 *     open ──step: no job─────────────▶ empty     waits with BLMOVE from the queue to itself ──▶ open
 *          ──step: all shares taken───▶ full      waits for a share that becomes free       ──▶ open
 *          ──step: too soon───────────▶ too soon  waits for its time                        ──▶ open
 */
import type { LimitedBy } from '../../protocol/events.ts';
import type { ResqueClient } from '../../resque/steps/client.ts';
import type { LimitedQueue, Reservation, StepReply } from '../../resque/steps/step.ts';
import type { Pool } from '../pools/pool.ts';
import type { QueueRouter } from '../pools/queue-router.ts';
import { SingleWaits } from './single-waits.ts';

/** Shorter waits aren't published: with a rate, there is one before each job. */
const toldMs = 1_000;

/** A runner may die after it was woken for a share, and before it takes one. */
const recheckMs = 10_000;

interface Closed {
  readonly state: 'empty' | 'full' | 'too soon';
  readonly cancel: () => void;
}

export class LimitedQueues {
  readonly #client: ResqueClient;
  readonly #router: QueueRouter;
  readonly #onOpen: () => void;
  readonly #closed = new Map<string, Closed>();
  /** What was last published of queues with jobs that may not start. */
  readonly #told = new Map<string, LimitedBy>();
  readonly #waits: SingleWaits<true>;
  #isAccepting = true;

  /** @param onOpen a step may ask again */
  constructor(client: ResqueClient, router: QueueRouter, onOpen: () => void) {
    this.#client = client;
    this.#router = router;
    this.#onOpen = onOpen;
    this.#waits = new SingleWaits({
      client,
      waitFor: (queue) => this.#waitFor(queue),
      endWait: (queue) => client.waits.endLimited(queue),
      onOver: (isWoken, queue) => {
        if (isWoken === true) this.#open(queue);
        onOpen();
      },
    });
  }

  get isActive(): boolean {
    return this.#waits.isActive;
  }

  /** The queues of a pool that a step may ask for. */
  open(pool: Pool): readonly string[] {
    const queues = this.#router.takeable(pool);
    if (!pool.isKnownEmpty) for (const queue of queues) this.#open(queue);
    return queues.filter((queue) => !this.#closed.has(queue));
  }

  /** Redis has answered a step that asked for these. */
  answered(reservations: readonly Reservation[], { filled, limited }: StepReply): void {
    for (const [at, { queues, workers, limits }] of reservations.entries()) {
      if (!limits) continue;
      const hasMore = filled[at] === workers.length;
      for (const queue of queues) {
        const found = limited.find((each) => each.queue === queue);
        if (found === undefined && !hasMore) this.#close(queue, 'empty', null);
        else if (found?.waitMs === null) this.#close(queue, 'full', recheckMs);
        else if (found !== undefined) this.#close(queue, 'too soon', found.waitMs);
        this.#tell(queue, limitedBy(found));
      }
    }
  }

  /** Waits for the queues that a step can't take from now, while there are free slots; ends all other waits. */
  update(isAccepting: boolean): void {
    this.#isAccepting = isAccepting;
    // A reload may have removed the limit.
    for (const queue of this.#told.keys()) {
      if (this.#router.ownerOf(queue)?.isLimited !== true) this.#tell(queue, null);
    }
    const wanted =
      this.#closed.size === 0 ? [] : [...this.#closed.keys()].filter((queue) => this.#isWanted(queue));
    this.#waits.endUnless(wanted);
    this.#waits.begin(wanted);
  }

  #isWanted(queue: string): boolean {
    const state = this.#closed.get(queue)?.state;
    return state !== undefined && state !== 'too soon' && this.#mayTake(queue);
  }

  #mayTake(queue: string): boolean {
    const pool = this.#router.ownerOf(queue);
    if (pool === undefined || !pool.isLimited || pool.free === 0) return false;
    return this.#isAccepting && this.#router.isTakeable(queue);
  }

  async #waitFor(queue: string): Promise<true | null> {
    const isFull = this.#closed.get(queue)?.state === 'full';
    const isWoken = await (isFull
      ? this.#client.waits.forShare(queue)
      : this.#client.waits.untilFilled(queue));
    if (isWoken && isFull && !this.#mayTake(queue)) {
      // It can't use the share, but another runner may.
      await this.#client.waits.passShareOn(queue);
      return null;
    }
    return isWoken ? true : null;
  }

  #close(queue: string, state: Closed['state'], untilMs: number | null): void {
    this.#open(queue);
    const reopen = () => {
      this.#open(queue);
      this.#onOpen();
    };
    const cancel =
      untilMs === null ? () => {} : this.#client.clock.after(untilMs, reopen, { keepsAlive: false });
    this.#closed.set(queue, { state, cancel });
  }

  #tell(queue: string, by: LimitedBy | null): void {
    if ((this.#told.get(queue) ?? null) === by) return;
    if (by === null) this.#told.delete(queue);
    else this.#told.set(queue, by);
    this.#router.tellLimited(queue, by);
  }

  #open(queue: string): void {
    this.#closed.get(queue)?.cancel();
    this.#closed.delete(queue);
  }
}

function limitedBy(found: LimitedQueue | undefined): LimitedBy | null {
  if (found === undefined) return null;
  if (found.waitMs === null) return 'limit';
  return found.waitMs >= toldMs ? 'rate' : null;
}

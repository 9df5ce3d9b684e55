/**
 * All waits for jobs on empty queues: one BLPOP for all at-most-once queues, and a BLMOVE for each at-least-once queue. If
 * Redis limits its replies, only BLMOVE is used. Queues with a limit have waits that take no job, see limited-queues.ts.
 */
import type { ResqueClient } from '../../resque/steps/client.ts';
import type { PoppedJob } from '../../resque/steps/job-waits.ts';
import type { Pool } from '../pools/pool.ts';
import type { QueueRouter } from '../pools/queue-router.ts';
import { LimitedQueues } from './limited-queues.ts';
import { QueueWait } from './queue-wait.ts';
import { SingleWaits } from './single-waits.ts';

export class Waits {
  readonly #client: ResqueClient;
  readonly #router: QueueRouter;
  readonly limited: LimitedQueues;
  readonly #popping: QueueWait<PoppedJob>;
  readonly #moving: SingleWaits<PoppedJob>;
  /** The last wait that was checked and is right. */
  #seen: { queues: readonly string[]; version: number } = { queues: [], version: -1 };

  /** @param onOver a wait is over, with a job or (ended, or the connection lost) without */
  constructor(client: ResqueClient, router: QueueRouter, onOver: (job: PoppedJob | null) => void) {
    this.#client = client;
    this.#router = router;
    const { clock, session, waits } = client;
    const popping = { clock, session, waitForJob: waits.pop.bind(waits), endWait: waits.endPop.bind(waits) };
    this.#popping = new QueueWait(popping, onOver);
    this.#moving = new SingleWaits({
      client,
      waitFor: (queue) => client.waits.hold(queue),
      endWait: (queue) => client.waits.endHold(queue),
      onOver,
    });
    this.limited = new LimitedQueues(client, router, () => onOver(null));
  }

  get isActive(): boolean {
    return this.#isTaking || this.limited.isActive;
  }

  get #isTaking(): boolean {
    return this.#popping.isActive || this.#moving.isActive;
  }

  /** The queues of BLPOP; `null` if it doesn't wait or is being ended. */
  get queues(): readonly string[] | null {
    return this.#popping.queues;
  }

  /** Whether a wait may still bring a job of this queue. */
  covers(queue: string): boolean {
    return this.#popping.covers(queue) || this.#moving.covers(queue);
  }

  /** Whether a wait may still bring this pool a job. */
  mayServe({ queues }: Pool): boolean {
    return this.#isTaking && queues.some((queue) => this.covers(queue));
  }

  /** See `QueueWait`. */
  probe(wait: readonly string[]): void {
    this.#popping.probe(wait);
  }

  /** Waits for queues that are known to be empty and may be taken from; ends all other waits. */
  update(isAccepting: boolean, mayBegin: boolean): void {
    this.limited.update(isAccepting);
    const current = this.#popping.queues;
    if (isAccepting && mayBegin && current !== null && this.#isStill(current)) return;
    const wanted = isAccepting ? this.#emptyQueues(false) : [];
    const wantedHeld = isAccepting ? this.#emptyQueues(true) : [];
    if (this.#popping.isActive) this.#popping.endUnless(wanted);
    else if (wanted.length > 0 && mayBegin) this.#popping.begin(wanted);
    this.#moving.endUnless(wantedHeld);
    if (mayBegin) this.#moving.begin(wantedHeld);
  }

  /** Whether BLPOP waits for exactly the right queues. This is the usual case, so it is checked without making a list. */
  #isStill(queues: readonly string[]): boolean {
    const { waitVersion } = this.#router;
    if (this.#moving.isActive) return false;
    if (this.#seen.queues === queues && this.#seen.version === waitVersion) return true;
    let at = 0;
    for (const pool of this.#router.pools) {
      if (!isWaitable(pool)) continue;
      if (this.#isMoved(pool)) return false;
      for (const queue of this.#router.takeable(pool)) {
        if (queues[at] !== queue) return false;
        at += 1;
      }
    }
    if (at !== queues.length) return false;
    this.#seen = { queues, version: waitVersion };
    return true;
  }

  #emptyQueues(areMoved: boolean): string[] {
    return this.#router.pools.flatMap((pool) =>
      isWaitable(pool) && this.#isMoved(pool) === areMoved ? this.#router.takeable(pool) : [],
    );
  }

  #isMoved(pool: Pool): boolean {
    return pool.config.delivery === 'at-least-once' || this.#client.waitsByMoving;
  }
}

function isWaitable(pool: Pool): boolean {
  return pool.isKnownEmpty && pool.free > 0 && !pool.isLimited;
}

/**
 * Queues with a limit over all runners (resque/format/limits.ts). Only a step may take their jobs, so the waits for them take
 * nothing: they end when it is worth asking again. Each queue is in one of these states:
 *
 *     open ──step: no job─────────────▶ empty     waits with BLMOVE from the queue to itself ──▶ open
 *          ──step: all shares taken───▶ full      waits for a share that becomes free       ──▶ open
 *          ──step: too soon───────────▶ too soon  waits for its time                        ──▶ open
 *
 * A queue that is empty or full has a wait. Without one, it is open: nothing tells when that changes.
 *
 * Redis wakes one runner for each share that becomes free. If that runner doesn't take a job for it, it wakes the next one.
 * Otherwise that one would take the queue for full.
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
  readonly #waits: SingleWaits<'job' | 'share'>;
  /** Queues for which this runner was woken, and no other for the same share. */
  readonly #woken = new Set<string>();
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
      onOver: (found, queue) => {
        if (found !== null) this.#open(queue);
        if (found === 'share') this.#woken.add(queue);
        onOpen();
      },
    });
  }

  get isActive(): boolean {
    return this.#waits.isActive;
  }

  /** The queues of a pool that the next step asks for. */
  open(pool: Pool): readonly string[] {
    const queues = this.#router.takeable(pool);
    if (!pool.isKnownEmpty) for (const queue of queues) this.#open(queue);
    // From here on, each queue has its own state.
    pool.isKnownEmpty = true;
    return queues.filter((queue) => !this.#closed.has(queue));
  }

  /** Redis has answered a step that asked for these. */
  answered(reservations: readonly Reservation[], reply: StepReply): void {
    for (const [at, reservation] of reservations.entries()) {
      if (reservation.limits) this.#answered(reservation, at, reply);
    }
  }

  #answered({ queues, workers, limits }: Reservation, at: number, reply: StepReply): void {
    const taken = [...reply.jobs, ...reply.unsent].filter(({ reservation }) => reservation === at);
    // After the last worker has a job, Redis looks at no other queue.
    const last =
      taken.length < workers.length ? queues.length : queues.indexOf(taken[taken.length - 1]?.queue ?? '');
    for (const [index, queue] of queues.entries()) {
      const isWoken = this.#woken.delete(queue);
      const found = reply.limited.find((each) => each.queue === queue);
      const isFull = found?.waitMs === null;
      if (isWoken && !isFull && !taken.some((job) => job.queue === queue)) this.#passShareOn(queue);
      if (index > last) continue;
      this.#tell(queue, limitedBy(found));
      // A reload has changed the limits: they are asked for again.
      if (this.#router.ownerOf(queue)?.config !== limits) continue;
      if (found === undefined && index !== last) this.#close(queue, 'empty', null);
      else if (isFull) this.#close(queue, 'full', recheckMs);
      else if (found !== undefined) this.#close(queue, 'too soon', found.waitMs);
    }
  }

  /** Waits for the queues that a step can't take from now, while there are free slots; ends all other waits. */
  update(isAccepting: boolean): void {
    this.#isAccepting = isAccepting;
    // A reload may have removed the limit.
    for (const queue of this.#told.keys()) if (!this.#isLimited(queue)) this.#tell(queue, null);
    const wanted: string[] = [];
    for (const [queue, { state }] of this.#closed) {
      if (this.#isWaitable(queue, state)) wanted.push(queue);
      else if (!this.#isKept(queue, state)) this.#open(queue);
    }
    this.#waits.endUnless(wanted);
    this.#waits.begin(wanted);
  }

  #isWaitable(queue: string, state: Closed['state']): boolean {
    if (state === 'too soon' || !this.#isAccepting || !this.#isLimited(queue)) return false;
    // A wait for a job takes nothing, so it may go on while all slots are busy.
    return this.#mayTake(queue) || (state === 'empty' && this.#waits.covers(queue));
  }

  /** Its state holds without a wait: until its time, or while a step asks for jobs of other queues for all free slots. */
  #isKept(queue: string, state: Closed['state']): boolean {
    const pool = this.#router.ownerOf(queue);
    if (pool === undefined || !pool.isLimited || !this.#isAccepting) return false;
    return state === 'too soon' || (this.#router.isTakeable(queue) && pool.hasReserved);
  }

  #isLimited(queue: string): boolean {
    return this.#router.ownerOf(queue)?.isLimited === true;
  }

  #mayTake(queue: string): boolean {
    const pool = this.#router.ownerOf(queue);
    if (pool === undefined || !pool.isLimited || pool.free === 0) return false;
    return this.#isAccepting && this.#router.isTakeable(queue);
  }

  async #waitFor(queue: string): Promise<'job' | 'share' | null> {
    const { waits } = this.#client;
    if (this.#closed.get(queue)?.state !== 'full') return (await waits.untilFilled(queue)) ? 'job' : null;
    if (!(await waits.forShare(queue))) return null;
    if (this.#mayTake(queue)) return 'share';
    await waits.passShareOn(queue);
    return null;
  }

  /** This runner can't use the share now, but another one may. */
  #passShareOn(queue: string): void {
    this.#client.waits.passShareOn(queue).catch((error: unknown) => this.#client.session.fail(error));
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

/**
 * The wait for a job on empty queues: one BLPOP at a time. CLIENT UNBLOCK ends it when it should wait for other queues.
 */
import { Backoff } from '../../resque/redis/backoff.ts';
import type { Clock } from '../../resque/redis/clock.ts';
import type { RedisSession } from '../../resque/redis/session.ts';

const firstRetryMs = 1;
const longestRetryMs = 100;
/** With a heartbeat every 20 s, a dead connection is found within 30. */
const answerLimitMs = 5_000;

/** How to wait: BLPOP for many queues, or BLMOVE for one. @typeParam T what a wait returns */
export interface Waiter<T> {
  readonly clock: Clock;
  readonly session: Pick<RedisSession, 'fail'>;
  waitForJob(queues: readonly string[]): Promise<T | null>;
  endWait(): Promise<boolean>;
}

export class QueueWait<T> {
  readonly #client: Waiter<T>;
  /** The wait is over, with a job or (ended, or the connection lost) without. */
  readonly #onOver: (job: T | null) => void;
  #queues: readonly string[] | null = null;
  #isEnding = false;

  constructor(client: Waiter<T>, onOver: (job: T | null) => void) {
    this.#client = client;
    this.#onOver = onOver;
  }

  get isActive(): boolean {
    return this.#queues !== null;
  }

  /** The queues of the wait; `null` also while it is being ended. */
  get queues(): readonly string[] | null {
    return this.#isEnding ? null : this.#queues;
  }

  /** Whether a job of this queue may still come. */
  covers(queue: string): boolean {
    return this.#queues?.includes(queue) ?? false;
  }

  /** Begins a wait; there must be none. */
  begin(queues: readonly string[]): void {
    this.#queues = queues;
    void this.#wait(queues);
  }

  /** Ends the wait unless it is for exactly these queues. */
  endUnless(wanted: readonly string[]): void {
    if (this.#queues === null || this.#isEnding || isSame(this.#queues, wanted)) return;
    this.#isEnding = true;
    void this.#unblock(this.#queues, new Backoff(firstRetryMs, longestRetryMs));
  }

  /**
   * Queues that this wait should have emptied hold jobs: either its answer is on its way, or the connection is dead. Ends
   * the wait to find out. A job in a late answer is kept.
   */
  probe(wait: readonly string[]): void {
    if (this.#queues !== wait) return;
    this.endUnless([]);
    const giveUp = () => {
      if (this.#queues === wait) this.#client.session.fail(new Error('the waiting connection is dead'));
    };
    this.#client.clock.after(answerLimitMs, giveUp, { keepsAlive: false });
  }

  async #wait(queues: readonly string[]): Promise<void> {
    let job: T | null = null;
    try {
      job = await this.#client.waitForJob(queues);
    } catch (error) {
      this.#client.session.fail(error);
    }
    this.#queues = null;
    this.#isEnding = false;
    this.#onOver(job);
  }

  /**
   * UNBLOCK and BLPOP take two connections. UNBLOCK may arrive before the BLPOP that it should end, and then finds
   * nothing. So it is repeated while that wait lasts.
   */
  async #unblock(wait: readonly string[], backoff: Backoff): Promise<void> {
    try {
      const isEnded = await this.#client.endWait();
      if (isEnded || this.#queues !== wait) return;
    } catch (error) {
      this.#client.session.fail(error);
      return;
    }
    this.#client.clock.after(backoff.next(), () => {
      if (this.#queues === wait) void this.#unblock(wait, backoff);
    });
  }
}

function isSame(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((queue, at) => queue === b[at]);
}

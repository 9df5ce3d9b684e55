/** The commands that wait for jobs, and those that end such a wait. All reject with RedisError. */
import type { ResqueKeys } from '../format/keys.ts';
import { shareReturns } from '../format/limits.ts';
import { runScript, script } from '../redis/script.ts';
import { answerLimitMs } from '../redis/send.ts';
import type { RedisSession } from '../redis/session.ts';

/** A job from BLPOP. It is in no key until a step records it or puts it back. */
export interface PoppedJob {
  readonly queue: string;
  readonly payload: Buffer;
  /** It came by BLMOVE and is on the list of held jobs. */
  readonly isHeld: boolean;
}

/**
 * Redis may keep the connection of a vanished host open for ten minutes or more, and give it jobs. So waits end by
 * themselves, long before such a host is recovered as dead.
 */
const longestWaitSeconds = 60;
const waitLimitMs = longestWaitSeconds * 1_000 + answerLimitMs;

/** Name of the connection that waits for a queue with a limit. With NUL, it is the name of no queue. */
function limitedWait(queue: string): string {
  return `limited\0${queue}`;
}

/** ARGV: prefix, queue. */
const wakeScript = script(`
local prefix = ARGV[1]
${shareReturns}
wake(ARGV[2])
`);

export class JobWaits {
  readonly #session: RedisSession;
  readonly #keys: ResqueKeys;
  readonly #owner: () => string;

  /** @param owner `HOST:PID` of this process */
  constructor(session: RedisSession, keys: ResqueKeys, owner: () => string) {
    this.#session = session;
    this.#keys = keys;
    this.#owner = owner;
  }

  /**
   * Waits for a job in one of the queues and takes it, first queue first.
   *
   * @returns `null` if `endPop` or the time limit ended the wait
   */
  async pop(queues: readonly string[]): Promise<PoppedJob | null> {
    const keys = queues.map((queue) => this.#keys.queue(queue));
    const popped = await this.#session.blockingCommand(
      (blocker) => blocker.blpopBuffer(keys, longestWaitSeconds),
      waitLimitMs,
    );
    if (popped === null) return null;
    const [key, payload] = popped as [Buffer, Buffer];
    return { queue: key.toString('utf8').slice(this.#keys.queue('').length), payload, isHeld: false };
  }

  /**
   * The same for one at-least-once queue, on a separate connection: the job moves to the list of held jobs.
   */
  async hold(queue: string): Promise<PoppedJob | null> {
    const keys = this.#keys;
    const owner = this.#owner();
    // First, because a recovery looks only at lists in this set.
    await this.#session.command((commands) => commands.sadd(keys.heldQueues(owner), queue));
    const payload = await this.#session.extraBlockingCommand(
      queue,
      (blocker) =>
        blocker.blmoveBuffer(keys.queue(queue), keys.held(owner, queue), 'LEFT', 'RIGHT', longestWaitSeconds),
      waitLimitMs,
    );
    return payload === null ? null : { queue, payload, isHeld: true };
  }

  /** Waits until a queue holds a job, and leaves the job there. @returns false if the wait was ended or took too long */
  async untilFilled(queue: string): Promise<boolean> {
    const key = this.#keys.queue(queue);
    const payload = await this.#session.extraBlockingCommand(
      limitedWait(queue),
      // To itself, so the list stays as it is.
      (blocker) => blocker.blmoveBuffer(key, key, 'LEFT', 'LEFT', longestWaitSeconds),
      waitLimitMs,
    );
    return payload !== null;
  }

  /** Waits until a share of the queue's limit becomes free. @returns as `untilFilled` */
  async forShare(queue: string): Promise<boolean> {
    const popped = await this.#session.extraBlockingCommand(
      limitedWait(queue),
      (blocker) => blocker.blpop(this.#keys.freeShares(queue), longestWaitSeconds),
      waitLimitMs,
    );
    return popped !== null;
  }

  /** Wakes another runner instead of this one. */
  async passShareOn(queue: string): Promise<void> {
    await runScript(this.#session, wakeScript, 0, [this.#keys.prefix, queue]);
  }

  endLimited(queue: string): Promise<boolean> {
    return this.#session.unblockExtra(limitedWait(queue));
  }

  endHold(queue: string): Promise<boolean> {
    return this.#session.unblockExtra(queue);
  }

  /** @returns whether there was a wait to end */
  endPop(): Promise<boolean> {
    return this.#session.unblock();
  }
}

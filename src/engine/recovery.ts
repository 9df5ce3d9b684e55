/**
 * Finds runner processes that died without a word, ends what is left of their jobs on this machine, and puts
 * the jobs where they belong. At start and every minute, one runner of all at a time.
 *
 * Dead is: on this machine, a process that isn't there any more, by its number and start; elsewhere, one that
 * Redis hasn't heard of for five minutes; and any earlier process that had our own name.
 */
import type { EngineFact } from '../protocol/events.ts';
import type { Cancel } from '../resque/clock.ts';
import { DeadRunners, type LeftRunner, lockMs } from '../resque/dead-runners.ts';
import type { ResqueClient } from '../resque/resque-client.ts';
import { RedisTrouble } from '../resque/trouble.ts';
import type { Machine } from './machine.ts';

/** As Resque itself, see `Resque.prune_interval`. */
const silentMs = 300_000;
const intervalMs = 60_000;

export interface RecoveryHooks {
  readonly client: ResqueClient;
  readonly publish: (fact: EngineFact) => void;
  /** Writes what dead ones of this machine could not: their jobs would pass for unfinished. */
  readonly beforeRecovery: () => Promise<void>;
  readonly machine: Pick<Machine, 'isGone' | 'endPrograms'>;
  /** Jobs came back to queues. */
  readonly onRequeued: () => void;
}

export class Recovery {
  readonly #hooks: RecoveryHooks;
  readonly #dead: DeadRunners;
  #cancelLooks: Cancel = () => {};
  #cancelRetry: Cancel | null = null;
  #isStopped = false;
  #isLooking = false;

  constructor(hooks: RecoveryHooks) {
    this.#hooks = hooks;
    this.#dead = new DeadRunners(hooks.client.session, hooks.client.keys, hooks.client.clock);
  }

  start(): void {
    const { clock } = this.#hooks.client;
    this.#cancelLooks = clock.every(intervalMs, () => this.#lookIfUp(), { keepsAlive: false });
  }

  stop(): void {
    this.#cancelLooks();
    this.#cancelRetry?.();
    this.#isStopped = true;
  }

  /**
   * Of an earlier process with our name, before we take its place: what it left would pass for ours. Rejects with
   * RedisTrouble, also where that can't be done yet.
   */
  async recoverPredecessor(): Promise<void> {
    const predecessor = await this.#predecessor();
    if (predecessor === undefined) return;
    await this.#recover(predecessor);
    if ((await this.#predecessor()) === undefined) return;
    throw new RedisTrouble('refused', `an earlier ${predecessor.owner} has left what can't be recovered yet`);
  }

  async #predecessor(): Promise<LeftRunner | undefined> {
    const { owner, nonce } = this.#hooks.client;
    const { runners } = await this.#dead.runners();
    return runners.find((runner) => runner.owner === owner && runner.entry.nonce !== nonce);
  }

  /** Looks for dead ones, once. Rejects with RedisTrouble. */
  async look(): Promise<void> {
    const { client, machine } = this.#hooks;
    if (this.#isLooking) return;
    this.#isLooking = true;
    try {
      const { nowMs, runners } = await this.#dead.runners();
      const dead = runners.filter(
        (runner) => runner.owner !== client.owner && isDead(runner, nowMs, machine),
      );
      if (dead.length === 0) return;
      const unlock = await this.#dead.lock(client.nonce, dead);
      if (unlock === null) {
        // Who has it recovers them, unless it dies of that.
        this.#lookAgain();
        return;
      }
      try {
        await this.#hooks.beforeRecovery();
        for (const runner of dead) await this.#recover(runner);
      } finally {
        await unlock();
      }
    } finally {
      this.#isLooking = false;
    }
  }

  #lookIfUp(): void {
    const { session } = this.#hooks.client;
    if (session.isUp) this.look().catch((error: unknown) => session.fail(error));
  }

  #lookAgain(): void {
    if (this.#isStopped || this.#cancelRetry !== null) return;
    const look = () => {
      this.#cancelRetry = null;
      this.#lookIfUp();
    };
    this.#cancelRetry = this.#hooks.client.clock.after(lockMs, look, { keepsAlive: false });
  }

  async #recover(runner: LeftRunner): Promise<void> {
    const { publish, onRequeued, machine } = this.#hooks;
    const isEnded = await machine.endPrograms(runner.entry.nonce);
    // Twice at once is what nobody asked for: tried again in a minute.
    if (!isEnded) return;
    const recovered = await this.#dead.recover(runner);
    if (recovered === null) return;
    publish({ type: 'peer.recovered', peer: runner.owner, ...recovered });
    if (recovered.requeued > 0) onRequeued();
  }
}

export function isDead(
  { entry }: Pick<LeftRunner, 'entry'>,
  nowMs: number,
  machine: Pick<Machine, 'isGone'>,
): boolean {
  return machine.isGone(entry) ?? nowMs - entry.seenAtMs > silentMs;
}

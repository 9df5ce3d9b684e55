/**
 * Finds runner processes that died without a word, ends what is left of their jobs on this machine, and puts
 * the jobs where they belong. At start and every minute, one runner of all at a time.
 *
 * Dead is: on this machine, a process that isn't there any more, by its number and start; elsewhere, one that
 * Redis hasn't heard of for five minutes; and any earlier process that had our own name.
 */
import type { EngineFact } from '../protocol/events.ts';
import { DeadRunners, type LeftRunner, lockMs } from '../resque/dead-runners.ts';
import type { ResqueClient } from '../resque/resque-client.ts';
import { RedisTrouble } from '../resque/trouble.ts';
import { signalGroup } from './child.ts';
import { isGone, processesWith } from './process-identity.ts';
import { runnerVariable } from './runner-variable.ts';

/** As Resque itself, see `Resque.prune_interval`. */
const silentMs = 300_000;
const intervalMs = 60_000;
const checkMs = 10;
/** A killed process may take its time to go where a disk or a debugger holds it. */
const endLimitMs = 5_000;

export interface RecoveryHooks {
  readonly client: ResqueClient;
  readonly publish: (fact: EngineFact) => void;
  /** Writes what dead ones of this machine could not: their jobs would pass for unfinished. */
  readonly beforeRecovery: () => Promise<void>;
  /** Jobs came back to queues. */
  readonly onRequeued: () => void;
}

export class Recovery {
  readonly #hooks: RecoveryHooks;
  readonly #dead: DeadRunners;
  #timer: NodeJS.Timeout | null = null;
  #retryTimer: NodeJS.Timeout | null = null;
  #isStopped = false;
  #isLooking = false;

  constructor(hooks: RecoveryHooks) {
    this.#hooks = hooks;
    this.#dead = new DeadRunners(hooks.client.session, hooks.client.keys);
  }

  start(): void {
    this.#timer = setInterval(() => this.#lookIfUp(), intervalMs).unref();
  }

  stop(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
    if (this.#retryTimer !== null) clearTimeout(this.#retryTimer);
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
    const { client } = this.#hooks;
    if (this.#isLooking) return;
    this.#isLooking = true;
    try {
      const { nowMs, runners } = await this.#dead.runners();
      const dead = runners.filter((runner) => runner.owner !== client.owner && isDead(runner, nowMs));
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
    if (this.#isStopped || this.#retryTimer !== null) return;
    this.#retryTimer = setTimeout(() => {
      this.#retryTimer = null;
      this.#lookIfUp();
    }, lockMs).unref();
  }

  async #recover(runner: LeftRunner): Promise<void> {
    const { publish, onRequeued } = this.#hooks;
    const isEnded = await endChildren(runner.entry.nonce);
    // Twice at once is what nobody asked for: tried again in a minute.
    if (!isEnded) return;
    const recovered = await this.#dead.recover(runner);
    if (recovered === null) return;
    publish({ type: 'peer.recovered', peer: runner.owner, ...recovered });
    if (recovered.requeued > 0) onRequeued();
  }
}

export function isDead({ entry }: Pick<LeftRunner, 'entry'>, nowMs: number): boolean {
  return isGone(entry) ?? nowMs - entry.seenAtMs > silentMs;
}

/** Ends what that process' jobs have left running here. @returns whether nothing of it is left */
export async function endChildren(nonce: string): Promise<boolean> {
  const deadline = performance.now() + endLimitMs;
  for (;;) {
    const pids = processesWith(runnerVariable, nonce);
    if (pids.length === 0) return true;
    if (performance.now() > deadline) return false;
    for (const pid of pids) {
      // Its group, where it leads one: also what it started meanwhile.
      signalGroup(pid, 'SIGKILL');
      killProcess(pid);
    }
    await new Promise((resolve) => setTimeout(resolve, checkMs));
  }
}

function killProcess(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // ESRCH: it has ended.
  }
}

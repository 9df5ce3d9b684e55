/**
 * Finds runner processes that died without a word, ends what is left of their jobs on this machine, and puts
 * the jobs where they belong. At start and every minute, one runner of all at a time.
 *
 * Which are dead, `src/resque/workers/liveness.ts` judges; so is any earlier process that had our own name.
 */
import type { EngineFact } from '../../protocol/events.ts';
import type { Cancel } from '../../resque/redis/clock.ts';
import type { ResqueClient } from '../../resque/steps/client.ts';
import { DeadRunners, type LeftRunner, lockMs } from '../../resque/workers/dead-runners.ts';
import { livenessOf } from '../../resque/workers/liveness.ts';
import type { LeftWorker } from '../../resque/workers/recovery-script.ts';
import type { RunnerAbout } from '../../resque/workers/runner-entry.ts';
import type { Machine } from '../process/machine.ts';

const intervalMs = 60_000;
/** A little longer than a runner that may have been cut off is waited for. */
const namesakeMs = 45_000;

export interface RecoveryHooks {
  readonly client: ResqueClient;
  readonly publish: (fact: EngineFact) => void;
  /** Writes what dead ones, given by their nonces, could not: their jobs would pass for unfinished. */
  readonly beforeRecovery: (dead: ReadonlySet<string>) => Promise<void>;
  readonly machine: Pick<Machine, 'identity' | 'presenceOf' | 'endPrograms'>;
  /** What the registry says of this process. */
  readonly about: () => RunnerAbout;
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
  /** Nonces of dead ones whose jobs wait. */
  readonly #toldOf = new Set<string>();
  /** When the last outage was over, by the monotonic clock; `null` before the first look. */
  #listeningSinceMs: number | null = null;

  constructor(hooks: RecoveryHooks) {
    this.#hooks = hooks;
    const { session, keys, clock, reads } = hooks.client;
    this.#dead = new DeadRunners(session, keys, clock, reads);
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
   * Another process has our name: if it is dead, what it left is recovered. Rejects with RedisError.
   *
   * @param text its entry as it was found
   * @returns whether the name is free now
   */
  async recoverNamesake(text: string): Promise<boolean> {
    const { client, machine } = this.#hooks;
    const isFound = (runner: LeftRunner) => runner.owner === client.owner && runner.text === text;
    const { runners, ...redis } = await this.#dead.runners();
    const namesake = runners.find(isFound);
    // It is gone already, or an entry of a later version.
    if (namesake === undefined) return runners.every(({ owner }) => owner !== client.owner);
    // Right after an outage its silence says nothing.
    const view = this.#listeningSinceMs === null ? redis : { ...redis, listeningMs: 0 };
    if (livenessOf(namesake.entry, machine, view) !== 'dead') {
      // A container that crashed and was started again: its end shows soon.
      this.#lookAgain(namesakeMs);
      return false;
    }
    await this.#hooks.beforeRecovery(new Set([namesake.entry.nonce]));
    await this.#recover(namesake);
    return !(await this.#dead.runners()).runners.some(isFound);
  }

  /** The workers of our own that Redis knows, with the jobs they have on record, as if this process were dead. */
  async leftByUs(): Promise<readonly LeftWorker[]> {
    const { client, about } = this.#hooks;
    const entry = client.entry(about());
    const { workers } = await this.#dead.leftBy({ owner: client.owner, entry, text: '' });
    return workers;
  }

  /** Ids of our own workers that Redis lists. */
  registered(): Promise<string[]> {
    return this.#dead.registered(this.#hooks.client.owner);
  }

  /** Looks for dead ones when Redis is there, or there again. Rejects with RedisError. */
  async look(): Promise<void> {
    const isFirst = this.#listeningSinceMs === null;
    this.#listeningSinceMs = isFirst ? Number.NEGATIVE_INFINITY : this.#hooks.client.clock.elapsedMs();
    await this.#look();
  }

  async #look(): Promise<void> {
    const { client, machine } = this.#hooks;
    if (this.#isLooking) return;
    this.#isLooking = true;
    try {
      const { runners, ...redis } = await this.#dead.runners();
      const view = { ...redis, listeningMs: client.clock.elapsedMs() - (this.#listeningSinceMs ?? 0) };
      const dead = runners.filter(
        ({ owner, entry }) => owner !== client.owner && livenessOf(entry, machine, view) === 'dead',
      );
      if (dead.length === 0) return;
      const unlock = await this.#dead.lock(client.nonce, dead);
      if (unlock === null) {
        // Who has it recovers them, unless it dies of that.
        this.#lookAgain();
        return;
      }
      try {
        await this.#hooks.beforeRecovery(new Set(dead.map(({ entry }) => entry.nonce)));
        const { machine: here } = machine.identity;
        const running = runners.filter(
          ({ entry }) => entry.machine === here && !dead.some((each) => each.entry === entry),
        );
        const pids = new Set(running.map(({ entry }) => entry.pid));
        for (const runner of dead) await this.#recover(runner, pids);
      } finally {
        await unlock();
      }
    } finally {
      this.#isLooking = false;
    }
  }

  #lookIfUp(): void {
    const { session } = this.#hooks.client;
    if (session.isUp) this.#look().catch((error: unknown) => session.fail(error));
  }

  #lookAgain(inMs = lockMs): void {
    if (this.#isStopped || this.#cancelRetry !== null) return;
    const look = () => {
      this.#cancelRetry = null;
      this.#lookIfUp();
    };
    this.#cancelRetry = this.#hooks.client.clock.after(inMs, look, { keepsAlive: false });
  }

  /** @param others pids of runners of this machine that aren't dead */
  async #recover(runner: LeftRunner, others: ReadonlySet<number> = new Set()): Promise<void> {
    const { publish, onRequeued, machine } = this.#hooks;
    const end = await machine.endPrograms(runner.entry, others);
    if (end.kind === 'uncertain' && (await this.#mustWait(runner, end.pids))) return;
    const recovered = await this.#dead.recover(runner, machine);
    if (recovered === null) return;
    publish({ type: 'peer.recovered', peer: runner.owner, ...recovered });
    if (recovered.requeued > 0) onRequeued();
  }

  /** A job must not run twice at the same time. @returns whether the recovery is to be tried again later */
  async #mustWait({ entry, ...runner }: LeftRunner, pids: readonly number[]): Promise<boolean> {
    const waitMs = await this.#dead.waitMs({ entry, ...runner });
    if (waitMs === 0) return false;
    this.#lookAgain();
    if (this.#toldOf.has(entry.nonce)) return true;
    this.#toldOf.add(entry.nonce);
    this.#hooks.publish({ type: 'peer.deferred', peer: runner.owner, pids, waitMs });
    return true;
  }
}

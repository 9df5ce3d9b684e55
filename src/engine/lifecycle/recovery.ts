/**
 * Finds runner processes that have died, ends the remaining programs of their jobs on this machine, and records the jobs as
 * failed or puts them back. It runs at the start and then regularly; of all runners, one at a time does so.
 *
 * `src/resque/workers/liveness.ts` decides which runners are dead.
 */
import type { EngineFact } from '../../protocol/events.ts';
import type { Cancel } from '../../resque/redis/clock.ts';
import type { ResqueClient } from '../../resque/steps/client.ts';
import { DeadRunners, type LeftRunner, lockMs } from '../../resque/workers/dead-runners.ts';
import { heardLimitMs, livenessOf } from '../../resque/workers/liveness.ts';
import type { LeftWorker, Recovered } from '../../resque/workers/recovery-script.ts';
import type { RunnerAbout } from '../../resque/workers/runner-entry.ts';
import type { EngineMeans } from '../process/engine-means.ts';

/** A little longer than it takes until the end of a container shows: its successor recovers it with its second look. */
const intervalMs = heardLimitMs + 5_000;

export interface RecoveryHooks {
  readonly client: ResqueClient;
  readonly publish: (fact: EngineFact) => void;
  /** Writes the spooled outcomes of dead runners, by their nonces: otherwise their jobs would count as unfinished. */
  readonly beforeRecovery: (dead: ReadonlySet<string>) => Promise<void>;
  readonly machine: Pick<EngineMeans, 'identity' | 'presenceOf' | 'endPrograms'>;
  /** This process as its entry in Redis describes it. */
  readonly about: () => RunnerAbout;
  /** This failure of a dead runner's job was recorded. */
  readonly onRecorded: (record: string) => void;
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
  /** Nonces of dead runners whose deferred jobs were published. */
  readonly #toldOf = new Set<string>();
  /** When the last outage ended, by the monotonic clock; `null` before the first look. */
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

  /** This runner's workers in Redis, with their recorded jobs, as if this process were dead. */
  async leftByUs(): Promise<readonly LeftWorker[]> {
    const { client, about } = this.#hooks;
    const entry = client.entry(about());
    const { workers } = await this.#dead.leftBy({ owner: client.owner, entry, text: '' });
    return workers;
  }

  /** Ids of this runner's workers that Redis lists. */
  registered(): Promise<string[]> {
    return this.#dead.registered(this.#hooks.client.owner);
  }

  /** Looks for dead runners after Redis came up. Rejects with RedisError. */
  async look(): Promise<void> {
    const isFirst = this.#listeningSinceMs === null;
    this.#listeningSinceMs = isFirst ? Number.NEGATIVE_INFINITY : this.#hooks.client.clock.elapsedMs();
    await this.#look();
  }

  /** How long Redis has been reachable, see `RedisView`. */
  get listeningMs(): number {
    return this.#hooks.client.clock.elapsedMs() - (this.#listeningSinceMs ?? 0);
  }

  /**
   * An operator asks for it: recovers this runner process if it is dead now. Rejects with RedisError.
   *
   * @returns `alive`: it is not dead; `held`: its programs may still run, or another process is recovering runners
   */
  async recoverPeer(owner: string): Promise<Recovered | 'alive' | 'held'> {
    const { found, recovered } = await this.#look(owner);
    if (found === 'none') return 'alive';
    return recovered[0] ?? 'held';
  }

  /** @param only the name of a runner process; then others aren't looked at */
  async #look(
    only: string | null = null,
  ): Promise<{ readonly found: 'some' | 'none' | 'busy'; readonly recovered: readonly Recovered[] }> {
    const { client, machine } = this.#hooks;
    if (this.#isLooking) return { found: 'busy', recovered: [] };
    this.#isLooking = true;
    try {
      const { runners, ...redis } = await this.#dead.runners();
      const view = { ...redis, listeningMs: this.listeningMs };
      const dead = runners.filter(
        ({ owner, entry }) =>
          owner !== client.owner &&
          (only === null || owner === only) &&
          livenessOf(entry, machine, view) === 'dead',
      );
      if (dead.length === 0) return { found: 'none', recovered: [] };
      const unlock = await this.#dead.lock(client.nonce, dead);
      if (unlock === null) {
        // The holder of the lock recovers them, unless it dies first.
        this.#lookAgain();
        return { found: 'busy', recovered: [] };
      }
      try {
        await this.#hooks.beforeRecovery(new Set(dead.map(({ entry }) => entry.nonce)));
        const { machine: here } = machine.identity;
        const running = runners.filter(
          ({ entry }) => entry.machine === here && !dead.some((each) => each.entry === entry),
        );
        const pids = new Set(running.map(({ entry }) => entry.pid));
        const recovered: Recovered[] = [];
        for (const runner of dead) {
          const its = await this.#recover(runner, pids);
          if (its !== null) recovered.push(its);
        }
        return { found: 'some', recovered };
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

  /**
   * @param others pids of this machine's runners that aren't dead
   * @returns `null` if it has to wait, or another process was faster
   */
  async #recover(runner: LeftRunner, others: ReadonlySet<number>): Promise<Recovered | null> {
    const { publish, onRequeued, onRecorded, machine, client } = this.#hooks;
    const end = await machine.endPrograms(runner.entry, others);
    if (end.kind === 'uncertain' && (await this.#mustWait(runner, end.pids))) return null;
    const recovered = await this.#dead.recover(runner, machine, client.failedTrim);
    if (recovered === null) return null;
    const { failed, requeued, failures } = recovered;
    publish({ type: 'peer.recovered', peer: runner.owner, failed, requeued });
    for (const record of failures) onRecorded(record);
    if (requeued > 0) onRequeued();
    return recovered;
  }

  /** A job must not run twice at the same time. @returns whether to try the recovery again later */
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

/**
 * Keeps in Redis what operators set by hand, for the next runner of the same config on this host. It reads once, on the first
 * connection, and writes each change; while Redis is away, changes wait for its return, and only the last state is written. A
 * runner that stops first says what is lost.
 */
import type { EngineFact, OverrideView } from '../../protocol/events.ts';
import type { Cancel } from '../../resque/redis/clock.ts';
import { RedisError } from '../../resque/redis/redis-error.ts';
import type { ResqueClient } from '../../resque/steps/client.ts';
import { overrideOf, readAbout, readOverrides, saveOverrides } from '../../resque/workers/overrides.ts';
import type { QueueRouter } from '../pools/queue-router.ts';

export interface OverrideKeeperOptions {
  /** `null`: nothing is kept. */
  readonly key: string | null;
  readonly client: ResqueClient;
  readonly router: QueueRouter;
  readonly publish: (fact: EngineFact) => void;
}

/** Redis forgets the key some time after the last write, and a runner may work for longer than that. */
const refreshMs = 24 * 60 * 60 * 1_000;

export class OverrideKeeper {
  readonly #options: OverrideKeeperOptions;
  #isRead = false;
  #isTold = false;
  #isSaving = false;
  /** Redis must keep the key for longer. */
  #isStale = false;
  /** Why Redis doesn't give or keep them. */
  #refusal: string | null = null;
  #toldRefusal: string | null = null;
  #cancelRefresh: Cancel = () => {};

  constructor(options: OverrideKeeperOptions) {
    this.#options = options;
    if (options.key !== null) options.router.overrides.onChange = () => void this.#save();
  }

  start(): void {
    const { key, client, router } = this.#options;
    if (key === null) return;
    this.#cancelRefresh = client.clock.every(refreshMs, () => {
      this.#isStale = router.overrides.isAny;
      void this.#save();
    });
  }

  /** The connection is closed for good. */
  stop(): void {
    this.#cancelRefresh();
    const { key, router, publish } = this.#options;
    if (key === null) return;
    const lost = [...router.overrides.untold].flatMap(([about, override]) => {
      const read = readAbout(about);
      return read === null ? [] : [{ ...read, override }];
    });
    if (lost.length > 0) publish({ type: 'overrides.lost', lost });
  }

  /** Whether Redis has everything, as far as it takes it. */
  get isSettled(): boolean {
    const { key, router } = this.#options;
    return key === null || this.#refusal !== null || router.overrides.untold.size === 0;
  }

  /** Call it on new connections, before the runner takes jobs. Rejects with RedisError if the connection is lost. */
  async read(): Promise<void> {
    const { key, client, router } = this.#options;
    if (key === null || this.#isRead) return;
    try {
      const kept = await readOverrides(client.session, key);
      this.#isRead = true;
      router.overrides.restore(kept);
      if (kept.size === 0) return;
      useOverrides(router);
      this.#isStale = true;
    } catch (error) {
      if (!isRefusal(error)) throw error;
      this.#refusal = error.message;
    }
  }

  /** Redis is usable, and the names of queues are known. */
  connected(): void {
    const { router, publish } = this.#options;
    if (!this.#isTold) {
      const kept = this.#options.key === null ? [] : overridesAtWork(router);
      if (kept.length > 0) publish({ type: 'overrides.kept', kept });
    }
    this.#isTold = true;
    this.#tellRefusal();
    void this.#save();
  }

  /** Redis came back without some of its data. */
  forgotten(): void {
    if (this.#options.key !== null) this.#options.router.overrides.tellAll();
  }

  async #save(): Promise<void> {
    const { key, client, router } = this.#options;
    const { overrides } = router;
    if (key === null || this.#isSaving) return;
    this.#isSaving = true;
    try {
      while (this.#isRead && client.session.isUp && (this.#isStale || overrides.untold.size > 0)) {
        const changes = overrides.untold;
        await saveOverrides(client.session, { key, prefix: client.keys.prefix }, changes);
        overrides.told(changes);
        this.#isStale = false;
        this.#refusal = null;
      }
    } catch (error) {
      // Without a connection, they wait for the next one.
      if (!isRefusal(error)) client.session.fail(error);
      else this.#refusal = error.message;
      this.#tellRefusal();
    } finally {
      this.#isSaving = false;
    }
  }

  #tellRefusal(): void {
    const reason = this.#refusal;
    if (reason !== null && reason !== this.#toldRefusal) {
      this.#options.publish({ type: 'overrides.refused', reason });
    }
    this.#toldRefusal = reason;
  }
}

/** Only this key may be forbidden, or of the wrong type: that must not keep the runner from working. */
function isRefusal(error: unknown): error is RedisError {
  return error instanceof RedisError && (error.kind === 'refused' || error.kind === 'denied');
}

function useOverrides(router: QueueRouter): void {
  const { overrides } = router;
  for (const pool of router.pools) {
    router.useOverride(pool);
    router.useEntryPause(pool);
  }
  const all = overrides.get(overrideOf.everyQueue);
  if (all !== null) router.pauseAll('all', all.by, all.sinceMs);
  for (const queue of router.queues) {
    const paused = overrides.get(overrideOf.queue(queue));
    if (paused !== null) router.pauseQueue(queue, 'operator', paused.by, paused.sinceMs);
  }
}

/** The overrides that do something: those of queues and entries that the runner has. */
export function overridesAtWork({ overrides, queues, pools }: QueueRouter): OverrideView[] {
  const paused = [null, ...queues].flatMap((queue): OverrideView[] => {
    const override = overrides.get(queue === null ? overrideOf.everyQueue : overrideOf.queue(queue));
    return override === null ? [] : [{ kind: 'pause', queue, by: override.by, sinceMs: override.sinceMs }];
  });
  const entries = pools.flatMap(({ key, hasMembers, isRemoved }): OverrideView[] => {
    const override = hasMembers && !isRemoved ? overrides.get(overrideOf.entry(key)) : null;
    return override === null
      ? []
      : [{ kind: 'pause', queue: key, by: override.by, sinceMs: override.sinceMs }];
  });
  const slots = pools.flatMap(({ key, override, isRemoved, config }): OverrideView[] => {
    if (override === null || isRemoved) return [];
    const { by, sinceMs, slots: count = config.concurrency } = override;
    return [{ kind: 'slots', runner: key, slots: count, configured: config.concurrency, by, sinceMs }];
  });
  return [...paused, ...entries, ...slots];
}

/**
 * Keeps in Redis what operators set by hand, for the next runner of the same config on this host. It reads once, on the first
 * connection, and writes each change; while Redis is away, changes wait for its return. A runner that stops before that says
 * so.
 */
import type { EngineFact, OverrideView } from '../../protocol/events.ts';
import type { Cancel } from '../../resque/redis/clock.ts';
import { RedisError } from '../../resque/redis/redis-error.ts';
import type { ResqueClient } from '../../resque/steps/client.ts';
import { type About, readOverrides, saveOverrides } from '../../resque/workers/overrides.ts';
import { partsOf } from '../pools/pauses.ts';
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
  /** What has changed since Redis was told. */
  readonly #unsaved = new Set<About>();
  #isRead = false;
  /** Everything went back to the config before it was known what Redis keeps. */
  #isReset = false;
  #isTold = false;
  #isSaving = false;
  /** Why Redis doesn't give or keep them. */
  #refusal: string | null = null;
  #cancelRefresh: Cancel = () => {};

  constructor(options: OverrideKeeperOptions) {
    this.#options = options;
    if (options.key !== null) options.router.onByHand = (about) => this.#changed(about);
  }

  start(): void {
    if (this.#options.key === null) return;
    this.#cancelRefresh = this.#options.client.clock.every(refreshMs, () => void this.#save());
  }

  /** The connection is closed for good. */
  stop(): void {
    this.#cancelRefresh();
    if (this.#unsaved.size > 0 && this.#refusal === null) this.#refused('Redis is away');
  }

  /** Call it on new connections, before the runner takes jobs. Rejects with RedisError if the connection is lost. */
  async read(): Promise<void> {
    const { key, client, router } = this.#options;
    if (key === null || this.#isRead) return;
    try {
      const kept = await readOverrides(client.session, key);
      this.#isRead = true;
      if (this.#isReset) for (const about of kept.keys()) this.#unsaved.add(about);
      // What was changed here since is newer.
      router.restore(new Map([...kept].filter(([about]) => !this.#unsaved.has(about))));
    } catch (error) {
      if (!isRefusal(error)) throw error;
      this.#refused(error.message);
    }
  }

  /** Redis is usable, and the names of queues are known. */
  connected(): void {
    const { key, router, publish } = this.#options;
    if (key === null) return;
    const kept = this.#isTold ? [] : overridesAtWork(router);
    this.#isTold = true;
    if (kept.length > 0) publish({ type: 'overrides.kept', kept });
    void this.#save();
  }

  /** Redis came back without some of its data. */
  forgotten(): void {
    if (this.#options.key === null) return;
    for (const [about, { isKept = true }] of this.#options.router.byHand)
      if (isKept) this.#unsaved.add(about);
  }

  #changed(about: About | null): void {
    if (about === null) this.#isReset = true;
    else this.#unsaved.add(about);
    void this.#save();
  }

  /** Also without changes: Redis keeps the key for longer. */
  async #save(): Promise<void> {
    const { key, client, router } = this.#options;
    if (key === null || this.#isSaving || !this.#isRead || !client.session.isUp) return;
    if (this.#unsaved.size === 0 && router.byHand.size === 0) return;
    this.#isSaving = true;
    const changes = [...this.#unsaved];
    this.#unsaved.clear();
    try {
      const now = new Map(changes.map((about) => [about, router.byHand.get(about) ?? null]));
      await saveOverrides(client.session, { key, prefix: client.keys.prefix }, now);
      this.#refusal = null;
    } catch (error) {
      for (const about of changes) this.#unsaved.add(about);
      if (isRefusal(error)) this.#refused(error.message);
      else client.session.fail(error);
      return;
    } finally {
      this.#isSaving = false;
    }
    if (this.#unsaved.size > 0) void this.#save();
  }

  #refused(reason: string): void {
    if (reason !== this.#refusal) this.#options.publish({ type: 'overrides.refused', reason });
    this.#refusal = reason;
  }
}

/** Only this key may be forbidden, or of the wrong type: that must not keep the runner from working. */
function isRefusal(error: unknown): error is RedisError {
  return error instanceof RedisError && (error.kind === 'refused' || error.kind === 'denied');
}

/** Pauses and slots set by hand that affect this runner's queues and entries. Pauses come first. */
export function overridesAtWork(router: QueueRouter): OverrideView[] {
  const all = [...router.byHand].flatMap(([about, { by, sinceMs, slots, isKept = true }]): OverrideView[] => {
    const { level, name } = partsOf(about);
    const pool = level === 'queue' ? router.ownerOf(name) : router.pool(name);
    if (!isKept || (level !== 'all' && pool?.isRemoved !== false)) return [];
    if (slots === undefined) return [{ kind: 'pause', queue: level === 'all' ? null : name, by, sinceMs }];
    const configured = pool?.config.concurrency ?? slots;
    return [{ kind: 'slots', runner: name, slots, configured, by, sinceMs }];
  });
  return [...all.filter(({ kind }) => kind === 'pause'), ...all.filter(({ kind }) => kind === 'slots')];
}

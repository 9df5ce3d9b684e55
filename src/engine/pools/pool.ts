/**
 * A pool is an entry of the config at work: its slots, and the queues that fill them. Slots are the unit of every limit: a
 * job needs one to be reserved or to run.
 */
import { hostname } from 'node:os';
import { isDeepStrictEqual } from 'node:util';
import type { Config, PoolConfig } from '../../config/config.ts';
import type { PoolView, Throttled } from '../../protocol/events.ts';
import type { Plugin } from '../../resque/format/plugin-keys.ts';
import { type QueueList, queueList } from '../../resque/format/queue-patterns.ts';
import type { RunnerAbout } from '../../resque/workers/runner-entry.ts';
import type { ByHand } from './pauses.ts';

type SlotState = 'idle' | 'reserved' | 'running';

/** Holds at most one job. `idle` → `reserved` (Redis is asked for a job) → `running` → `idle`. */
export class Slot {
  /** Within its pool. */
  readonly index: number;
  /** Resque worker id. */
  readonly worker: string;
  /** Whether the worker may be on Redis' lists. The first slot's is from the start, others from their first job on. */
  isRegistered: boolean;
  /** Since when a child has been ready for its job, by the monotonic clock; `null` without one. */
  warmSinceMs: number | null = null;
  #state: SlotState = 'idle';
  readonly #onBusy: (change: 1 | -1) => void;

  /** @param onBusy it stops being idle, or is idle again */
  constructor(index: number, worker: string, onBusy: (change: 1 | -1) => void) {
    this.index = index;
    this.worker = worker;
    this.isRegistered = index === 0;
    this.#onBusy = onBusy;
  }

  get state(): SlotState {
    return this.#state;
  }

  set state(state: SlotState) {
    const wasIdle = this.#state === 'idle';
    this.#state = state;
    if (wasIdle !== (state === 'idle')) this.#onBusy(wasIdle ? 1 : -1);
  }
}

export class Pool {
  config: PoolConfig;
  list: QueueList;
  /** The slots that an operator gave it, instead of the config's. */
  byHand: ByHand | null = null;
  /** Concrete queues, in order of priority. */
  queues: readonly string[] = [];
  readonly slots: Slot[] = [];
  /** No longer in the config: it takes no jobs, and is dropped after its last job has ended. */
  isRemoved = false;
  /** Set while warm children keep ending by themselves, or the machine can't start more children. */
  throttled: Throttled | null = null;
  #busy = 0;
  #ceiling: number | null = null;
  #isKnownEmpty = false;
  readonly #onChange: () => void;
  readonly #workerId: (index: number, key: string) => string;

  /** @param onChange whether to wait for its queues may have changed */
  constructor(
    config: PoolConfig,
    workerId: (index: number, key: string) => string,
    onChange: () => void = () => {},
  ) {
    this.#onChange = onChange;
    this.config = config;
    this.list = queueList(config.key);
    this.#workerId = workerId;
    // The first worker exists from the start, so that tools that list workers show the runner.
    this.slots.push(this.#newSlot(0));
  }

  /** Applies its entry of a config that was read again. */
  configure(config: PoolConfig): void {
    const { limit, rate } = this.config;
    // Jobs that wait for the old limits may start with the new ones.
    if (!isDeepStrictEqual([limit, rate], [config.limit, config.rate])) this.isKnownEmpty = false;
    this.isRemoved = false;
    this.config = config;
  }

  /** Slots that may be in use; differs from the config's after `set-concurrency`. */
  get concurrency(): number {
    return this.byHand?.slots ?? this.config.concurrency;
  }

  /** Redis has just said that none of its queues holds a job, so BLPOP waits for one. If false, a step asks for jobs. */
  get isKnownEmpty(): boolean {
    return this.#isKnownEmpty;
  }

  /** Whether jobs of its queues are limited over all runners. */
  get isLimited(): boolean {
    return this.config.limit !== null || this.config.rate !== null;
  }

  set isKnownEmpty(isKnownEmpty: boolean) {
    if (this.#isKnownEmpty === isKnownEmpty) return;
    this.#isKnownEmpty = isKnownEmpty;
    this.#onChange();
  }

  /** The most children it may have while the machine can't start more; `null` for no limit. */
  get ceiling(): number | null {
    return this.#ceiling;
  }

  set ceiling(ceiling: number | null) {
    if (this.#ceiling === ceiling) return;
    this.#ceiling = ceiling;
    this.#onChange();
  }

  /** Slots that may be in use now. */
  get limit(): number {
    return Math.min(this.concurrency, this.#ceiling ?? Number.POSITIVE_INFINITY);
  }

  get key(): string {
    return this.config.key;
  }

  /** Whether it is an entry of several queues, or of a pattern. */
  get hasMembers(): boolean {
    return this.list.isDynamic || this.list.names.length > 1;
  }

  /** Whether its children are started before their jobs. */
  get hasWarmChildren(): boolean {
    return this.config.mode === 'persistent' || this.config.isPrestarted;
  }

  /** Slots that hold a job or have one reserved. Counted as they change, because every step asks every pool. */
  get busy(): number {
    return this.#busy;
  }

  /** It has more busy slots than it may have, because an operator has reduced them. */
  get isOverfull(): boolean {
    return this.busy > this.concurrency;
  }

  /** Slots that may take a job now; 0 while there are more busy ones than allowed. */
  get free(): number {
    return this.isRemoved ? 0 : Math.max(0, this.limit - this.busy);
  }

  /** Whether Redis is asked for jobs for any of its slots. */
  get hasReserved(): boolean {
    return this.slots.some(({ state }) => state === 'reserved');
  }

  /** Ids of the workers that may be on Redis' lists. */
  get workers(): string[] {
    return this.slots.filter((slot) => slot.isRegistered).map((slot) => slot.worker);
  }

  /** Reserves up to `count` free slots: first those whose child has waited longest, then by index. */
  reserveSlots(count: number): Slot[] {
    const wanted = Math.min(count, this.free);
    const taken = this.#readySlots().slice(0, wanted);
    for (let index = 0; taken.length < wanted; index += 1) {
      const slot = this.slot(index);
      if (slot.state === 'idle' && !taken.includes(slot)) taken.push(slot);
    }
    for (const slot of taken) slot.state = 'reserved';
    return taken;
  }

  #readySlots(): Slot[] {
    if (!this.hasWarmChildren) return [];
    const since = ({ warmSinceMs }: Slot) => warmSinceMs ?? Number.POSITIVE_INFINITY;
    return this.slots
      .filter(({ state, warmSinceMs }) => state === 'idle' && warmSinceMs !== null)
      .sort((a, b) => since(a) - since(b));
  }

  /** The slot at this index, created at its first use. */
  slot(index: number): Slot {
    for (let next = this.slots.length; next <= index; next += 1) this.slots.push(this.#newSlot(next));
    // Every index up to this one has a slot now.
    return this.slots[index] as Slot;
  }

  #newSlot(index: number): Slot {
    return new Slot(index, this.#workerId(index, this.key), (change) => {
      this.#busy += change;
      if (this.#isKnownEmpty) this.#onChange();
    });
  }
}

/** For screens. */
export function poolView(pool: Pool): PoolView {
  const { key, concurrency, config, byHand, throttled } = pool;
  return {
    ...{ key, concurrency, configuredConcurrency: config.concurrency, throttled },
    ...(pool.list.patterns.length === 0 ? {} : { patterns: pool.list.patterns }),
    ...(byHand === null ? {} : { override: { by: byHand.by, sinceMs: byHand.sinceMs } }),
    ...(pool.isLimited ? { limits: limitsOf(pool) } : {}),
  };
}

/** Whose keys the runner deletes. With retries of its own, the counts of resque-retry mean nothing. */
export function pluginsOf({ locks, retry }: Pick<PoolConfig, 'locks' | 'retry'>): readonly Plugin[] {
  return locks.length === 0 && retry === null ? locks : [...locks, 'resque-retry'];
}

/** For the runner's entry in Redis. */
export function aboutPools(
  pools: readonly Pool[],
): Pick<RunnerAbout, 'requeues' | 'slots' | 'plugins' | 'limits'> {
  const active = pools.filter(({ isRemoved }) => !isRemoved);
  const slots = active.map(({ key, concurrency, byHand, config }) => {
    const about = { runner: key, count: concurrency };
    if (byHand === null) return about;
    const { by, sinceMs } = byHand;
    return { ...about, byHand: { configured: config.concurrency, by, sinceMs } };
  });
  const limits = active
    .filter(({ isLimited }) => isLimited)
    .map((pool) => ({ runner: pool.key, ...limitsOf(pool) }));
  // A removed pool's jobs may still run.
  const plugins = pools
    .map(({ key, config }) => [key, pluginsOf(config)] as const)
    .filter(([, each]) => each.length > 0);
  return {
    requeues: pools.filter(({ config }) => config.interrupted === 'requeue').map(({ key }) => key),
    slots,
    ...(plugins.length === 0 ? {} : { plugins: Object.fromEntries(plugins) }),
    ...(limits.length === 0 ? {} : { limits }),
  };
}

function limitsOf({ config: { limit, rate } }: Pool): NonNullable<PoolView['limits']> {
  return { limit, rate: rate?.text ?? null };
}

/** The same for all runners of a machine, unless their configs say otherwise. */
export function baseHostOf({ workerHost }: Pick<Config, 'workerHost'>): string {
  return workerHost ?? `${hostname()}.runner`;
}

/**
 * Host part of the worker ids: with digits of the process' nonce, as in `web1-3fa2b1c0.runner`, because containers may share
 * their host name and pid. It is never a bare host name: a Ruby worker that starts prunes unknown workers of its own host.
 */
export function workerHostOf(config: Pick<Config, 'workerHost'>, nonce: string): string {
  const [, host = '', suffix = ''] = /^(.*?)(\.runner)?$/.exec(baseHostOf(config)) ?? [];
  return `${host}-${nonce.slice(0, 8)}${suffix}`;
}

/**
 * A worker's name in Redis, `HOST:PID-SLOT:QUEUE`. A worker is a slot of a pool.
 *
 * @param owner `HOST:PID`
 * @param slot number in the process. node-resque takes everything before the second colon for the worker's name, so no two
 *   slots of a process share a number
 * @param key of the pool
 */
export function workerId(owner: string, slot: number, key: string): string {
  return `${owner}-${slot}:${key}`;
}

/**
 * Numbers slots through the whole process, in the order of their first use. A slot keeps its number until the process exits,
 * even if its pool leaves the config and comes back.
 *
 * @returns the worker id for the slot's index within its pool
 */
export function numberingSlots(workerId: (slot: number, key: string) => string): typeof workerId {
  const numbers = new Map<string, number>();
  return (index, key) => {
    const name = `${index} ${key}`;
    const slot = numbers.get(name) ?? numbers.size;
    numbers.set(name, slot);
    return workerId(slot, key);
  };
}

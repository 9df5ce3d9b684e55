/**
 * One entry of the config at work: its slots, and the queues that fill them. Slots are the unit of every
 * limit: a job can't run, nor be reserved, without one.
 */
import type { PoolConfig } from '../../config/config.ts';
import type { Throttled } from '../../protocol/events.ts';
import { type QueueList, queueList } from '../../resque/format/queue-patterns.ts';

type SlotState = 'idle' | 'reserved' | 'running';

/** Holds at most one job. `idle` → `reserved` (Redis is asked for a job) → `running` → `idle`. */
export class Slot {
  /** Within its entry. */
  readonly index: number;
  /** Resque worker id, for as long as the process keeps its name. */
  worker: string;
  /** Whether the worker may be on Redis' lists: it is from its first job on, the first one from the start. */
  isRegistered: boolean;
  /** Since when a child stands by for it, by the monotonic clock; `null` where none does. */
  warmSinceMs: number | null = null;
  #state: SlotState = 'idle';
  readonly #onBusy: (change: 1 | -1) => void;

  /** @param onBusy it isn't idle any more, or is again */
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
  /** Slots that may be in use; differs from the config's after `set-concurrency`. */
  concurrency: number;
  /** Its concrete queues, in order of priority. */
  queues: readonly string[] = [];
  readonly slots: Slot[] = [];
  /** No longer in the config: takes nothing, and goes when its last job has ended. */
  isRemoved = false;
  /** Set while the children that stand by keep ending by themselves, or the machine refuses to start more. */
  throttled: Throttled | null = null;
  #busy = 0;
  #ceiling: number | null = null;
  #isKnownEmpty = false;
  readonly #onChange: () => void;
  readonly #workerId: (index: number, key: string) => string;

  /** @param onChange it may have become one to be waited for, or is one no longer */
  constructor(
    config: PoolConfig,
    workerId: (index: number, key: string) => string,
    onChange: () => void = () => {},
  ) {
    this.#onChange = onChange;
    this.config = config;
    this.list = queueList(config.key);
    this.concurrency = config.concurrency;
    this.#workerId = workerId;
    // The first worker is there from the start, so that the runner shows among the workers.
    this.slots.push(this.#newSlot(0));
  }

  /**
   * Redis has just said that none of its queues holds a job: waiting for it is BLPOP's business. False means
   * that it is worth asking.
   */
  get isKnownEmpty(): boolean {
    return this.#isKnownEmpty;
  }

  set isKnownEmpty(isKnownEmpty: boolean) {
    if (this.#isKnownEmpty === isKnownEmpty) return;
    this.#isKnownEmpty = isKnownEmpty;
    this.#onChange();
  }

  /** The most children it may have while the machine refuses more; `null` for no limit. */
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

  /** Whether children stand by for its jobs. */
  get hasWarmChildren(): boolean {
    return this.config.mode === 'persistent' || this.config.isPrestarted;
  }

  /** Slots that hold a job or are about to. Counted as they change: every step asks every runner. */
  get busy(): number {
    return this.#busy;
  }

  /** Slots that may take a job now; 0 while there are more busy ones than allowed. */
  get free(): number {
    return this.isRemoved ? 0 : Math.max(0, this.limit - this.busy);
  }

  /** Ids of the workers that may be on Redis' lists. */
  get workers(): string[] {
    return this.slots.filter((slot) => slot.isRegistered).map((slot) => slot.worker);
  }

  /** Takes up to `count` free slots, those first whose child has stood by for longest, then lowest index first. */
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

  /** The process has another name: all its workers have other ids. */
  rename(): void {
    for (const slot of this.slots) slot.worker = this.#workerId(slot.index, this.key);
  }

  /** The slot of this index, made when first asked for. */
  slot(index: number): Slot {
    for (let next = this.slots.length; next <= index; next += 1) this.slots.push(this.#newSlot(next));
    // There is one at every index below.
    return this.slots[index] as Slot;
  }

  #newSlot(index: number): Slot {
    return new Slot(index, this.#workerId(index, this.key), (change) => {
      this.#busy += change;
      if (this.#isKnownEmpty) this.#onChange();
    });
  }
}

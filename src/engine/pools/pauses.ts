/** Why queues take no jobs: reasons that pause everything, a pool or a queue, each at most once per kind. */
import type { PauseReason } from '../../protocol/events.ts';
import { type PoolPause, pauseKinds } from '../../resque/workers/runner-entry.ts';
import type { Pool } from './pool.ts';

export type PauseKind = PauseReason['kind'];

type Reasons = Map<PauseKind, PauseReason>;

/** Characters of a pause's reason in Redis. */
const longestDetail = 300;

export class Pauses {
  readonly #global: Reasons = new Map();
  readonly #pools = new Map<Pool, Reasons>();
  readonly #queues = new Map<string, Reasons>();

  get isGlobal(): boolean {
    return this.#global.size > 0;
  }

  global(kind: PauseKind): PauseReason | undefined {
    return this.#global.get(kind);
  }

  hasPool(pool: Pool): boolean {
    return this.#pools.size > 0 && this.#pools.has(pool);
  }

  get hasQueues(): boolean {
    return this.#queues.size > 0;
  }

  hasQueue(queue: string): boolean {
    return this.#queues.has(queue);
  }

  /** @returns whether that is news; so do all changes */
  addGlobal(kind: PauseKind, detail: string, sinceMs = Date.now()): boolean {
    return add(this.#global, kind, detail, sinceMs);
  }

  removeGlobal(kind: PauseKind): boolean {
    return this.#global.delete(kind);
  }

  addToPool(pool: Pool, kind: PauseKind, detail: string, sinceMs = Date.now()): boolean {
    const entry = kind === 'operator' ? { entry: pool.key } : {};
    return add(reasonsOf(this.#pools, pool), kind, detail, sinceMs, entry);
  }

  removeFromPool(pool: Pool, kind: PauseKind): boolean {
    return remove(this.#pools, pool, kind);
  }

  removePool(pool: Pool): void {
    this.#pools.delete(pool);
  }

  addToQueue(queue: string, kind: PauseKind, detail: string, sinceMs = Date.now()): boolean {
    return add(reasonsOf(this.#queues, queue), kind, detail, sinceMs);
  }

  removeFromQueue(queue: string, kind: PauseKind): boolean {
    return remove(this.#queues, queue, kind);
  }

  removeQueue(queue: string): void {
    this.#queues.delete(queue);
  }

  queuesPausedFor(kind: PauseKind): string[] {
    return [...this.#queues].filter(([, reasons]) => reasons.has(kind)).map(([queue]) => queue);
  }

  /** All reasons why a queue takes no jobs. */
  of(queue: string, pool: Pool | undefined): PauseReason[] {
    const ofPool = pool === undefined ? undefined : this.#pools.get(pool);
    return [this.#global, ofPool, this.#queues.get(queue)].flatMap((reasons) => [
      ...(reasons?.values() ?? []),
    ]);
  }

  /** The reasons that concern all queues of a pool; `null`: all queues. */
  ofAll(pool: Pool | null): PauseReason[] {
    return [...((pool === null ? this.#global : this.#pools.get(pool))?.values() ?? [])];
  }

  /** For the runner's entry in Redis: the pauses that Redis doesn't show by itself. */
  get forEntry(): PoolPause[] {
    return [
      ...entryPauses(this.#global, {}),
      ...[...this.#pools].flatMap(([{ key }, reasons]) => entryPauses(reasons, { runner: key })),
      ...[...this.#queues].flatMap(([queue, reasons]) => entryPauses(reasons, { queue })),
    ];
  }
}

function reasonsOf<K>(all: Map<K, Reasons>, key: K): Reasons {
  const reasons: Reasons = all.get(key) ?? new Map();
  all.set(key, reasons);
  return reasons;
}

function add(
  reasons: Reasons,
  kind: PauseKind,
  detail: string,
  sinceMs: number,
  entry: Pick<PauseReason, 'entry'> = {},
): boolean {
  const known = reasons.get(kind);
  if (known?.detail === detail) return false;
  reasons.set(kind, { kind, detail, sinceMs: known?.sinceMs ?? sinceMs, ...entry });
  return true;
}

function remove<K>(all: Map<K, Reasons>, key: K, kind: PauseKind): boolean {
  const reasons = all.get(key);
  const isGone = reasons?.delete(kind) ?? false;
  if (reasons?.size === 0) all.delete(key);
  return isGone;
}

function entryPauses(reasons: Reasons, scope: Pick<PoolPause, 'runner' | 'queue'>): PoolPause[] {
  return [...reasons.values()].flatMap(({ kind: any, sinceMs, detail: full }) => {
    const kind = pauseKinds.find((each) => each === any);
    const detail = full.slice(0, longestDetail).toWellFormed();
    return kind === undefined ? [] : [{ ...scope, kind, detail, sinceMs }];
  });
}

/**
 * All runners of the config, which queue belongs to which, and what may be taken at the moment. Publishes
 * every change of that.
 *
 * A queue that is named in the config belongs to the entry that names it; any other to the first entry, in
 * the order of the file, whose pattern it matches.
 */
import type { PoolConfig } from '../../config/config.ts';
import type { EngineFact, PauseReason, PoolView, QueueView } from '../../protocol/events.ts';
import type { PoolPause } from '../../resque/workers/runner-entry.ts';
import { differences } from './config-changes.ts';
import { addReason, entryPauses, type PauseKind } from './pause-reasons.ts';
import { Pool } from './pool.ts';
import { numberingSlots, workerId } from './worker-ids.ts';

export class QueueRouter {
  /** Called when a pool can take jobs again that its program or the machine kept it from taking. Set by the dispatcher. */
  onMore: () => void = () => {};
  #pools: Pool[] = [];
  /** Rises with whatever changes what there is to wait for. */
  #waitVersion = 0;
  #known: readonly string[] = [];
  readonly #owners = new Map<string, Pool>();
  /** Reasons that stop everything, a runner, a queue; each at most once per kind. */
  readonly #globalPauses = new Map<PauseKind, PauseReason>();
  readonly #poolPauses = new Map<Pool, Map<PauseKind, PauseReason>>();
  readonly #queuePauses = new Map<string, Map<PauseKind, PauseReason>>();
  readonly #publish: (fact: EngineFact) => void;
  /** Host part and pid of the worker ids, `HOST:PID`. */
  owner: string;
  readonly #workerId: (index: number, key: string) => string;

  constructor(publish: (fact: EngineFact) => void, owner: string) {
    this.#publish = publish;
    this.owner = owner;
    this.#workerId = numberingSlots((slot, key) => workerId(this.owner, slot, key));
  }

  /** The process has another name, and all its workers have other ids. */
  rename(owner: string): void {
    this.owner = owner;
    for (const pool of this.#pools) pool.rename();
  }

  /** In order of priority; retired ones last. */
  get pools(): readonly Pool[] {
    return this.#pools;
  }

  /** As long as it is the same, the same queues are to be waited for. */
  get waitVersion(): number {
    return this.#waitVersion;
  }

  get queues(): readonly string[] {
    return [...this.#owners.keys()];
  }

  get isDynamic(): boolean {
    return this.#pools.some((pool) => pool.list.isDynamic && !pool.isRemoved);
  }

  /** Whether any runner is at-least-once. */
  get holdsJobs(): boolean {
    return this.#pools.some(({ config }) => config.delivery === 'at-least-once');
  }

  /** Ids of the workers that may be on Redis' lists. */
  get workers(): string[] {
    return this.#pools.flatMap((pool) => pool.workers);
  }

  /** Keys of the runners whose interrupted jobs go back. */
  get requeues(): string[] {
    return this.#pools.filter(({ config }) => config.interrupted === 'requeue').map(({ key }) => key);
  }

  pool(key: string): Pool | undefined {
    return this.#pools.find((pool) => pool.key === key);
  }

  ownerOf(queue: string): Pool | undefined {
    return this.#owners.get(queue);
  }

  /** Takes over the config's entries: what is new is added, what is gone retires. @returns what changed */
  configure(configs: readonly PoolConfig[]): string[] {
    const changes: string[] = [];
    const next: Pool[] = [];
    for (const config of configs) {
      const pool = this.pool(config.key) ?? new Pool(config, this.#workerId, () => this.#touch());
      next.push(pool);
      if (!this.#pools.includes(pool)) {
        changes.push(
          `${config.key}: added, ${config.concurrency} ${config.concurrency === 1 ? 'slot' : 'slots'}`,
        );
        this.#publish({ type: 'runner.added', runner: poolView(pool) });
        continue;
      }
      changes.push(...differences(pool.config, config));
      const isChanged =
        pool.concurrency !== config.concurrency || pool.config.concurrency !== config.concurrency;
      pool.isRemoved = false;
      pool.config = config;
      pool.concurrency = config.concurrency;
      if (isChanged) this.#publish({ type: 'runner.changed', runner: poolView(pool) });
    }
    for (const pool of this.#pools) {
      if (next.includes(pool)) continue;
      if (!pool.isRemoved) changes.push(`${pool.key}: removed`);
      pool.isRemoved = true;
      next.push(pool);
    }
    this.#pools = next;
    this.expand(this.#known);
    return changes;
  }

  /** Forgets a retired runner whose last job has ended. */
  remove(pool: Pool): void {
    this.#touch();
    this.#pools = this.#pools.filter((other) => other !== pool);
    this.#poolPauses.delete(pool);
    this.#publish({ type: 'runner.removed', runner: pool.key });
  }

  /** Works out which queues there are, given the names that exist in Redis. @returns whether any changed */
  expand(known: readonly string[]): boolean {
    this.#touch();
    // No program can be given a name with a NUL in it.
    this.#known = known.filter((name) => !name.includes('\0'));
    const owners = new Map<string, Pool>();
    const active = this.#pools.filter((pool) => !pool.isRemoved);
    const named = new Map<string, Pool>();
    for (const pool of active) {
      for (const name of pool.list.names) if (!named.has(name)) named.set(name, pool);
    }
    for (const pool of active) {
      const queues = pool.list.expand(this.#known).filter((queue) => {
        const isFree = !owners.has(queue) && (named.get(queue) ?? pool) === pool;
        if (isFree) owners.set(queue, pool);
        return isFree;
      });
      if (queues.join('\0') === pool.queues.join('\0')) continue;
      pool.queues = queues;
      pool.isKnownEmpty = false;
    }
    return this.#adopt(owners);
  }

  #adopt(owners: Map<string, Pool>): boolean {
    let isChanged = false;
    for (const queue of this.#owners.keys()) {
      if (owners.has(queue)) continue;
      isChanged = true;
      this.#owners.delete(queue);
      this.#queuePauses.delete(queue);
      this.#publish({ type: 'queue.removed', queue });
    }
    for (const [queue, pool] of owners) {
      const before = this.#owners.get(queue);
      this.#owners.set(queue, pool);
      if (before === pool) continue;
      isChanged = true;
      if (before !== undefined) this.#publish({ type: 'queue.removed', queue });
      const view = this.queueView(queue);
      this.#publish({ type: 'queue.added', queue: view });
      // Paused before it had this queue: no other event says why its jobs wait.
      const isTold = view.pauses.some(({ kind }) => kind === 'unstartable');
      if (isTold) this.#publish({ type: 'queue.paused', queue, pauses: view.pauses });
    }
    return isChanged;
  }

  /** Any queue may hold jobs now: all are worth asking. */
  expectJobs(): void {
    for (const pool of this.#pools) pool.isKnownEmpty = false;
  }

  setConcurrency(pool: Pool, concurrency: number): void {
    if (pool.concurrency === concurrency) return;
    this.#touch();
    pool.concurrency = concurrency;
    this.#publish({ type: 'runner.changed', runner: poolView(pool) });
  }

  /** The runner's queues that jobs may be taken from now, in order of priority. */
  takeable(pool: Pool): readonly string[] {
    if (pool.isRemoved || this.#globalPauses.size > 0) return [];
    if (this.#poolPauses.size > 0 && this.#poolPauses.has(pool)) return [];
    if (this.#queuePauses.size === 0) return pool.queues;
    return pool.queues.filter((queue) => !this.#queuePauses.has(queue));
  }

  isTakeable(queue: string): boolean {
    const pool = this.#owners.get(queue);
    return pool !== undefined && this.takeable(pool).includes(queue);
  }

  pauseAll(kind: 'all' | 'cluster', detail: string): void {
    this.#change([...this.#owners.keys()], () => addReason(this.#globalPauses, kind, detail));
  }

  /** What `pause-all-workers` says. @returns whether that may be news */
  pauseCluster(isPaused: boolean): boolean {
    if (!isPaused) return this.resumeAll('cluster');
    this.pauseAll('cluster', 'pause-all-workers is set');
    return true;
  }

  /** @returns whether there was anything to resume */
  resumeAll(kind: 'all' | 'cluster'): boolean {
    if (!this.#globalPauses.has(kind)) return false;
    this.expectJobs();
    this.#change([...this.#owners.keys()], () => this.#globalPauses.delete(kind));
    return true;
  }

  /** Stops a runner from this instant; `pausePool` follows with the reason, and tells. */
  holdPool(pool: Pool, kind: 'unstartable'): void {
    const reasons = this.#poolPauses.get(pool) ?? new Map<PauseKind, PauseReason>();
    this.#touch();
    this.#poolPauses.set(pool, reasons);
    addReason(reasons, kind, '');
  }

  /** Stops a runner whose program can't be started. */
  pausePool(pool: Pool, kind: 'unstartable', detail: string): void {
    const reasons = this.#poolPauses.get(pool) ?? new Map<PauseKind, PauseReason>();
    this.#change(pool.queues, () => {
      this.#poolPauses.set(pool, reasons);
      return addReason(reasons, kind, detail);
    });
  }

  /** @param isTold false if `pausePool` has not told of the pause */
  resumePool(pool: Pool, isTold = true): void {
    pool.isKnownEmpty = false;
    this.#change(isTold ? pool.queues : [], () => this.#poolPauses.delete(pool));
    this.onMore();
  }

  pauseQueue(queue: string, kind: 'operator' | 'unreadable', detail: string): void {
    const reasons = this.#queuePauses.get(queue) ?? new Map<PauseKind, PauseReason>();
    this.#change([queue], () => {
      this.#queuePauses.set(queue, reasons);
      return addReason(reasons, kind, detail);
    });
  }

  resumeQueue(queue: string, kind: 'operator' | 'unreadable'): void {
    const pool = this.#owners.get(queue);
    if (pool !== undefined) pool.isKnownEmpty = false;
    this.#change([queue], () => {
      const reasons = this.#queuePauses.get(queue);
      const isGone = reasons?.delete(kind) ?? false;
      if (reasons?.size === 0) this.#queuePauses.delete(queue);
      return isGone;
    });
  }

  queuesPausedFor(kind: 'unreadable'): string[] {
    return [...this.#queuePauses].filter(([, reasons]) => reasons.has(kind)).map(([queue]) => queue);
  }

  pausesOf(queue: string): readonly PauseReason[] {
    const pool = this.#owners.get(queue);
    const ofRunner = pool === undefined ? undefined : this.#poolPauses.get(pool);
    const ofQueue = this.#queuePauses.get(queue);
    return [this.#globalPauses, ofRunner, ofQueue].flatMap((reasons) => [...(reasons?.values() ?? [])]);
  }

  /** Pauses that Redis doesn't show by itself, for the runner's entry there. */
  get ownPauses(): PoolPause[] {
    return [
      ...entryPauses(this.#globalPauses, {}),
      ...[...this.#poolPauses].flatMap(([{ key }, reasons]) => entryPauses(reasons, { runner: key })),
      ...[...this.#queuePauses].flatMap(([queue, reasons]) => entryPauses(reasons, { queue })),
    ];
  }

  queueView(name: string): QueueView {
    return { name, runner: this.#owners.get(name)?.key ?? name, pauses: this.pausesOf(name) };
  }

  #touch(): void {
    this.#waitVersion += 1;
  }

  /** Applies a change of reasons and tells of the queues that it paused, resumed or gave another reason. */
  #change(queues: readonly string[], apply: () => boolean): void {
    this.#touch();
    if (!apply()) return;
    for (const queue of queues) {
      if (!this.#owners.has(queue)) continue;
      const pauses = this.pausesOf(queue);
      this.#publish(
        pauses.length === 0 ? { type: 'queue.resumed', queue } : { type: 'queue.paused', queue, pauses },
      );
    }
  }
}

export function poolView(pool: Pool): PoolView {
  const { key, concurrency, config, throttled } = pool;
  return { key, concurrency, configuredConcurrency: config.concurrency, throttled };
}

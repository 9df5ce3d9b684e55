/**
 * Knows all pools, which queue belongs to which pool, and which queues jobs may be taken from now. Publishes every change.
 * `queue-owners.ts` decides which pool a queue belongs to.
 *
 * Long because each change of a pool, a queue or a pause also changes which queues to wait for, and is published.
 */
import type { PoolConfig } from '../../config/config.ts';
import type { EngineFact, LimitedBy, PauseReason, QueueView } from '../../protocol/events.ts';
import type { Plugin } from '../../resque/format/plugin-keys.ts';
import { overrideOf } from '../../resque/workers/overrides.ts';
import type { PoolPause } from '../../resque/workers/runner-entry.ts';
import { differences } from './config-changes.ts';
import { Overrides } from './overrides.ts';
import { Pauses } from './pauses.ts';
import { numberingSlots, Pool, poolView, workerId } from './pool.ts';
import { ownersAmong } from './queue-owners.ts';
import { pluginsOf } from './taken-job.ts';

export class QueueRouter {
  /** Called when a pool can take jobs again that its program or the machine kept it from taking. Set by the dispatcher. */
  onMore: () => void = () => {};
  readonly overrides = new Overrides();
  #pools: Pool[] = [];
  /** Rises with every change that affects which queues to wait for. */
  #waitVersion = 0;
  #known: readonly string[] = [];
  readonly #owners = new Map<string, Pool>();
  readonly #pauses = new Pauses();
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

  /** In order of priority; removed ones last. */
  get pools(): readonly Pool[] {
    return this.#pools;
  }

  /** While it stays the same, so do the queues to wait for. */
  get waitVersion(): number {
    return this.#waitVersion;
  }

  get queues(): readonly string[] {
    return [...this.#owners.keys()];
  }

  get isDynamic(): boolean {
    return this.#pools.some((pool) => pool.list.isDynamic && !pool.isRemoved);
  }

  /** Whether any pool is at-least-once. */
  get holdsJobs(): boolean {
    return this.#pools.some(({ config }) => config.delivery === 'at-least-once');
  }

  /** Whether any pool retries jobs. */
  get retriesJobs(): boolean {
    return this.#pools.some(({ config }) => config.retry !== null);
  }

  /** The locks that any pool releases. */
  get locks(): readonly Plugin[] {
    return [...new Set(this.#pools.flatMap(({ config }) => config.locks))];
  }

  /** Whose keys are deleted, by key of the pool; without pools that delete none. */
  get plugins(): Readonly<Record<string, readonly Plugin[]>> {
    const all = this.#pools.map(({ key, config }): [string, readonly Plugin[]] => [key, pluginsOf(config)]);
    return Object.fromEntries(all.filter(([, plugins]) => plugins.length > 0));
  }

  /** Whether any pool has a limit over all runners. */
  get limitsJobs(): boolean {
    return this.#pools.some(({ isLimited }) => isLimited);
  }

  /** Ids of the workers that may be on Redis' lists. */
  get workers(): string[] {
    return this.#pools.flatMap((pool) => pool.workers);
  }

  /** Keys of the pools whose interrupted jobs go back to their queues. */
  get requeues(): string[] {
    return this.#pools.filter(({ config }) => config.interrupted === 'requeue').map(({ key }) => key);
  }

  pool(key: string): Pool | undefined {
    return this.#pools.find((pool) => pool.key === key);
  }

  ownerOf(queue: string): Pool | undefined {
    return this.#owners.get(queue);
  }

  /** Applies the entries of a config: adds new pools and marks missing ones as removed. @returns what changed */
  configure(configs: readonly PoolConfig[]): string[] {
    const changes: string[] = [];
    const next: Pool[] = [];
    for (const config of configs) {
      const pool = this.pool(config.key) ?? new Pool(config, this.#workerId, () => this.#touch());
      next.push(pool);
      if (!this.#pools.includes(pool)) {
        this.useOverride(pool, null);
        const slots = config.concurrency === 1 ? 'slot' : 'slots';
        changes.push(`${config.key}: added, ${config.concurrency} ${slots}`);
        this.#publish({ type: 'runner.added', runner: poolView(pool) });
        this.useEntryPause(pool);
        continue;
      }
      changes.push(...differences(pool.config, config));
      const before = JSON.stringify(poolView(pool));
      pool.configure(config);
      this.useOverride(pool, before);
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

  /** Drops a removed pool after its last job has ended. */
  remove(pool: Pool): void {
    this.#touch();
    this.#pools = this.#pools.filter((other) => other !== pool);
    this.#pauses.removePool(pool);
    this.#publish({ type: 'runner.removed', runner: pool.key });
  }

  /** Finds the queues of all pools, given the names that exist in Redis. @returns whether any changed */
  expand(known: readonly string[]): boolean {
    this.#touch();
    // A program's arguments can't contain NUL.
    this.#known = known.filter((name) => !name.includes('\0'));
    return this.#adopt(ownersAmong(this.#pools, this.#known));
  }

  #adopt(owners: Map<string, Pool>): boolean {
    let isChanged = false;
    for (const queue of this.#owners.keys()) {
      if (owners.has(queue)) continue;
      isChanged = true;
      this.#owners.delete(queue);
      this.#pauses.removeQueue(queue);
      this.#publish({ type: 'queue.removed', queue });
    }
    for (const [queue, pool] of owners) {
      const before = this.#owners.get(queue);
      this.#owners.set(queue, pool);
      if (before === pool) continue;
      isChanged = true;
      const { by, sinceMs } = this.overrides.get(overrideOf.queue(queue)) ?? {};
      if (by !== undefined) this.#pauses.addToQueue(queue, 'operator', by, sinceMs);
      if (before !== undefined) this.#publish({ type: 'queue.removed', queue });
      const view = this.queueView(queue);
      this.#publish({ type: 'queue.added', queue: view });
      // The pool was paused before it had this queue: no other event says why its jobs wait.
      const isTold = view.pauses.some(({ kind }) => kind === 'unstartable');
      const part = pool.hasMembers ? { isPart: true as const } : {};
      if (isTold) this.#publish({ type: 'queue.paused', queue, pauses: view.pauses, ...part });
    }
    return isChanged;
  }

  /** Any queue may hold jobs now, so asks for all of them. */
  expectJobs(): void {
    for (const pool of this.#pools) pool.isKnownEmpty = false;
  }

  /** @param by who wants it; the config's own number is no override */
  setConcurrency(pool: Pool, concurrency: number, by = ''): void {
    if (pool.concurrency === concurrency) {
      // What Redis has kept may not be known yet.
      if (pool.config.concurrency === concurrency) this.overrides.set(overrideOf.slots(pool.key), null);
      return;
    }
    this.overrides.set(overrideOf.slots(pool.key), { by, sinceMs: Date.now(), slots: concurrency });
    this.useOverride(pool);
  }

  /** Gives a pool the slots that an operator set, if there are any. @param before its view as published; `null`: not yet */
  useOverride(pool: Pool, before: string | null = JSON.stringify(poolView(pool))): void {
    const about = overrideOf.slots(pool.key);
    // The config says the same by now: nothing is left to go back to.
    if (this.overrides.get(about)?.slots === pool.config.concurrency) this.overrides.set(about, null);
    const override = this.overrides.get(about);
    pool.override = override?.slots === undefined ? null : override;
    const runner = poolView(pool);
    if (before === null || JSON.stringify(runner) === before) return;
    this.#touch();
    this.#publish({ type: 'runner.changed', runner });
  }

  /** Pauses a pool of several queues if an operator has. */
  useEntryPause(pool: Pool): void {
    const paused = pool.hasMembers ? this.overrides.get(overrideOf.entry(pool.key)) : null;
    if (paused !== null) this.pausePool(pool, 'operator', paused.by, paused.sinceMs);
  }

  /** The pool's queues that jobs may be taken from now, in order of priority. */
  takeable(pool: Pool): readonly string[] {
    const pauses = this.#pauses;
    if (pool.isRemoved || pauses.isGlobal || pauses.hasPool(pool)) return [];
    return pauses.hasQueues ? pool.queues.filter((queue) => !pauses.hasQueue(queue)) : pool.queues;
  }

  isTakeable(queue: string): boolean {
    const pool = this.#owners.get(queue);
    const pauses = this.#pauses;
    if (pool === undefined || pool.isRemoved || pauses.isGlobal) return false;
    return !pauses.hasPool(pool) && !pauses.hasQueue(queue);
  }

  pauseAll(kind: 'all' | 'cluster', detail: string, sinceMs?: number): void {
    this.#changeAll(null, () => this.#pauses.addGlobal(kind, detail, sinceMs));
  }

  /** Why every queue is paused, if it is for this reason. */
  globalPause(kind: 'all'): PauseReason | undefined {
    return this.#pauses.global(kind);
  }

  /** Applies the state of `pause-all-workers`. @returns whether that may be news */
  pauseCluster(isPaused: boolean): boolean {
    if (!isPaused) return this.resumeAll('cluster');
    this.pauseAll('cluster', 'pause-all-workers is set');
    return true;
  }

  /** @returns whether there was anything to resume */
  resumeAll(kind: 'all' | 'cluster'): boolean {
    if (this.#pauses.global(kind) === undefined) return false;
    this.expectJobs();
    this.#changeAll(null, () => this.#pauses.removeGlobal(kind));
    return true;
  }

  /** Pauses a pool at once and silently; `pausePool` follows with the reason and publishes the pause. */
  holdPool(pool: Pool, kind: 'unstartable'): void {
    this.#touch();
    this.#pauses.addToPool(pool, kind, '');
  }

  /**
   * Pauses all queues of a pool, also those that it gets later: because its program can't be started, or because an operator
   * says so.
   */
  pausePool(pool: Pool, kind: 'unstartable' | 'operator', detail: string, sinceMs?: number): void {
    this.#changeAll(pool, () => this.#pauses.addToPool(pool, kind, detail, sinceMs));
  }

  /** Pauses of a whole pool. */
  pausesOfPool(pool: Pool): readonly PauseReason[] {
    return this.#pauses.ofAll(pool);
  }

  /** Queues that have pauses of their own keep them. */
  resumePool(pool: Pool, kind: 'unstartable' | 'operator'): void {
    pool.isKnownEmpty = false;
    this.#changeAll(pool, () => this.#pauses.removeFromPool(pool, kind));
    this.onMore();
  }

  /** Undoes `holdPool`, which no event has announced. */
  releasePool(pool: Pool, kind: 'unstartable'): void {
    pool.isKnownEmpty = false;
    this.#touch();
    this.#pauses.removeFromPool(pool, kind);
    this.onMore();
  }

  pauseQueue(queue: string, kind: 'operator' | 'unreadable', detail: string, sinceMs?: number): void {
    this.#change([queue], () => this.#pauses.addToQueue(queue, kind, detail, sinceMs));
  }

  resumeQueue(queue: string, kind: 'operator' | 'unreadable'): void {
    const pool = this.#owners.get(queue);
    if (pool !== undefined) pool.isKnownEmpty = false;
    this.#change([queue], () => this.#pauses.removeFromQueue(queue, kind));
  }

  queuesPausedFor(kind: 'unreadable'): string[] {
    return this.#pauses.queuesPausedFor(kind);
  }

  pausesOf(queue: string): readonly PauseReason[] {
    return this.#pauses.of(queue, this.#owners.get(queue));
  }

  /** For the runner's entry in Redis: the pauses that Redis doesn't show by itself. */
  get ownPauses(): PoolPause[] {
    return this.#pauses.forEntry;
  }

  /** @param by `null`: no longer */
  tellLimited(queue: string, by: LimitedBy | null): void {
    if (this.#owners.has(queue)) this.#publish({ type: 'queue.limited', queue, by });
  }

  queueView(name: string): QueueView {
    return { name, runner: this.#owners.get(name)?.key ?? name, pauses: this.pausesOf(name) };
  }

  #touch(): void {
    this.#waitVersion += 1;
  }

  /** Applies a change of reasons and publishes the new state of these queues. */
  #change(queues: readonly string[], apply: () => boolean, part: { readonly isPart?: true } = {}): void {
    this.#touch();
    if (!apply()) return;
    for (const queue of queues) {
      if (!this.#owners.has(queue)) continue;
      const pauses = this.pausesOf(queue);
      this.#publish(
        pauses.length === 0
          ? { type: 'queue.resumed', queue, ...part }
          : { type: 'queue.paused', queue, pauses, ...part },
      );
    }
  }

  /** The same for all queues of a pool, or for all queues. One event says so for all, because there may be a thousand. */
  #changeAll(pool: Pool | null, apply: () => boolean): void {
    const queues = pool === null ? this.queues : pool.queues;
    const isMany = pool === null ? queues.length > 1 : pool.hasMembers;
    if (!isMany) {
      this.#change(queues, apply);
      return;
    }
    const runner = pool?.key ?? null;
    const applied = () => {
      if (!apply()) return false;
      const pauses = this.#pauses.ofAll(pool);
      this.#publish(
        pauses.length === 0 ? { type: 'queues.resumed', runner } : { type: 'queues.paused', runner, pauses },
      );
      return true;
    };
    this.#change(queues, applied, { isPart: true });
  }
}

/**
 * Knows all pools, which queue belongs to which pool, and which queues jobs may be taken from now. Publishes every change.
 *
 * Long because each change of a pool, a queue or a pause also changes which queues to wait for, and is published.
 */
import { isDeepStrictEqual } from 'node:util';
import type { PoolConfig } from '../../config/config.ts';
import type { EngineFact, LimitedBy, PauseReason, QueueView } from '../../protocol/events.ts';
import type { Plugin } from '../../resque/format/plugin-keys.ts';
import type { About } from '../../resque/workers/overrides.ts';
import type { PoolPause } from '../../resque/workers/runner-entry.ts';
import { differences } from './config-changes.ts';
import { type ByHand, Pauses, type Place, partsOf } from './pauses.ts';
import { numberingSlots, Pool, poolView, workerId } from './pool.ts';

export class QueueRouter {
  /** Called when pools may take more or fewer jobs than before. Set by the dispatcher. */
  onMore: () => void = () => {};
  /** Called for each change by an operator that must survive a restart; with `null` after a reset to the config. */
  onByHand: (about: About | null) => void = () => {};
  #pools: Pool[] = [];
  /** Rises with every change that affects which queues to wait for. */
  #waitVersion = 0;
  #known: readonly string[] = [];
  readonly #owners = new Map<string, Pool>();
  readonly #pauses = new Pauses();
  /** What `takeable` has found, until it changes. A pool may have a thousand queues, and every step asks. */
  readonly #takeable = new Map<Pool, readonly string[]>();
  readonly #publish: (fact: EngineFact) => void;
  /** Host part and pid of the worker ids, `HOST:PID`. */
  readonly owner: string;
  readonly #workerId: (index: number, key: string) => string;

  constructor(publish: (fact: EngineFact) => void, owner: string) {
    this.#publish = publish;
    this.owner = owner;
    this.#workerId = numberingSlots((slot, key) => workerId(this.owner, slot, key));
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

  /** Whether any pool has a limit over all runners. */
  get limitsJobs(): boolean {
    return this.#pools.some(({ isLimited }) => isLimited);
  }

  /** Ids of the workers that may be on Redis' lists. */
  get workers(): string[] {
    return this.#pools.flatMap((pool) => pool.workers);
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
        this.#useSlots(pool, null);
        const slots = config.concurrency === 1 ? 'slot' : 'slots';
        changes.push(`${config.key}: added, ${config.concurrency} ${slots}`);
        this.#publish({ type: 'runner.added', runner: poolView(pool) });
        continue;
      }
      changes.push(...differences(pool.config, config));
      const before = JSON.stringify(poolView(pool));
      pool.configure(config);
      this.#useSlots(pool, before);
    }
    for (const pool of this.#pools) {
      if (next.includes(pool)) continue;
      if (!pool.isRemoved) changes.push(`${pool.key}: removed`);
      pool.isRemoved = true;
      next.push(pool);
    }
    const added = next
      .filter((pool) => !this.#pools.includes(pool))
      .map(({ key }) => `entry:${key}` as const);
    this.#pools = next;
    for (const place of added) if (this.#pauses.has(place)) this.#publishPauses(place, []);
    this.expand(this.#known);
    return changes;
  }

  /** Drops a removed pool after its last job has ended. */
  remove(pool: Pool): void {
    this.#pools = this.#pools.filter((other) => other !== pool);
    this.#pauses.setCondition(`entry:${pool.key}`, null);
    this.#forgetTakeable();
    this.#publish({ type: 'runner.removed', runner: pool.key });
  }

  /** Finds the queues of all pools, given the names that exist in Redis. @returns whether any changed */
  expand(known: readonly string[]): boolean {
    // A program's arguments can't contain NUL.
    this.#known = known.filter((name) => !name.includes('\0'));
    const owners = ownersAmong(this.#pools, this.#known);
    this.#forgetTakeable();
    return this.#adopt(owners);
  }

  #adopt(owners: Map<string, Pool>): boolean {
    let isChanged = false;
    for (const queue of this.#owners.keys()) {
      if (owners.has(queue)) continue;
      isChanged = true;
      this.#owners.delete(queue);
      this.#pauses.setCondition(`queue:${queue}`, null);
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

  /** Operators' pauses and slots, by what they are about. That may be missing in the config. */
  get byHand(): ReadonlyMap<About, ByHand> {
    return this.#pauses.byHand;
  }

  /** @param set `null`: the config's word again */
  setByHand(about: About, set: ByHand | null): void {
    const { byHand } = this.#pauses;
    const isNews = !isDeepStrictEqual(byHand.get(about) ?? null, set);
    if (set === null) byHand.delete(about);
    else byHand.set(about, set);
    // Even if it is none: Redis may keep what isn't known here.
    if (set?.isKept !== false) this.onByHand(about);
    if (isNews) this.#use(about);
  }

  /** Takes over what Redis has kept. */
  restore(kept: ReadonlyMap<About, ByHand>): void {
    for (const [about, set] of kept) {
      this.#pauses.byHand.set(about, set);
      this.#use(about);
    }
  }

  /** Everything is as in the config again, also what Redis keeps for entries that the config no longer has. */
  resetAll(): void {
    this.onByHand(null);
    for (const about of [...this.byHand.keys()]) this.setByHand(about, null);
  }

  /** @param isKept false if the pause must not outlive this runner: then it leaves alone one that does */
  pause(place: Place, by: string, isKept = true): void {
    const before = this.byHand.get(place);
    if (before !== undefined && !isKept) return;
    const sinceMs = before?.sinceMs ?? Date.now();
    this.setByHand(place, isKept ? { by, sinceMs } : { by, sinceMs, isKept });
  }

  /** @param by who wants it; the config's own number is as in the config */
  setConcurrency({ key, concurrency: before, config }: Pool, concurrency: number, by = ''): void {
    if (concurrency === config.concurrency) this.setByHand(`slots:${key}`, null);
    else if (concurrency !== before)
      this.setByHand(`slots:${key}`, { by, sinceMs: Date.now(), slots: concurrency });
  }

  #use(about: About): void {
    const { level, name } = partsOf(about);
    const pool = this.pool(name);
    if (level !== 'slots') this.#pausesChanged(about as Place);
    else if (pool !== undefined) this.#useSlots(pool);
  }

  /** Gives a pool the slots that an operator set, if there are any. @param before its view as published; `null`: not yet */
  #useSlots(pool: Pool, before: string | null = JSON.stringify(poolView(pool))): void {
    const about = `slots:${pool.key}` as const;
    // The config says the same by now: nothing is left to go back to.
    if (this.byHand.get(about)?.slots === pool.config.concurrency) {
      this.#pauses.byHand.delete(about);
      this.onByHand(about);
    }
    pool.byHand = this.byHand.get(about) ?? null;
    const runner = poolView(pool);
    if (before === null || JSON.stringify(runner) === before) return;
    this.#touch();
    this.#publish({ type: 'runner.changed', runner });
    this.onMore();
  }

  /** The pool's queues that jobs may be taken from now, in order of priority. */
  takeable(pool: Pool): readonly string[] {
    const known = this.#takeable.get(pool);
    if (known !== undefined) return known;
    const pauses = this.#pauses;
    const isClosed = pool.isRemoved || pauses.has('all') || pauses.has(`entry:${pool.key}`);
    const open = isClosed ? [] : pool.queues.filter((queue) => !pauses.has(`queue:${queue}`));
    this.#takeable.set(pool, open);
    return open;
  }

  isTakeable(queue: string): boolean {
    const pool = this.#owners.get(queue);
    return pool !== undefined && !pool.isRemoved && !this.#placesOf(queue).some((at) => this.#pauses.has(at));
  }

  /**
   * What the runner has found keeps the queues of a place from taking jobs.
   *
   * @param detail why, for people. '': not known yet, so the queues pause silently until it is. `null`: no longer
   */
  setCondition(place: Place, detail: string | null): void {
    const before = this.#pauses.condition(place);
    if (detail === before) return;
    this.#pauses.setCondition(place, detail);
    this.#pausesChanged(place, (detail ?? before) !== '');
  }

  /** Why the queues of a place take no jobs: the reasons of just this place. */
  pausesAt(place: Place): readonly PauseReason[] {
    return this.#pauses.at(place);
  }

  /** All reasons why a queue takes no jobs. */
  pausesOf(queue: string): readonly PauseReason[] {
    return this.#pauses.at(...this.#placesOf(queue));
  }

  #placesOf(queue: string): readonly Place[] {
    return ['all', `entry:${this.#owners.get(queue)?.key ?? queue}`, `queue:${queue}`];
  }

  /** For the runner's entry in Redis: the pauses that Redis doesn't show by itself. */
  get ownPauses(): PoolPause[] {
    const entries = this.#pools.map(({ key }) => `entry:${key}` as const);
    const queues = this.queues.map((queue) => `queue:${queue}` as const);
    return this.#pauses.forEntry(['all', ...entries, ...queues]);
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

  #forgetTakeable(): void {
    this.#takeable.clear();
    this.#touch();
  }

  #pausesChanged(place: Place, isTold = true): void {
    this.#forgetTakeable();
    const queues = this.#queuesAt(place);
    if (!this.#pauses.has(place)) {
      for (const queue of queues) (this.#owners.get(queue) as Pool).isKnownEmpty = false;
    }
    if (isTold) this.#publishPauses(place, queues);
    this.onMore();
  }

  #queuesAt(place: Place): readonly string[] {
    const { level, name } = partsOf(place);
    if (level === 'all') return this.queues;
    if (level === 'queue') return this.#owners.has(name) ? [name] : [];
    const pool = this.pool(name);
    return pool?.isRemoved === false ? pool.queues : [];
  }

  /** Of several queues, one event says so for all, because there may be a thousand. */
  #publishPauses(place: Place, queues: readonly string[]): void {
    const { level, name } = partsOf(place);
    const isMany = level === 'all' ? queues.length > 1 : this.pool(name)?.hasMembers === true;
    if (isMany) {
      const runner = level === 'all' ? null : name;
      const pauses = this.pausesAt(place);
      this.#publish(
        pauses.length === 0 ? { type: 'queues.resumed', runner } : { type: 'queues.paused', runner, pauses },
      );
    }
    const part = isMany ? { isPart: true as const } : {};
    for (const queue of queues) {
      const pauses = this.pausesOf(queue);
      this.#publish(
        pauses.length === 0
          ? { type: 'queue.resumed', queue, ...part }
          : { type: 'queue.paused', queue, pauses, ...part },
      );
    }
  }
}

/**
 * Finds the queues of all pools, and gives each pool its own. A queue that the config names belongs to the entry that names it.
 * Any other queue belongs to the first entry, in the order of the file, with a pattern that matches it.
 *
 * @param known names of the queues that exist
 * @returns the pool of each queue
 */
function ownersAmong(pools: readonly Pool[], known: readonly string[]): Map<string, Pool> {
  const owners = new Map<string, Pool>();
  const active = pools.filter((pool) => !pool.isRemoved);
  const named = new Map<string, Pool>();
  for (const pool of active) {
    for (const name of pool.list.names) if (!named.has(name)) named.set(name, pool);
  }
  for (const pool of active) {
    const queues = pool.list.expand(known).filter((queue) => {
      const isFree = !owners.has(queue) && (named.get(queue) ?? pool) === pool;
      if (isFree) owners.set(queue, pool);
      return isFree;
    });
    if (queues.join('\0') === pool.queues.join('\0')) continue;
    pool.queues = queues;
    pool.isKnownEmpty = false;
  }
  return owners;
}

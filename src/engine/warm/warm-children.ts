/**
 * Keeps a child ready for each slot of the pools that want that: `prestart`, and `mode: "persistent"`. They are there as
 * long as jobs may be taken: a pause, a new config and a shutdown end them.
 *
 * A child that ends by itself without having run a job costs no job. It is replaced after a pause, which gets longer each
 * time; until then, jobs start as if there were no warm children.
 */
import type { EngineEventType } from '../../protocol/events.ts';
import { isNotStarted, type NotStarted } from '../launch/launched-process.ts';
import type { ExitStatus } from '../launch/libc.ts';
import type { Pool, Slot } from '../pools/pool.ts';
import type { QueueRouter } from '../pools/queue-router.ts';
import type { TakenJob } from '../pools/taken-job.ts';
import type { PoolHealth } from '../process/pool-health.ts';
import type { ProcessGroups } from '../process/process-groups.ts';
import { startWarmChild, type WarmChild } from './warm-child.ts';

export interface WarmChildrenOptions {
  readonly router: QueueRouter;
  readonly health: PoolHealth;
  readonly groups: ProcessGroups;
  /** Identifies this runner process, in the environment of its children. */
  readonly mark: string;
  /** The children of a pool that run a job or wait for one. */
  readonly childrenOf: (pool: Pool) => number;
}

/** After these there may be too many children or too few. */
const warmEvents: ReadonlySet<EngineEventType> = new Set<EngineEventType>([
  'redis.up',
  'runner.added',
  'runner.changed',
  'runner.removed',
  'queue.added',
  'queue.removed',
  'queue.paused',
  'queue.resumed',
  'config.reloaded',
]);

/** Starts in one turn of the loop, so that other work gets its turn. */
const startsPerTurn = 8;
const ageCheckMs = 1_000;

export class WarmChildren {
  readonly #options: WarmChildrenOptions;
  /** The child that waits for a job of a slot, or in persistent mode works in it. */
  readonly #children = new Map<Slot, WarmChild>();
  readonly #lastQueues = new WeakMap<Slot, string>();
  #isScheduled = false;
  #isStopped = false;
  #ageTimer: NodeJS.Timeout | null = null;

  constructor(options: WarmChildrenOptions) {
    this.#options = options;
  }

  /** Something changed. Acts once, in a later turn of the loop. */
  update(): void {
    if (this.#isScheduled || this.#isStopped) return;
    this.#isScheduled = true;
    setImmediate(() => {
      this.#isScheduled = false;
      if (!this.#isStopped) this.#settle();
    });
  }

  /** What changes which queues may be taken from also changes how many children are wanted. */
  heard(type: EngineEventType): void {
    if (warmEvents.has(type)) this.update();
  }

  /**
   * The child for this job. It belongs to the job from now on, if it gets the job in this turn of the loop.
   *
   * @returns `null` if the job needs a child of its own
   */
  childFor({ pool, slot, queue }: TakenJob): WarmChild | NotStarted | null {
    if (!pool.hasWarmChildren) return null;
    this.#lastQueues.set(slot, queue);
    const isPersistent = pool.config.mode === 'persistent';
    const child = this.#children.get(slot);
    const isFit = child !== undefined && child.queue === queue && child.config === pool.config;
    if (isFit && child.isWaiting && child.isAlive()) {
      if (!isPersistent) {
        this.#forget(child);
        this.update();
      }
      return child;
    }
    if (!isPersistent) return null;
    if (child !== undefined) this.#dismiss(child);
    return this.#start(pool, slot, queue);
  }

  /** The job in this child is over. */
  release(child: WarmChild): void {
    child.hasJob = false;
    if (!child.isAlive()) return;
    if (this.#isStopped) child.leave();
    if (this.#isWanted(child) && this.#room(child.pool) >= 0) return;
    this.#dismiss(child);
    this.update();
  }

  /** Lets all children leave, for good. */
  stop(): void {
    this.#isStopped = true;
    if (this.#ageTimer !== null) clearInterval(this.#ageTimer);
    for (const child of this.#children.values()) if (!child.isWorking) child.leave();
  }

  #settle(): void {
    const { health } = this.#options;
    health.reviewDeaths();
    for (const child of [...this.#children.values()]) {
      if (!this.#isWanted(child) || (child.isWaiting && this.#room(child.pool) < 0)) this.#dismiss(child);
    }
    let started = 0;
    let needsAgeCheck = false;
    for (const { pool, slot, queue } of this.#places()) {
      needsAgeCheck ||= pool.config.prestartMaxAgeSeconds !== null && pool.config.mode === 'process';
      if (this.#children.has(slot) || health.isDying(pool) || this.#room(pool) <= 0) continue;
      if (started === startsPerTurn) {
        this.update();
        break;
      }
      started += 1;
      const child = this.#start(pool, slot, queue);
      if (isNotStarted(child)) {
        void health.failed(pool, child);
        break;
      }
      health.started(pool);
    }
    this.#checkAges(needsAgeCheck);
  }

  /** How many more children a pool may have; negative if it has too many. */
  #room(pool: Pool): number {
    return pool.ceiling === null ? Number.POSITIVE_INFINITY : pool.ceiling - this.#options.childrenOf(pool);
  }

  /** Children of a pool that have no job. */
  waitingFor(pool: Pool): number {
    if (!pool.hasWarmChildren) return 0;
    let count = 0;
    for (const child of this.#children.values()) if (child.pool === pool && !child.hasJob) count += 1;
    return count;
  }

  /** Every slot that needs a child, and the child's queue. */
  *#places(): Iterable<{ pool: Pool; slot: Slot; queue: string }> {
    const { router } = this.#options;
    for (const pool of router.pools) {
      if (!pool.hasWarmChildren) continue;
      const queues = router.takeable(pool);
      // A pattern also matches a queue of its own name, but a child for that would hardly ever get a job.
      const first = queues.find((queue) => !pool.list.patterns.includes(queue));
      for (let index = 0; index < pool.limit; index += 1) {
        const slot = pool.slot(index);
        // A persistent child runs its slot's job; a child without `prestart` there has to end first. While the machine
        // refuses more, a prestarted child waits for that end, too.
        const hasOne = pool.config.mode === 'persistent' || pool.ceiling !== null;
        if (hasOne && slot.state === 'running') continue;
        const last = this.#lastQueues.get(slot);
        const queue = last !== undefined && queues.includes(last) ? last : first;
        if (queue !== undefined) yield { pool, slot, queue };
      }
    }
  }

  #isWanted(child: WarmChild): boolean {
    if (child.isWorking || child.isLost) return true;
    const { pool, slot, queue, config } = child;
    const isSame = pool.config === config && slot.index < pool.concurrency;
    return (
      isSame && child.isWaiting && !isTooOld(child) && this.#options.router.takeable(pool).includes(queue)
    );
  }

  #start(pool: Pool, slot: Slot, queue: string): WarmChild | NotStarted {
    const { mark, health, groups } = this.#options;
    const child = startWarmChild({ pool, slot, queue, mark, groups }, () => health.served(pool));
    if (isNotStarted(child)) return child;
    this.#children.set(slot, child);
    slot.warmSinceMs = child.startedAtMs;
    void child.ended.then((exit) => this.#ended(child, exit));
    return child;
  }

  #dismiss(child: WarmChild): void {
    this.#forget(child);
    child.leave();
  }

  #forget(child: WarmChild): void {
    if (this.#children.get(child.slot) !== child) return;
    this.#children.delete(child.slot);
    child.slot.warmSinceMs = null;
  }

  #ended(child: WarmChild, exit: ExitStatus): void {
    const { health } = this.#options;
    this.#forget(child);
    if (child.isFault(exit)) health.died(child.pool, { child, exit });
    else if (child.hasServed) health.served(child.pool);
    this.update();
  }

  /** Replaces children that have waited too long, while there may be any. */
  #checkAges(isNeeded: boolean): void {
    if (isNeeded) this.#ageTimer ??= setInterval(() => this.#replaceOld(), ageCheckMs).unref();
    else if (this.#ageTimer !== null) {
      clearInterval(this.#ageTimer);
      this.#ageTimer = null;
    }
  }

  #replaceOld(): void {
    for (const child of this.#children.values()) if (isTooOld(child)) this.update();
  }
}

function isTooOld({ config, startedAtMs }: WarmChild): boolean {
  const { mode, prestartMaxAgeSeconds } = config;
  if (mode === 'persistent' || prestartMaxAgeSeconds === null) return false;
  return performance.now() - startedAtMs > prestartMaxAgeSeconds * 1_000;
}

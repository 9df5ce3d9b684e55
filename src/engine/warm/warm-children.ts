/**
 * Keeps a child ready for each slot of the entries that want that: `prestart`, and `mode: "persistent"`. They are
 * there as long as jobs may be taken: a pause, a config that is read anew and a shutdown end them.
 *
 * One that ends by itself without having run a job costs no job; it is replaced after a pause, which gets longer as
 * that goes on, and meanwhile jobs start as without it.
 */
import type { EngineEventType, EngineFact } from '../../protocol/events.ts';
import type { Pool, Slot } from '../pools/pool.ts';
import type { QueueRouter } from '../pools/queue-router.ts';
import type { TakenJob } from '../pools/taken-job.ts';
import type { ExitStatus } from '../process/libc.ts';
import type { ProcessGroups } from '../process/process-groups.ts';
import type { StartBackoff } from '../process/start-backoff.ts';
import { RespawnBackoff } from './respawn-backoff.ts';
import { WarmChild } from './warm-child.ts';

export interface WarmChildrenOptions {
  readonly router: QueueRouter;
  readonly unstartable: StartBackoff;
  readonly processGroups: ProcessGroups;
  /** Tells this runner process from all others, in the environment of its children. */
  readonly mark: string;
  readonly publish: (fact: EngineFact) => void;
  /** The children of an entry that run a job or stand by for one. */
  readonly childrenOf: (pool: Pool) => number;
  /** @param reason as the system says it */
  readonly onStartFailed: (pool: Pool, reason: string) => void;
  /** A child has ended. */
  readonly onEnded: () => void;
}

/** What a job is to run in: a child that stands by, one of its own, or nothing, since none can be started. */
export type Standing = WarmChild | 'cold' | 'unstartable';

/** After these there may be children too many or too few. */
export const standbyEvents: ReadonlySet<EngineEventType> = new Set<EngineEventType>([
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

/** Starts in one turn of the loop: others have theirs in between. */
const startsPerTurn = 8;
const ageCheckMs = 1_000;

export class WarmChildren {
  readonly #options: WarmChildrenOptions;
  readonly #throttle: RespawnBackoff;
  /** The child that stands by for a slot, or in persistent mode works in it. */
  readonly #children = new Map<Slot, WarmChild>();
  /** All of them, those that have a last job or are to go as well. */
  readonly #all = new Set<WarmChild>();
  readonly #lastQueues = new WeakMap<Slot, string>();
  #isScheduled = false;
  #isStopped = false;
  #ageTimer: NodeJS.Timeout | null = null;
  #onceGone: (() => void)[] = [];

  constructor(options: WarmChildrenOptions) {
    this.#options = options;
    this.#throttle = new RespawnBackoff(options.publish, () => this.update());
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

  /** What this job is to run in; a child is the job's from now on, if it is given to it in this turn of the loop. */
  standingFor({ pool, slot, queue }: TakenJob): Standing {
    const { mode } = pool.config;
    if (!pool.hasWarmChildren) return 'cold';
    this.#lastQueues.set(slot, queue);
    const child = this.#children.get(slot);
    const isFit = child !== undefined && child.queue === queue && child.config === pool.config;
    if (isFit && child.isWaiting && child.isAlive()) {
      if (mode === 'process') {
        this.#forget(child);
        this.update();
      }
      return child;
    }
    if (mode === 'process') return 'cold';
    if (child !== undefined) this.#dismiss(child);
    return this.#start(pool, slot, queue) ?? 'unstartable';
  }

  /** Takes all of them back, for good. */
  stop(): void {
    this.#isStopped = true;
    this.#throttle.stop();
    if (this.#ageTimer !== null) clearInterval(this.#ageTimer);
    for (const child of this.#all) if (!child.isWorking) child.leave();
  }

  killNow(): void {
    for (const child of this.#all) child.signal('SIGKILL');
  }

  /** Resolves when none is left. */
  gone(): Promise<void> {
    if (this.#all.size === 0) return Promise.resolve();
    return new Promise((resolve) => this.#onceGone.push(resolve));
  }

  #settle(): void {
    this.#throttle.review();
    for (const child of [...this.#children.values()]) {
      if (!this.#isWanted(child) || (child.isWaiting && this.#room(child.pool) < 0)) this.#dismiss(child);
    }
    let started = 0;
    let needsAgeCheck = false;
    for (const { pool, slot, queue } of this.#places()) {
      needsAgeCheck ||= pool.config.prestartMaxAgeSeconds !== null && pool.config.mode === 'process';
      if (this.#children.has(slot) || this.#throttle.isOn(pool) || this.#room(pool) <= 0) continue;
      if (started === startsPerTurn) {
        this.update();
        break;
      }
      started += 1;
      if (this.#start(pool, slot, queue) === null) break;
    }
    this.#checkAges(needsAgeCheck);
  }

  /** How many more children an entry may have; negative if it has too many. */
  #room(pool: Pool): number {
    return pool.ceiling === null ? Number.POSITIVE_INFINITY : pool.ceiling - this.#options.childrenOf(pool);
  }

  /** Children of an entry that stand by and have no job. */
  waitingFor(pool: Pool): number {
    if (!pool.hasWarmChildren) return 0;
    let count = 0;
    for (const child of this.#children.values()) if (child.pool === pool && !child.isWorking) count += 1;
    return count;
  }

  /** Every slot that is to have a child, and the queue that it is to be for. */
  *#places(): Iterable<{ pool: Pool; slot: Slot; queue: string }> {
    const { router } = this.#options;
    for (const pool of router.pools) {
      if (!pool.hasWarmChildren) continue;
      const queues = router.takeable(pool);
      // A pattern also stands for the queue of its very name, but a child for that would hardly ever get a job.
      const first = queues.find((queue) => !pool.list.patterns.includes(queue));
      for (let index = 0; index < pool.limit; index += 1) {
        const slot = pool.slot(index);
        // A persistent child has its slot's job; one that runs cold there has to end first. While the machine refuses
        // more, a prestarted child waits for that end, too.
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

  #start(pool: Pool, slot: Slot, queue: string): WarmChild | null {
    const { unstartable, mark, onStartFailed } = this.#options;
    const child: WarmChild = new WarmChild(
      { pool, slot, queue, mark },
      {
        onFree: () => {
          if (child.hasServed) this.#throttle.served(pool);
          if (this.#isStopped) child.leave();
          if (this.#isWanted(child) && this.#room(pool) >= 0) return;
          this.#dismiss(child);
          this.update();
        },
        onEnd: (end) => this.#ended(child, end),
        onStartFailed: (reason) => onStartFailed(pool, reason),
      },
    );
    if (!child.start()) {
      unstartable.hold(pool);
      return null;
    }
    unstartable.started(pool);
    this.#all.add(child);
    this.#children.set(slot, child);
    slot.warmSinceMs = child.startedAtMs;
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

  #ended(child: WarmChild, end: ExitStatus): void {
    const { processGroups, onEnded } = this.#options;
    this.#all.delete(child);
    this.#forget(child);
    onEnded();
    processGroups.end(child.pid, child.config.killAfterSeconds);
    if (child.isFault(end)) this.#throttle.died(child.pool, { child, end });
    else if (child.hasServed) this.#throttle.served(child.pool);
    this.update();
    if (this.#all.size > 0) return;
    for (const resolve of this.#onceGone.splice(0)) resolve();
  }

  /** Looks for those that have waited too long, as long as there may be any. */
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

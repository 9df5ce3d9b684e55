/**
 * Pools whose program can't be started. Their jobs stay on their queues: a backlog must not turn into failures because a
 * file is missing for a minute. The program is checked every second, and the pool resumes as soon as the program looks
 * startable. If that was wrong, the next try comes later each time.
 *
 *     open ──a start fails──▶ on hold ──the program is why──▶ paused ──the program looks startable──▶ open
 *       ▲                        │
 *       └──the machine is why────┘  (see shortages.ts)
 */

import type { NotStarted } from '../launch/launched-process.ts';
import type { Pool } from '../pools/pool.ts';
import type { QueueRouter } from '../pools/queue-router.ts';
import { type Refusal, refusalIn } from '../pools/shortages.ts';
import { checkStartable } from './startable.ts';

const checkMs = 1_000;
const longestPauseMs = 30_000;

interface Trouble {
  /** Failed starts in a row. */
  attempts: number;
  nextTryAtMs: number;
}

export class StartBackoff {
  /** How often programs could not be started since the start, by the key of their pool. */
  readonly failedStarts = new Map<string, number>();
  readonly #router: QueueRouter;
  readonly #onRefused: (pool: Pool, refusal: Refusal) => void;
  /** Kept after a resume, until a job has started. */
  readonly #troubles = new Map<Pool, Trouble>();
  readonly #paused = new Set<Pool>();
  /** On hold while the reason is unknown. */
  readonly #held = new Set<Pool>();
  /** Those whose program is being checked and has not started in the meantime: a start says more than a check. */
  readonly #checking = new Set<Pool>();
  #timer: NodeJS.Timeout | null = null;
  #isStopped = false;

  /** @param onRefused the machine lacks something, and the pool is about to take jobs again */
  constructor(router: QueueRouter, onRefused: (pool: Pool, refusal: Refusal) => void) {
    this.#router = router;
    this.#onRefused = onRefused;
  }

  /** Checks every program before its first job, so that a problem is known early and delays no job. */
  async lookAhead(): Promise<void> {
    for (const pool of this.#router.pools) {
      const { config } = pool;
      const isJudged = () => pool.isRemoved || this.#paused.has(pool) || this.#held.has(pool);
      if (isJudged()) continue;
      this.#checking.add(pool);
      const verdict = await checkStartable(config);
      const hasStarted = !this.#checking.delete(pool);
      if (this.#isStopped) return;
      if (verdict.ok || !verdict.isCertain || hasStarted || isJudged() || pool.config !== config) continue;
      this.#hold(pool);
      await this.#pause(pool, verdict.reason);
    }
  }

  /** A start has just failed: the pool takes no more jobs from this instant. The reason follows when it is known. */
  async failed(pool: Pool, { whyNot }: NotStarted): Promise<void> {
    this.failedStarts.set(pool.key, (this.failedStarts.get(pool.key) ?? 0) + 1);
    this.#hold(pool);
    const reason = await whyNot;
    const refusal = refusalIn(reason);
    if (refusal === null) {
      await this.#pause(pool, reason);
      return;
    }
    this.#onRefused(pool, refusal);
    if (this.#held.delete(pool)) this.#router.releasePool(pool, 'unstartable');
  }

  #hold(pool: Pool): void {
    if (this.#paused.has(pool)) return;
    this.#held.add(pool);
    this.#router.holdPool(pool, 'unstartable');
  }

  /** Pauses it and says why: in the system's words, or in better words if the file shows the reason. */
  async #pause(pool: Pool, systemReason: string): Promise<void> {
    const attempts = (this.#troubles.get(pool)?.attempts ?? 0) + 1;
    const pauseMs = Math.min(longestPauseMs, checkMs * 2 ** (attempts - 1));
    this.#troubles.set(pool, { attempts, nextTryAtMs: performance.now() + pauseMs });
    this.#held.delete(pool);
    this.#paused.add(pool);
    if (!this.#isStopped) this.#timer ??= setInterval(() => void this.#check(), checkMs);
    const verdict = await checkStartable(pool.config);
    const detail = verdict.ok || !verdict.isCertain ? systemReason : verdict.reason;
    if (this.#paused.has(pool)) this.#router.pausePool(pool, 'unstartable', detail);
  }

  /** A program of this pool has started: earlier failures no longer count. */
  started(pool: Pool): void {
    if (this.#checking.size > 0) this.#checking.delete(pool);
    if (this.#troubles.size > 0) this.#troubles.delete(pool);
  }

  /** The config changed: the reason may be gone. */
  checkNow(): void {
    for (const trouble of this.#troubles.values()) trouble.nextTryAtMs = 0;
    void this.#check();
    void this.lookAhead();
  }

  stop(): void {
    this.#isStopped = true;
    this.#rest();
  }

  #rest(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = null;
  }

  #forget(pool: Pool): void {
    this.#paused.delete(pool);
    this.#troubles.delete(pool);
  }

  async #check(): Promise<void> {
    for (const pool of this.#paused) {
      if (pool.isRemoved) {
        if (!this.#router.pools.includes(pool)) this.#forget(pool);
        continue;
      }
      const trouble = this.#troubles.get(pool);
      if (trouble !== undefined && performance.now() < trouble.nextTryAtMs) continue;
      const verdict = await checkStartable(pool.config);
      if (!verdict.ok && !verdict.isCertain) continue;
      if (!verdict.ok) {
        this.#router.pausePool(pool, 'unstartable', verdict.reason);
        continue;
      }
      this.#paused.delete(pool);
      this.#router.resumePool(pool, 'unstartable');
    }
    if (this.#paused.size === 0) this.#rest();
  }
}

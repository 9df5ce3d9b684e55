/**
 * Runners whose program can't be started. Their jobs stay on their queues: a backlog must not turn into
 * failures because a file is missing for a minute. The program is looked at every second, and the runner
 * resumes as soon as it looks startable; where the look deceives, it is tried ever more rarely.
 */
import type { Pool } from '../pools/pool.ts';
import type { QueueRouter } from '../pools/queue-router.ts';
import { checkStartable } from './startable.ts';

const checkMs = 1_000;
const longestPauseMs = 30_000;

interface Trouble {
  /** Failed starts in a row. */
  attempts: number;
  nextTryAtMs: number;
}

export class StartBackoff {
  readonly #router: QueueRouter;
  readonly #onResumed: () => void;
  /** Kept beyond a resume, until a job has started. */
  readonly #troubles = new Map<Pool, Trouble>();
  readonly #paused = new Set<Pool>();
  /** On hold, as long as the reason isn't known. */
  readonly #held = new Set<Pool>();
  /** Those whose program is looked at, and hasn't started meanwhile: a start says more than a look. */
  readonly #looking = new Set<Pool>();
  #timer: NodeJS.Timeout | null = null;
  #isStopped = false;

  constructor(router: QueueRouter, onResumed: () => void) {
    this.#router = router;
    this.#onResumed = onResumed;
  }

  /** Looks at every program before its first job: what is wrong with it is known at once, and holds up no job. */
  async lookAhead(): Promise<void> {
    for (const pool of this.#router.pools) {
      const { config } = pool;
      const isJudged = () => pool.isRemoved || this.#paused.has(pool) || this.#held.has(pool);
      if (isJudged()) continue;
      this.#looking.add(pool);
      const verdict = await checkStartable(config);
      const hasStarted = !this.#looking.delete(pool);
      if (this.#isStopped) return;
      if (verdict.ok || !verdict.isCertain || hasStarted || isJudged() || pool.config !== config) continue;
      this.hold(pool);
      await this.explain(pool, verdict.reason);
    }
  }

  /** A start has just failed: takes no more jobs for this runner until `explain` or `dismiss` is called. */
  hold(pool: Pool): void {
    if (this.#paused.has(pool)) return;
    this.#held.add(pool);
    this.#router.holdPool(pool, 'unstartable');
  }

  /** The program was not why the start failed. */
  dismiss(pool: Pool): void {
    if (!this.#held.delete(pool)) return;
    this.#router.resumePool(pool, false);
    this.#onResumed();
  }

  /** Pauses it and says why: in the system's words, or in better ones if the file shows the reason. */
  async explain(pool: Pool, systemReason: string): Promise<void> {
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

  /** A job of this runner has started: what was, is forgotten. */
  started(pool: Pool): void {
    if (this.#looking.size > 0) this.#looking.delete(pool);
    if (this.#troubles.size > 0) this.#troubles.delete(pool);
  }

  /** The config changed: whatever stood in the way may be gone. */
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
      this.#router.resumePool(pool);
      this.#onResumed();
    }
    if (this.#paused.size === 0) this.#rest();
  }
}

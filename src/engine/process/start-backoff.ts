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
  readonly #fleet: QueueRouter;
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

  constructor(fleet: QueueRouter, onResumed: () => void) {
    this.#fleet = fleet;
    this.#onResumed = onResumed;
  }

  /** Looks at every program before its first job: what is wrong with it is known at once, and holds up no job. */
  async lookAhead(): Promise<void> {
    for (const runner of this.#fleet.runners) {
      const { config } = runner;
      const isJudged = () => runner.isRetired || this.#paused.has(runner) || this.#held.has(runner);
      if (isJudged()) continue;
      this.#looking.add(runner);
      const verdict = await checkStartable(config);
      const hasStarted = !this.#looking.delete(runner);
      if (this.#isStopped) return;
      if (verdict.ok || !verdict.isCertain || hasStarted || isJudged() || runner.config !== config) continue;
      this.hold(runner);
      await this.explain(runner, verdict.reason);
    }
  }

  /** A start has just failed: takes no more jobs for this runner until `explain` or `dismiss` is called. */
  hold(runner: Pool): void {
    if (this.#paused.has(runner)) return;
    this.#held.add(runner);
    this.#fleet.holdRunner(runner, 'unstartable');
  }

  /** The program was not why the start failed. */
  dismiss(runner: Pool): void {
    if (!this.#held.delete(runner)) return;
    this.#fleet.resumeRunner(runner, false);
    this.#onResumed();
  }

  /** Pauses it and says why: in the system's words, or in better ones if the file shows the reason. */
  async explain(runner: Pool, systemReason: string): Promise<void> {
    const attempts = (this.#troubles.get(runner)?.attempts ?? 0) + 1;
    const pauseMs = Math.min(longestPauseMs, checkMs * 2 ** (attempts - 1));
    this.#troubles.set(runner, { attempts, nextTryAtMs: performance.now() + pauseMs });
    this.#held.delete(runner);
    this.#paused.add(runner);
    if (!this.#isStopped) this.#timer ??= setInterval(() => void this.#check(), checkMs);
    const verdict = await checkStartable(runner.config);
    const detail = verdict.ok || !verdict.isCertain ? systemReason : verdict.reason;
    if (this.#paused.has(runner)) this.#fleet.pauseRunner(runner, 'unstartable', detail);
  }

  /** A job of this runner has started: what was, is forgotten. */
  started(runner: Pool): void {
    if (this.#looking.size > 0) this.#looking.delete(runner);
    if (this.#troubles.size > 0) this.#troubles.delete(runner);
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

  #forget(runner: Pool): void {
    this.#paused.delete(runner);
    this.#troubles.delete(runner);
  }

  async #check(): Promise<void> {
    for (const runner of this.#paused) {
      if (runner.isRetired) {
        if (!this.#fleet.runners.includes(runner)) this.#forget(runner);
        continue;
      }
      const trouble = this.#troubles.get(runner);
      if (trouble !== undefined && performance.now() < trouble.nextTryAtMs) continue;
      const verdict = await checkStartable(runner.config);
      if (!verdict.ok && !verdict.isCertain) continue;
      if (!verdict.ok) {
        this.#fleet.pauseRunner(runner, 'unstartable', verdict.reason);
        continue;
      }
      this.#paused.delete(runner);
      this.#fleet.resumeRunner(runner);
      this.#onResumed();
    }
    if (this.#paused.size === 0) this.#rest();
  }
}

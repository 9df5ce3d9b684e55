/**
 * Pools with fewer children than slots, because the machine has run out of descriptors, processes or memory. Such a pool
 * continues with the children that it has. After a pause, it tries to have twice as many.
 *
 *     enough ──a start is refused──▶ short ──pause over──▶ twice as many ──…──▶ all slots, nothing refused for 10 s ──▶ enough
 *                                      ▲                        │
 *                                      └──refused: longer pause─┘
 *
 * A pool without children also tries when a child of another pool ends. Each shortage of a pool is published once.
 */
import type { EngineFact } from '../../protocol/events.ts';
import type { Pool } from './pool.ts';

/** Errors of a start that are the machine's fault, not the program's, with the fix. */
const refusals = {
  EMFILE: 'too many open files (EMFILE): raise the limit of open files (ulimit -n), or lower concurrency',
  ENFILE: 'too many open files on this machine (ENFILE): raise fs.file-max, or lower concurrency',
  EAGAIN:
    'too many processes (EAGAIN): raise the limit of processes (ulimit -u, pids.max), or lower concurrency',
  ENOMEM: 'not enough memory (ENOMEM): add memory, or lower concurrency',
} as const;

export type Refusal = keyof typeof refusals;

/**
 * @param reason the system's error of a start: `spawn ./job EMFILE`
 * @returns `null` if it is the program's fault
 */
export function refusalIn(reason: string): Refusal | null {
  const code = /^spawn\b.*\b(EMFILE|ENFILE|EAGAIN|ENOMEM)$/s.exec(reason)?.[1];
  return (code as Refusal | undefined) ?? null;
}

export interface ShortagesHooks {
  readonly publish: (fact: EngineFact) => void;
  readonly pools: () => readonly Pool[];
  /** The number of a pool's children, working or waiting. */
  readonly childrenOf: (pool: Pool) => number;
  /** Whether any child of the pool waits for a job. */
  readonly hasIdle: (pool: Pool) => boolean;
  /** More children may be started. */
  readonly onMore: () => void;
}

interface Trouble {
  /** The errors that have been published. */
  readonly told: Set<Refusal>;
  pauseMs: number;
  /** Until then, an error doesn't extend the pause. */
  pausedUntilMs: number;
  triedAtMs: number;
  timer: NodeJS.Timeout;
}

const firstPauseMs = 1_000;
const longestPauseMs = 30_000;
/** A shortage is over after this time without an error in any pool. */
const calmMs = 10_000;
/** A pool without children waits this long after another pool's child ends: at most four tries a second. */
const afterEndMs = 250;

export class Shortages {
  readonly #hooks: ShortagesHooks;
  readonly #troubles = new Map<Pool, Trouble>();
  #afterEnd: NodeJS.Timeout | null = null;
  #refusedAtMs = 0;

  constructor(hooks: ShortagesHooks) {
    this.#hooks = hooks;
  }

  /** The system has just failed to start a child. */
  refused(pool: Pool, refusal: Refusal): void {
    const now = performance.now();
    const before = this.#troubles.get(pool);
    pool.ceiling = this.#hooks.childrenOf(pool);
    this.#refusedAtMs = now;
    if (before !== undefined && now < before.pausedUntilMs) {
      this.#tell(pool, before, refusal);
      return;
    }
    const pauseMs = Math.min(longestPauseMs, 2 * (before?.pauseMs ?? firstPauseMs / 2));
    this.#tell(pool, this.#begin(pool, pauseMs), refusal);
    if (pool.ceiling === 0) this.#share(pool, refusal);
  }

  #begin(pool: Pool, pauseMs: number): Trouble {
    const now = performance.now();
    const before = this.#troubles.get(pool);
    clearTimeout(before?.timer);
    const trouble: Trouble = {
      told: before?.told ?? new Set(),
      pauseMs,
      pausedUntilMs: now + pauseMs,
      triedAtMs: now,
      timer: setTimeout(() => this.#tryMore(pool), pauseMs).unref(),
    };
    this.#troubles.set(pool, trouble);
    return trouble;
  }

  /**
   * Makes the pool with the most children give one up for a pool without any: at once if that child is waiting, otherwise
   * after its job.
   */
  #share(starving: Pool, refusal: Refusal): void {
    const { pools, childrenOf, hasIdle, onMore } = this.#hooks;
    const rich = pools().filter((pool) => pool !== starving && (childrenOf(pool) > 1 || hasIdle(pool)));
    const [donor] = rich.sort((a, b) => childrenOf(b) - childrenOf(a));
    if (donor === undefined) return;
    donor.ceiling = childrenOf(donor) - 1;
    if (!this.#troubles.has(donor)) this.#tell(donor, this.#begin(donor, firstPauseMs), refusal);
    onMore();
  }

  #tell(pool: Pool, trouble: Trouble, refusal: Refusal): void {
    if (trouble.told.has(refusal)) return;
    trouble.told.add(refusal);
    const sinceMs = pool.throttled?.sinceMs ?? Date.now();
    const { pauseMs } = trouble;
    const shortage = refusals[refusal];
    pool.throttled = { exitCode: null, signal: null, lastWords: '', shortage, pauseMs, sinceMs };
    this.#hooks.publish({ type: 'runner.throttled', runner: pool.key, throttled: pool.throttled });
  }

  #tryMore(pool: Pool): void {
    const trouble = this.#troubles.get(pool);
    if (trouble === undefined) return;
    // Pools without children come first.
    const isOthersTurn =
      pool.ceiling !== 0 && [...this.#troubles.keys()].some(({ ceiling }) => ceiling === 0);
    const wanted = Math.max(1, 2 * (pool.ceiling ?? pool.concurrency));
    if (!isOthersTurn) pool.ceiling = Math.min(wanted, pool.concurrency);
    trouble.triedAtMs = performance.now();
    if (this.#isCalm) this.#forget(pool, trouble);
    else trouble.timer = setTimeout(() => this.#tryMore(pool), trouble.pauseMs).unref();
    this.#hooks.onMore();
  }

  /** While any pool lacks children, starts of the others may fail, too. */
  get #isCalm(): boolean {
    const hasAll = ({ ceiling, concurrency }: Pool) => ceiling === null || ceiling >= concurrency;
    return performance.now() - this.#refusedAtMs >= calmMs && [...this.#troubles.keys()].every(hasAll);
  }

  /** A child has ended: a pool without children may get its descriptors. */
  ended(): void {
    if (this.#troubles.size === 0 || this.#afterEnd !== null) return;
    this.#afterEnd = setTimeout(() => {
      this.#afterEnd = null;
      // In turn: otherwise the first pool would always win.
      const starving = [...this.#troubles].filter(([{ ceiling }]) => ceiling === 0);
      const [next] = starving.sort(([, a], [, b]) => a.triedAtMs - b.triedAtMs);
      if (next === undefined) return;
      const [pool, trouble] = next;
      pool.ceiling = 1;
      trouble.triedAtMs = performance.now();
      this.#hooks.onMore();
    }, afterEndMs).unref();
  }

  /** The config has been read again and may need less now. */
  review(): void {
    if (this.#troubles.size === 0) return;
    for (const [pool, trouble] of this.#troubles) this.#forget(pool, trouble);
    this.#hooks.onMore();
  }

  #forget(pool: Pool, { timer }: Trouble): void {
    clearTimeout(timer);
    this.#troubles.delete(pool);
    pool.ceiling = null;
    pool.throttled = null;
    this.#hooks.publish({ type: 'runner.unthrottled', runner: pool.key });
  }

  stop(): void {
    for (const { timer } of this.#troubles.values()) clearTimeout(timer);
    if (this.#afterEnd !== null) clearTimeout(this.#afterEnd);
  }
}

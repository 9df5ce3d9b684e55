/**
 * Pools that have trouble with their children. Their jobs stay on their queues: a backlog must not turn into failures
 * because a file is missing for a minute. Each trouble has its own pauses, which get longer each time:
 *
 *     the program can't be started     the pool pauses until its program looks startable
 *     the machine refuses children     the pool continues with the children that it has, and tries twice as many later
 *     warm children end by themselves  they are replaced later; until then, jobs start as if there were none
 *
 *     open ──a start fails──▶ on hold ──the program is why──▶ paused ──the program looks startable──▶ open
 *       ▲                        │
 *       └──the machine is why────┘
 */
import type { PoolConfig } from '../../config/config.ts';
import type { EngineFact, Throttled } from '../../protocol/events.ts';
import { Backoff } from '../../resque/redis/backoff.ts';
import type { NotStarted } from '../launch/launched-process.ts';
import type { ExitStatus } from '../launch/libc.ts';
import type { Pool } from '../pools/pool.ts';
import type { QueueRouter } from '../pools/queue-router.ts';
import { checkStartable, whyNotStarted } from './startable.ts';

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

export interface PoolHealthOptions {
  readonly router: Pick<QueueRouter, 'pools' | 'setCondition'>;
  readonly publish: (fact: EngineFact) => void;
  /** The number of a pool's children, working or waiting. */
  readonly childrenOf: (pool: Pool) => number;
  /** Frees descriptors for children. @returns whether there were any to free */
  readonly giveBackFiles: () => boolean;
  /** More children may be started. */
  readonly onMore: () => void;
}

/** A warm child that ended by itself. */
export interface Death {
  readonly child: {
    readonly config: PoolConfig;
    readonly startedAtMs: number;
    readonly lastWords: string;
  };
  readonly exit: ExitStatus;
}

const firstPauseMs = 1_000;
const longestPauseMs = 30_000;
/** How often a paused program is checked. */
const checkMs = 1_000;
/** A shortage is over after this time without an error in any pool; a child that has lived for so long has booted. */
const calmMs = 10_000;

class Trouble {
  readonly backoff = new Backoff(firstPauseMs, longestPauseMs);
  #untilMs = 0;
  #timer: NodeJS.Timeout | null = null;

  get isPausing(): boolean {
    return performance.now() < this.#untilMs;
  }

  /** @returns how long that is */
  pause(act: () => void): number {
    const pauseMs = this.backoff.next();
    this.#untilMs = performance.now() + pauseMs;
    this.after(pauseMs, () => {
      this.#untilMs = 0;
      act();
    });
    return pauseMs;
  }

  after(ms: number, act: () => void): void {
    this.stop();
    this.#timer = setTimeout(act, ms).unref();
  }

  stop(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
  }
}

class Unstartable extends Trouble {
  /** On hold while the reason is unknown; open again until a program has started, which forgets the trouble. */
  state: 'held' | 'paused' | 'open' = 'open';
}

class Shortage extends Trouble {
  readonly told = new Set<Refusal>();
  pauseMs = firstPauseMs;
}

class Deaths extends Trouble {
  /** What the children were started with. */
  config: PoolConfig | null = null;
}

export class PoolHealth {
  /** How often programs could not be started since the start, by the key of their pool. */
  readonly failedStarts = new Map<string, number>();
  readonly #options: PoolHealthOptions;
  readonly #unstartable = new Map<Pool, Unstartable>();
  readonly #short = new Map<Pool, Shortage>();
  readonly #deaths = new Map<Pool, Deaths>();
  /** Those whose program is being checked and has not started in the meantime: a start says more than a check. */
  readonly #checking = new Set<Pool>();
  #refusedAtMs = 0;
  #isStopped = false;

  constructor(options: PoolHealthOptions) {
    this.#options = options;
  }

  /** Checks every program before its first job, so that a problem is known early and delays no job. */
  async lookAhead(): Promise<void> {
    for (const pool of this.#options.router.pools) {
      const { config } = pool;
      const isJudged = () => pool.isRemoved || (this.#unstartable.get(pool)?.state ?? 'open') !== 'open';
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
    const { router, giveBackFiles } = this.#options;
    // Jobs are worth more than the output that is kept for screens.
    const isHelped = (refusal === 'EMFILE' || refusal === 'ENFILE') && giveBackFiles();
    if (!isHelped) this.refused(pool, refusal);
    const trouble = this.#unstartable.get(pool);
    if (trouble?.state !== 'held') return;
    trouble.state = 'open';
    router.setCondition(`entry:${pool.key}`, null);
  }

  #hold(pool: Pool): void {
    const trouble = this.#unstartable.get(pool) ?? new Unstartable();
    this.#unstartable.set(pool, trouble);
    if (trouble.state === 'paused') return;
    trouble.state = 'held';
    this.#options.router.setCondition(`entry:${pool.key}`, '');
  }

  /** Pauses it and says why. */
  async #pause(pool: Pool, systemReason: string): Promise<void> {
    const trouble = this.#unstartable.get(pool);
    if (trouble === undefined) return;
    trouble.state = 'paused';
    if (!this.#isStopped) trouble.pause(() => void this.#check(pool, trouble));
    const detail = await whyNotStarted(systemReason, pool.config);
    if (trouble.state === 'paused') this.#options.router.setCondition(`entry:${pool.key}`, detail);
  }

  async #check(pool: Pool, trouble: Unstartable): Promise<void> {
    const { router } = this.#options;
    if (trouble.state !== 'paused') return;
    if (!router.pools.includes(pool)) {
      this.#unstartable.delete(pool);
      return;
    }
    const verdict = pool.isRemoved ? null : await checkStartable(pool.config);
    if (this.#isStopped || trouble.state !== 'paused') return;
    if (verdict?.ok) {
      trouble.state = 'open';
      router.setCondition(`entry:${pool.key}`, null);
      return;
    }
    if (verdict?.isCertain) router.setCondition(`entry:${pool.key}`, verdict.reason);
    trouble.after(checkMs, () => void this.#check(pool, trouble));
  }

  /** A program of this pool has started: earlier failures no longer count. */
  started(pool: Pool): void {
    if (this.#checking.size > 0) this.#checking.delete(pool);
    const trouble = this.#unstartable.get(pool);
    if (trouble?.state === 'open') this.#unstartable.delete(pool);
    else trouble?.backoff.reset();
  }

  /** The machine has just refused to start a child. */
  refused(pool: Pool, refusal: Refusal): void {
    const { router, childrenOf, onMore } = this.#options;
    this.#refusedAtMs = performance.now();
    const isOneOfMany = this.#short.get(pool)?.isPausing === true;
    this.#limit(pool, childrenOf(pool), refusal);
    if (isOneOfMany || pool.ceiling !== 0) return;
    // It needs what others have. Children that wait for a job end at once, others after their job.
    for (const other of router.pools) {
      const count = childrenOf(other);
      const fewer = Math.max(other.busy > 0 ? 1 : 0, count >> 1);
      if (fewer >= count) continue;
      if (this.#short.has(other)) other.ceiling = fewer;
      else this.#limit(other, fewer, refusal);
    }
    onMore();
  }

  /** An error during its pause doesn't extend that. */
  #limit(pool: Pool, ceiling: number, refusal: Refusal): void {
    const trouble = this.#short.get(pool) ?? new Shortage();
    this.#short.set(pool, trouble);
    pool.ceiling = ceiling;
    if (!trouble.isPausing) trouble.pauseMs = trouble.pause(() => this.#tryMore(pool, trouble));
    if (trouble.told.has(refusal)) return;
    trouble.told.add(refusal);
    const { pauseMs } = trouble;
    const shortage = refusals[refusal];
    this.#throttle(pool, { exitCode: null, signal: null, lastWords: '', shortage, pauseMs });
  }

  #tryMore(pool: Pool, trouble: Shortage): void {
    // Pools without children come first.
    const isOthersTurn = pool.ceiling !== 0 && [...this.#short.keys()].some(({ ceiling }) => ceiling === 0);
    const wanted = Math.max(1, 2 * (pool.ceiling ?? pool.concurrency));
    if (!isOthersTurn) pool.ceiling = Math.min(wanted, pool.concurrency);
    if (this.#isCalm) this.#forgetShortage(pool, trouble);
    else trouble.after(trouble.pauseMs, () => this.#tryMore(pool, trouble));
    this.#options.onMore();
  }

  /** While any pool lacks children, starts of the others may fail, too. */
  get #isCalm(): boolean {
    const hasAll = ({ ceiling, concurrency }: Pool) => ceiling === null || ceiling >= concurrency;
    return performance.now() - this.#refusedAtMs >= calmMs && [...this.#short.keys()].every(hasAll);
  }

  #forgetShortage(pool: Pool, trouble: Shortage): void {
    trouble.stop();
    this.#short.delete(pool);
    pool.ceiling = null;
    this.#unthrottle(pool);
  }

  /** Whether children of the pool have just ended by themselves, so that they are not replaced yet. */
  isDying(pool: Pool): boolean {
    return this.#deaths.get(pool)?.isPausing === true;
  }

  died(pool: Pool, { child, exit }: Death): void {
    // Several slots, one fault: only the first is reported.
    if (this.isDying(pool)) return;
    const trouble = this.#deaths.get(pool) ?? new Deaths();
    this.#deaths.set(pool, trouble);
    trouble.config = child.config;
    if (performance.now() - child.startedAtMs > calmMs) trouble.backoff.reset();
    const pauseMs = trouble.pause(() => {
      trouble.after(calmMs, () => this.served(pool));
      this.#options.onMore();
    });
    // The shortage may be why it ended.
    if (this.#short.has(pool)) return;
    const { exitCode, signal } = exit;
    this.#throttle(pool, { exitCode, signal, lastWords: child.lastWords, shortage: null, pauseMs });
  }

  /** A warm child has done a job, or has lived for long enough. */
  served(pool: Pool): void {
    if (this.#deaths.size === 0) return;
    const trouble = this.#deaths.get(pool);
    if (trouble !== undefined && !trouble.isPausing) this.#forgetDeaths(pool, trouble);
  }

  #forgetDeaths(pool: Pool, trouble: Deaths): void {
    trouble.stop();
    this.#deaths.delete(pool);
    if (!this.#short.has(pool)) this.#unthrottle(pool);
  }

  #throttle(pool: Pool, throttled: Omit<Throttled, 'sinceMs'>): void {
    pool.throttled = { ...throttled, sinceMs: pool.throttled?.sinceMs ?? Date.now() };
    this.#options.publish({ type: 'runner.throttled', runner: pool.key, throttled: pool.throttled });
  }

  #unthrottle(pool: Pool): void {
    pool.throttled = null;
    this.#options.publish({ type: 'runner.unthrottled', runner: pool.key });
  }

  /** Forgets deaths under a config that has changed or is gone: the cause may be, too. */
  reviewDeaths(): void {
    for (const [pool, trouble] of this.#deaths) {
      if (pool.isRemoved || pool.config !== trouble.config) this.#forgetDeaths(pool, trouble);
    }
  }

  /** The config was read again: the reasons may be gone. */
  checkNow(): void {
    for (const [pool, trouble] of this.#unstartable) void this.#check(pool, trouble);
    void this.lookAhead();
    if (this.#short.size === 0) return;
    for (const [pool, trouble] of this.#short) this.#forgetShortage(pool, trouble);
    this.#options.onMore();
  }

  /** Starts nothing more by itself. */
  stop(): void {
    this.#isStopped = true;
    for (const troubles of [this.#unstartable, this.#short, this.#deaths]) {
      for (const trouble of troubles.values()) trouble.stop();
    }
  }
}

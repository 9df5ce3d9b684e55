/**
 * Pauses before a warm child that ended by itself is replaced, twice as long each time. The pool is reported as throttled
 * from the first such end until a child has done a job, or lived for a while.
 */
import type { PoolConfig } from '../../config/config.ts';
import type { EngineFact } from '../../protocol/events.ts';
import type { ExitStatus } from '../launch/libc.ts';
import type { Pool } from '../pools/pool.ts';
import type { WarmChild } from './warm-child.ts';

const firstPauseMs = 1_000;
const longestPauseMs = 30_000;
/** A child that has lived for so long has booted; its end is not a sign that the next one won't. */
const bootedMs = 10_000;

interface Death {
  readonly child: Pick<WarmChild, 'config' | 'startedAtMs' | 'lastWords'>;
  readonly exit: ExitStatus;
}

interface Trouble {
  /** Ends in a row. */
  deaths: number;
  untilMs: number;
  timer: NodeJS.Timeout;
  /** The config that the children were started with. */
  readonly config: PoolConfig;
}

export class RespawnBackoff {
  readonly #publish: (fact: EngineFact) => void;
  readonly #onOver: () => void;
  readonly #troubles = new Map<Pool, Trouble>();

  /** @param onOver a pause is over: children may be started */
  constructor(publish: (fact: EngineFact) => void, onOver: () => void) {
    this.#publish = publish;
    this.#onOver = onOver;
  }

  isOn(pool: Pool): boolean {
    const trouble = this.#troubles.get(pool);
    return trouble !== undefined && performance.now() < trouble.untilMs;
  }

  died(pool: Pool, { child, exit }: Death): void {
    // Several slots, one fault: only the first is reported.
    if (this.isOn(pool)) return;
    const before = this.#troubles.get(pool);
    if (before !== undefined) clearTimeout(before.timer);
    const hadBooted = performance.now() - child.startedAtMs > bootedMs;
    const deaths = hadBooted ? 1 : (before?.deaths ?? 0) + 1;
    const pauseMs = Math.min(longestPauseMs, firstPauseMs * 2 ** (deaths - 1));
    const timer = setTimeout(() => this.#over(pool), pauseMs).unref();
    this.#troubles.set(pool, { deaths, untilMs: performance.now() + pauseMs, timer, config: child.config });
    const { exitCode, signal } = exit;
    // The shortage may be why it ended.
    if (hasShortage(pool)) return;
    const reason = { exitCode, signal, lastWords: child.lastWords, shortage: null };
    pool.throttled = { ...reason, pauseMs, sinceMs: pool.throttled?.sinceMs ?? Date.now() };
    this.#publish({ type: 'runner.throttled', runner: pool.key, throttled: pool.throttled });
  }

  #over(pool: Pool): void {
    const trouble = this.#troubles.get(pool);
    if (trouble === undefined) return;
    trouble.untilMs = 0;
    trouble.timer = setTimeout(() => this.served(pool), bootedMs).unref();
    this.#onOver();
  }

  /** A child has done a job, or has lived for long enough. */
  served(pool: Pool): void {
    if (this.#troubles.size === 0) return;
    const trouble = this.#troubles.get(pool);
    if (trouble !== undefined && !this.isOn(pool)) this.#forget(pool, trouble);
  }

  /** Forgets troubles of a config that has changed or is gone: the cause may be, too. */
  review(): void {
    for (const [pool, trouble] of this.#troubles) {
      if (pool.isRemoved || pool.config !== trouble.config) this.#forget(pool, trouble);
    }
  }

  #forget(pool: Pool, { timer }: Trouble): void {
    clearTimeout(timer);
    this.#troubles.delete(pool);
    if (hasShortage(pool)) return;
    pool.throttled = null;
    this.#publish({ type: 'runner.unthrottled', runner: pool.key });
  }

  stop(): void {
    for (const { timer } of this.#troubles.values()) clearTimeout(timer);
  }
}

/** Whether `throttled` says that the machine refuses to start more of its children. */
function hasShortage({ throttled }: Pool): boolean {
  return throttled !== null && throttled.shortage !== null;
}

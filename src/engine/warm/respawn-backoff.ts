/**
 * Children that stand by and end by themselves: another one is started after a pause, twice as long each time.
 * A runner is told as throttled from the first such end until a child has done a job, or lived for a while.
 */
import type { PoolConfig } from '../../config/config.ts';
import type { EngineFact } from '../../protocol/events.ts';
import type { Pool } from '../pools/pool.ts';
import type { ExitStatus } from '../process/libc.ts';
import type { WarmChild } from './warm-child.ts';

const firstPauseMs = 1_000;
const longestPauseMs = 30_000;
/** A child that has lived for so long has booted; its end is not a sign that the next one won't. */
const bootedMs = 10_000;

interface Death {
  readonly child: Pick<WarmChild, 'config' | 'startedAtMs' | 'lastWords'>;
  readonly end: ExitStatus;
}

interface Trouble {
  /** Ends in a row. */
  deaths: number;
  untilMs: number;
  timer: NodeJS.Timeout;
  /** What the children were started by. */
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

  isOn(runner: Pool): boolean {
    const trouble = this.#troubles.get(runner);
    return trouble !== undefined && performance.now() < trouble.untilMs;
  }

  died(runner: Pool, { child, end }: Death): void {
    // Several slots, one fault: the first of them says it.
    if (this.isOn(runner)) return;
    const before = this.#troubles.get(runner);
    if (before !== undefined) clearTimeout(before.timer);
    const hadBooted = performance.now() - child.startedAtMs > bootedMs;
    const deaths = hadBooted ? 1 : (before?.deaths ?? 0) + 1;
    const pauseMs = Math.min(longestPauseMs, firstPauseMs * 2 ** (deaths - 1));
    const timer = setTimeout(() => this.#over(runner), pauseMs).unref();
    this.#troubles.set(runner, { deaths, untilMs: performance.now() + pauseMs, timer, config: child.config });
    const { exitCode, signal } = end;
    // Perhaps that is why it has ended.
    if (hasShortage(runner)) return;
    const reason = { exitCode, signal, lastWords: child.lastWords, shortage: null };
    runner.throttled = { ...reason, pauseMs, sinceMs: runner.throttled?.sinceMs ?? Date.now() };
    this.#publish({ type: 'runner.throttled', runner: runner.key, throttled: runner.throttled });
  }

  #over(runner: Pool): void {
    const trouble = this.#troubles.get(runner);
    if (trouble === undefined) return;
    trouble.untilMs = 0;
    trouble.timer = setTimeout(() => this.served(runner), bootedMs).unref();
    this.#onOver();
  }

  /** A child has done a job, or has lived for long enough. */
  served(runner: Pool): void {
    if (this.#troubles.size === 0) return;
    const trouble = this.#troubles.get(runner);
    if (trouble !== undefined && !this.isOn(runner)) this.#forget(runner, trouble);
  }

  /** Forgets what came of a config that is another by now, or gone: what was wrong may be right. */
  review(): void {
    for (const [runner, trouble] of this.#troubles) {
      if (runner.isRetired || runner.config !== trouble.config) this.#forget(runner, trouble);
    }
  }

  #forget(runner: Pool, { timer }: Trouble): void {
    clearTimeout(timer);
    this.#troubles.delete(runner);
    if (hasShortage(runner)) return;
    runner.throttled = null;
    this.#publish({ type: 'runner.unthrottled', runner: runner.key });
  }

  stop(): void {
    for (const { timer } of this.#troubles.values()) clearTimeout(timer);
  }
}

/** Whether the machine refuses to start more of its children, and `throttled` says that. */
function hasShortage({ throttled }: Pool): boolean {
  return throttled !== null && throttled.shortage !== null;
}

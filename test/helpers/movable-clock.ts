/**
 * A clock for an engine in the tests' process. It runs like the system's clock until a test moves it forward. Then every
 * timer that is due fires immediately, so no test waits for heartbeats, time limits and retries.
 */
import { type Cancel, type Clock, systemClock, type TimerOptions } from '../../src/resque/redis/clock.ts';

interface Timer {
  readonly act: () => void;
  /** `null` if it fires once. */
  readonly everyMs: number | null;
  readonly options: TimerOptions | undefined;
  dueMs: number;
  cancel: Cancel;
}

export class MovableClock implements Clock {
  #aheadMs = 0;
  readonly #timers = new Set<Timer>();

  nowMs(): number {
    return systemClock.nowMs() + this.#aheadMs;
  }

  elapsedMs(): number {
    return systemClock.elapsedMs() + this.#aheadMs;
  }

  after(ms: number, act: () => void, options?: TimerOptions): Cancel {
    return this.#add(ms, null, act, options);
  }

  every(ms: number, act: () => void, options?: TimerOptions): Cancel {
    return this.#add(ms, ms, act, options);
  }

  /** Timers that are due fire before this returns, each once. */
  move(ms: number): void {
    this.#aheadMs += ms;
    const nowMs = this.elapsedMs();
    const due = [...this.#timers].filter(({ dueMs }) => dueMs <= nowMs).sort((a, b) => a.dueMs - b.dueMs);
    for (const timer of this.#timers) if (!due.includes(timer)) this.#arm(timer);
    // One of them may cancel another.
    for (const timer of due) if (this.#timers.has(timer)) this.#fire(timer);
  }

  #add(ms: number, everyMs: number | null, act: () => void, options: TimerOptions | undefined): Cancel {
    const timer: Timer = { act, everyMs, options, dueMs: this.elapsedMs() + ms, cancel: () => {} };
    this.#timers.add(timer);
    this.#arm(timer);
    return () => this.#remove(timer);
  }

  #arm(timer: Timer): void {
    timer.cancel();
    const inMs = Math.max(0, timer.dueMs - this.elapsedMs());
    timer.cancel = systemClock.after(inMs, () => this.#fire(timer), timer.options);
  }

  #fire(timer: Timer): void {
    if (timer.everyMs === null) this.#remove(timer);
    else {
      timer.dueMs = this.elapsedMs() + timer.everyMs;
      this.#arm(timer);
    }
    timer.act();
  }

  #remove(timer: Timer): void {
    this.#timers.delete(timer);
    timer.cancel();
  }
}

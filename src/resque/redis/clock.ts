/** The clock of everything that talks to Redis. Tests and the simulator pass one that they control. */
export interface Clock {
  /** Milliseconds since the epoch. May jump. */
  nowMs(): number;
  /** Milliseconds since a fixed moment. Never goes back. */
  elapsedMs(): number;
  /** Calls `act` once. @returns cancels the call */
  after(ms: number, act: () => void, options?: TimerOptions): Cancel;
  /** Calls `act` repeatedly. @returns cancels the calls */
  every(ms: number, act: () => void, options?: TimerOptions): Cancel;
}

export type Cancel = () => void;

export interface TimerOptions {
  /** Whether the process stays alive for this timer; it does unless this is false. */
  readonly keepsAlive?: boolean;
}

export const systemClock: Clock = {
  nowMs: () => Date.now(),
  elapsedMs: () => {
    const [seconds, nanoseconds] = process.hrtime();
    return seconds * 1_000 + nanoseconds / 1_000_000;
  },
  after(ms, act, { keepsAlive = true } = {}) {
    const timer = setTimeout(act, ms);
    if (!keepsAlive) timer.unref();
    return () => clearTimeout(timer);
  },
  every(ms, act, { keepsAlive = true } = {}) {
    const timer = setInterval(act, ms);
    if (!keepsAlive) timer.unref();
    return () => clearInterval(timer);
  },
};

/** Resolves after this time. */
export function pause(clock: Clock, ms: number): Promise<void> {
  return new Promise((resolve) => {
    clock.after(ms, resolve);
  });
}

/**
 * Runs one thing whenever somebody asks, but at most once an interval: after quiet right away (still after the
 * tick in which it was asked for, so that a burst is one run), otherwise when the interval is over. No timer
 * is left while nobody asks.
 */
export class Pacer {
  readonly #intervalMs: number;
  readonly #run: () => void;
  #lastRunMs = Number.NEGATIVE_INFINITY;
  #timer: NodeJS.Timeout | null = null;

  constructor(intervalMs: number, run: () => void) {
    this.#intervalMs = intervalMs;
    this.#run = run;
  }

  request(): void {
    if (this.#timer !== null) return;
    const waitMs = Math.max(0, this.#lastRunMs + this.#intervalMs - performance.now());
    this.#timer = setTimeout(() => this.runNow(), waitMs);
  }

  /** Ahead of time; whatever was asked for is done by it. */
  runNow(): void {
    this.cancel();
    this.#lastRunMs = performance.now();
    this.#run();
  }

  cancel(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }
}

/**
 * Runs a function on request, at most once an interval. After a quiet interval it runs in the next tick, so a burst of
 * requests is one run; otherwise at the end of the interval. Without requests there is no timer.
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

  /** Runs without waiting; this answers all requests so far. */
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

/** Pauses between tries, each twice as long as the one before. */
export class Backoff {
  readonly #firstMs: number;
  readonly #longestMs: number;
  #pauseMs = 0;

  constructor(firstMs: number, longestMs: number) {
    this.#firstMs = firstMs;
    this.#longestMs = longestMs;
  }

  next(): number {
    this.#pauseMs = Math.min(this.#longestMs, Math.max(this.#firstMs, 2 * this.#pauseMs));
    return this.#pauseMs;
  }

  /** The next pause is the first one again. */
  reset(): void {
    this.#pauseMs = 0;
  }
}

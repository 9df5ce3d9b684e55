/**
 * Decides when to paint. A paint costs tens of milliseconds, so changes are collected: at most four frames a second, or ten
 * in the second after a key. The first frame after a key is immediate. The clock also asks for a paint once a second, because
 * times on the screen change. If nothing has changed, that costs almost nothing.
 *
 *     idle ──dirty──▶ due in (frame - time since the last paint) ──▶ paint ──▶ idle
 *       └───wake────▶ due in a moment ───────────────────────────────────┘
 */
const frameMs = 250;
const keyFrameMs = 100;
/** Keys that arrive together share a frame. */
const keyDelayMs = 8;
const awakeMs = 1_000;
const tickMs = 1_000;

export class FrameClock {
  readonly #paint: () => void;
  readonly #tick: NodeJS.Timeout;
  #timer: NodeJS.Timeout | null = null;
  #dueAt = Number.POSITIVE_INFINITY;
  #lastPaintAt = Number.NEGATIVE_INFINITY;
  #awakeUntil = Number.NEGATIVE_INFINITY;
  /** The next paint answers a key. */
  #isKeyDue = false;
  #lastKeyPaintAt = Number.NEGATIVE_INFINITY;

  constructor(paint: () => void) {
    this.#paint = paint;
    this.#tick = setInterval(() => this.dirty(), tickMs);
  }

  /** Something on the screen may have changed. */
  dirty(): void {
    const now = performance.now();
    this.#schedule(this.#lastPaintAt + (now < this.#awakeUntil ? keyFrameMs : frameMs), now);
  }

  /** A key was pressed: paint soon. */
  wake(): void {
    const now = performance.now();
    const isHeldDown = now < this.#lastKeyPaintAt + keyFrameMs / 2;
    this.#awakeUntil = now + awakeMs;
    this.#isKeyDue = true;
    this.#schedule(isHeldDown ? this.#lastKeyPaintAt + keyFrameMs / 2 : now + keyDelayMs, now);
  }

  stop(): void {
    clearInterval(this.#tick);
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }

  #schedule(at: number, now: number): void {
    if (this.#timer !== null) {
      if (this.#dueAt <= at) return;
      clearTimeout(this.#timer);
    }
    this.#dueAt = at;
    this.#timer = setTimeout(
      () => {
        this.#timer = null;
        this.#lastPaintAt = performance.now();
        if (this.#isKeyDue) this.#lastKeyPaintAt = this.#lastPaintAt;
        this.#isKeyDue = false;
        this.#paint();
      },
      Math.max(0, at - now),
    );
  }
}

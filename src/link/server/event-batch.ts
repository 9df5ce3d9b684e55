/**
 * Gathers events into `events` frames: each event becomes JSON once, each frame bytes once, for however many
 * clients.
 */
import type { EngineEvent } from '../../protocol/events.ts';
import { Pacer } from './pacer.ts';

/** Twenty frames a second: more than anybody can read, and few enough to be cheap for the engine. */
const intervalMs = 50;
/** Characters after which a frame goes at once: a burst in one tick must not pile up here. */
const largestBatch = 1024 * 1024;

export class EventBatch {
  readonly #write: (frame: Buffer) => void;
  readonly #pacer = new Pacer(intervalMs, () => this.#flush());
  #parts: string[] = [];
  #length = 0;
  #waiting: (() => void)[] = [];

  constructor(write: (frame: Buffer) => void) {
    this.#write = write;
  }

  add(event: EngineEvent): void {
    const part = JSON.stringify(event);
    this.#parts.push(part);
    this.#length += part.length;
    if (this.#length >= largestBatch) this.flush();
    else this.#pacer.request();
  }

  /** Calls back when the events added so far have been written: at once where none is left. */
  afterEvents(callback: () => void): void {
    if (this.#parts.length === 0) callback();
    else this.#waiting.push(callback);
  }

  /** Writes what there is without waiting for the interval. */
  flush(): void {
    this.#pacer.runNow();
  }

  /** Forgets everything: nobody is left to read it. */
  clear(): void {
    this.#pacer.cancel();
    this.#parts = [];
    this.#length = 0;
    this.#waiting = [];
  }

  #flush(): void {
    if (this.#parts.length > 0) {
      const frame = Buffer.from(`{"type":"events","events":[${this.#parts.join(',')}]}\n`);
      this.#parts = [];
      this.#length = 0;
      this.#write(frame);
    }
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const callback of waiting) callback();
  }
}

/** Gathers events into `events` frames. Each event is encoded once and each frame built once, for any number of clients. */
import type { EngineEvent } from '../../protocol/events.ts';
import { Pacer } from './pacer.ts';

/** Twenty frames a second: more than anyone can read, and cheap for the engine. */
const intervalMs = 50;
/** A batch of this many characters is sent at once, so that a burst in one tick doesn't pile up. */
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

  /** Calls back when the events added so far have been written; at once if there are none. */
  afterEvents(callback: () => void): void {
    if (this.#parts.length === 0) callback();
    else this.#waiting.push(callback);
  }

  /** Writes the batch without waiting for the interval. */
  flush(): void {
    this.#pacer.runNow();
  }

  /** Drops everything: no client is left. */
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

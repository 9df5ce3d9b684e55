import type { EngineEvent, EngineFact } from '../../protocol/events.ts';
import { afterTurn } from './event-loop-phases.ts';

export type EventListener = (event: EngineEvent) => void;

/**
 * Numbers facts and hands them to whoever listens, in order. Not at once, but when this turn of the loop has moved the
 * jobs on: log and model are made while Redis and the children work. A listener that throws ends neither the engine
 * nor the other listeners: its error becomes a warning of the process.
 */
export class EventBus {
  readonly #listeners = new Set<EventListener>();
  #pending: EngineEvent[] = [];
  #isScheduled = false;
  #isTelling = false;
  #seq = 0;

  publish(fact: EngineFact): void {
    this.#seq += 1;
    this.#pending.push({ ...fact, seq: this.#seq, atMs: Date.now() });
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    afterTurn(() => this.flush());
  }

  /** Tells now what is still to be told. */
  flush(): void {
    this.#isScheduled = false;
    if (this.#isTelling) return;
    this.#isTelling = true;
    // A listener that causes the next fact: everyone hears of the first before the second.
    for (let at = 0; at < this.#pending.length; at += 1) {
      const event = this.#pending[at];
      if (event !== undefined) this.#tell(event);
    }
    this.#pending = [];
    this.#isTelling = false;
  }

  #tell(event: EngineEvent): void {
    for (const listener of this.#listeners) {
      try {
        listener(event);
      } catch (error) {
        process.emitWarning(error instanceof Error ? error : String(error));
      }
    }
  }

  /**
   * For what is published between the two calls, no more and no less.
   *
   * @returns ends the subscription
   */
  subscribe(listener: EventListener): () => void {
    this.flush();
    this.#listeners.add(listener);
    return () => {
      this.flush();
      this.#listeners.delete(listener);
    };
  }
}

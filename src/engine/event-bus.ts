import type { EngineEvent, EngineFact } from '../protocol/events.ts';

export type EventListener = (event: EngineEvent) => void;

/**
 * Numbers facts and hands them to whoever listens, in order, within the same tick. A listener that throws
 * ends neither the engine nor the other listeners: its error becomes a warning of the process.
 */
export class EventBus {
  readonly #listeners = new Set<EventListener>();
  readonly #pending: EngineEvent[] = [];
  #isTelling = false;
  #seq = 0;

  publish(fact: EngineFact): void {
    this.#seq += 1;
    this.#pending.push({ ...fact, seq: this.#seq, atMs: Date.now() });
    // A listener that causes the next fact: everyone hears of the first before the second.
    if (this.#isTelling) return;
    this.#isTelling = true;
    for (let event = this.#pending.shift(); event !== undefined; event = this.#pending.shift()) {
      this.#tell(event);
    }
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

  /** @returns ends the subscription */
  subscribe(listener: EventListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}

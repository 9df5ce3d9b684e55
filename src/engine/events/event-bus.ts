import type { EngineEvent, EngineEventType, EngineFact } from '../../protocol/events.ts';
import { afterTurn } from './event-loop-phases.ts';

export type EventListener = (event: EngineEvent) => void;

/** A command that is carried out. */
export interface CommandMark {
  readonly by: string;
  /** Events that say what it did. */
  told: number;
}

/** They say by themselves what a command did. */
const tellingFacts: ReadonlySet<EngineEventType> = new Set<EngineEventType>([
  'queue.paused',
  'queue.resumed',
  'queues.paused',
  'queues.resumed',
  'runner.changed',
  'job.killed',
  'failures.retried',
  'failures.removed',
  'engine.stopping',
]);

/**
 * Numbers facts and delivers them to listeners, in order. Not at once, but after the event loop has moved the jobs on: the
 * listeners update log and model while Redis and the children work. If a listener throws, engine and other listeners
 * continue, and the error becomes a process warning.
 */
export class EventBus {
  readonly #listeners = new Set<EventListener>();
  #pending: EngineEvent[] = [];
  #isScheduled = false;
  #isTelling = false;
  #seq = 0;
  #command: CommandMark | null = null;

  /** @param command whose effect it is */
  publish(fact: EngineFact, command: CommandMark | null = this.#command): void {
    this.#seq += 1;
    const isTelling = command !== null && tellingFacts.has(fact.type);
    if (isTelling) command.told += 1;
    const operator = isTelling ? { operator: command.by } : {};
    this.#pending.push({ ...fact, ...operator, seq: this.#seq, atMs: Date.now() });
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    afterTurn(() => this.flush());
  }

  /** What `act` publishes before it waits for anything is the effect of this command. */
  during<Result>(command: CommandMark | null, act: () => Result): Result {
    this.#command = command;
    try {
      return act();
    } finally {
      this.#command = null;
    }
  }

  /** Delivers pending events now. */
  flush(): void {
    this.#isScheduled = false;
    if (this.#isTelling) return;
    this.#isTelling = true;
    // If a listener publishes another fact, all listeners get the first one before the second.
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
   * Delivers exactly the events published until the subscription ends.
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

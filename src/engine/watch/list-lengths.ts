/**
 * Publishes the backlog of each queue and the number of failures after they change. It reads everything in one command, one
 * read at a time, and nothing while Redis is down.
 */
import type { EngineEvent, EngineFact } from '../../protocol/events.ts';
import { RedisError } from '../../resque/redis/redis-error.ts';
import type { ResqueClient } from '../../resque/steps/client.ts';

export const backlogIntervalMs = 1_000;

export interface ListLengthsHooks {
  readonly client: ResqueClient;
  readonly queues: () => readonly string[];
  readonly publish: (fact: EngineFact) => void;
}

export class ListLengths {
  readonly #hooks: ListLengthsHooks;
  readonly #backlogs = new Map<string, number>();
  #failures: number | null = null;
  #timer: NodeJS.Timeout | null = null;
  /** All reads so far, in a chain. */
  #reads: Promise<void> = Promise.resolve();
  #readCount = 0;

  constructor(hooks: ListLengthsHooks) {
    this.#hooks = hooks;
  }

  /** Publishes everything, and later what changes. */
  begin(): void {
    this.#timer = setInterval(() => {
      if (this.#readCount === 0) void this.#read(false);
    }, backlogIntervalMs).unref();
    void this.#read(false);
  }

  stop(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = null;
    this.#backlogs.clear();
    this.#failures = null;
  }

  /** Notes values that other parts have published. */
  heard(event: EngineEvent): void {
    if (event.type === 'queue.removed') this.#backlogs.delete(event.queue);
    if (event.type === 'queue.backlog') this.#backlogs.set(event.queue, event.backlog);
    if (event.type === 'failures.counted') this.#failures = event.total;
  }

  /** A command has changed the failures: publishes their number even if no client watches. */
  async recount(): Promise<void> {
    await this.#read(true);
  }

  #read(isForAnyone: boolean): Promise<void> {
    this.#readCount += 1;
    this.#reads = this.#reads.then(async () => {
      await this.#readNow(isForAnyone);
      this.#readCount -= 1;
    });
    return this.#reads;
  }

  async #readNow(isForAnyone: boolean): Promise<void> {
    const { client, publish } = this.#hooks;
    if (!client.session.isUp) return;
    try {
      const { backlogs, failures } = await client.listLengths(this.#watchedQueues());
      // Some may have been removed since.
      for (const queue of this.#watchedQueues()) {
        const backlog = backlogs.get(queue);
        if (backlog === undefined || backlog === this.#backlogs.get(queue)) continue;
        publish({ type: 'queue.backlog', queue, backlog });
      }
      const isNews = this.#timer !== null && failures !== this.#failures;
      if (failures >= 0 && (isNews || isForAnyone)) publish({ type: 'failures.counted', total: failures });
    } catch (error) {
      // The session reports it, unless it is only a refusal. The next read follows in a second.
      if (!(error instanceof RedisError)) throw error;
    }
  }

  #watchedQueues(): readonly string[] {
    return this.#timer === null ? [] : this.#hooks.queues();
  }
}

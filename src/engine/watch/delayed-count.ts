/**
 * Publishes how many delayed jobs there are, and whether there are schedules, after that changes. It reads a bounded number of
 * keys every few seconds, and nothing while Redis is down.
 */
import type { EngineFact } from '../../protocol/events.ts';
import { countDelayed } from '../../resque/delayed/delayed-count.ts';
import { unlessWrongType } from '../../resque/redis/bulk-reads.ts';
import { RedisError } from '../../resque/redis/redis-error.ts';
import type { ResqueClient } from '../../resque/steps/client.ts';

const intervalMs = 3_000;
/** Times whose jobs are counted. */
const mostTimes = 100;

export interface DelayedCountHooks {
  readonly client: ResqueClient;
  /** Whether the config has any. */
  readonly hasSchedules: () => boolean;
  readonly publish: (fact: EngineFact) => void;
}

export class DelayedCounter {
  readonly #hooks: DelayedCountHooks;
  #timer: NodeJS.Timeout | null = null;
  #isReading = false;
  /** What was published last. */
  #told = '';

  constructor(hooks: DelayedCountHooks) {
    this.#hooks = hooks;
  }

  begin(): void {
    this.#timer = setInterval(() => void this.#read(), intervalMs).unref();
    void this.#read();
  }

  stop(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = null;
    this.#told = '';
  }

  async #read(): Promise<void> {
    const { client, publish, hasSchedules } = this.#hooks;
    const { session, keys } = client;
    if (this.#isReading || !session.isUp) return;
    this.#isReading = true;
    try {
      const [counted, persistent] = await Promise.all([
        countDelayed(session, keys, mostTimes),
        unlessWrongType(session.command((commands) => commands.hlen(keys.persistentSchedules))),
      ]);
      const { jobs = 0, isComplete = true } = counted ?? {};
      const count = { jobs, isComplete, hasSchedules: hasSchedules() || (persistent ?? 0) > 0 };
      const text = JSON.stringify(count);
      if (this.#timer === null || text === this.#told) return;
      this.#told = text;
      publish({ type: 'delayed.counted', ...count });
    } catch (error) {
      // The session reports it, unless this user may not read these keys: then there is nothing to show.
      if (!(error instanceof RedisError)) throw error;
    } finally {
      this.#isReading = false;
    }
  }
}

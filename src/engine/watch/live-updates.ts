/**
 * Events that are published only while a client watches: the latest lines of running jobs, backlogs, statistics, and the
 * numbers of failures and delayed jobs. Otherwise there is no timer and no command to Redis.
 */
import type { EventBus } from '../events/event-bus.ts';
import type { RunningJobs } from '../jobs/running-jobs.ts';
import type { Statistics } from '../statistics/statistics.ts';
import { DelayedCounter, type DelayedCountHooks } from './delayed-count.ts';
import { LastLines } from './last-lines.ts';
import { ListLengths, type ListLengthsHooks } from './list-lengths.ts';
import { Measurements } from './measurements.ts';

export interface LiveUpdatesHooks
  extends Omit<ListLengthsHooks, 'publish'>,
    Omit<DelayedCountHooks, 'publish'> {
  readonly bus: EventBus;
  readonly jobs: RunningJobs;
  readonly statistics: Statistics;
}

export class LiveUpdates {
  readonly #hooks: LiveUpdatesHooks;
  readonly #lines: LastLines;
  readonly #lengths: ListLengths;
  readonly #measurements: Measurements;
  readonly #delayed: DelayedCounter;
  #count = 0;
  #isStopped = false;
  #endSubscription = (): void => {};

  constructor(hooks: LiveUpdatesHooks) {
    const publish = hooks.bus.publish.bind(hooks.bus);
    this.#hooks = hooks;
    this.#lines = new LastLines(publish);
    this.#lengths = new ListLengths({ ...hooks, publish });
    this.#measurements = new Measurements({ ...hooks, publish });
    this.#delayed = new DelayedCounter({ ...hooks, publish });
  }

  get #isOn(): boolean {
    return this.#count > 0 && !this.#isStopped;
  }

  /** @returns ends the watch; each call counts separately */
  watch(): () => void {
    this.#count += 1;
    if (this.#count === 1 && this.#isOn) this.#begin();
    let isOver = false;
    return () => {
      if (isOver) return;
      isOver = true;
      this.#count -= 1;
      if (this.#count === 0) this.#end();
    };
  }

  /** A command has just changed the failures. */
  recount(): Promise<void> {
    return this.#lengths.recount();
  }

  /** For good. */
  stop(): void {
    this.#end();
    this.#isStopped = true;
  }

  #begin(): void {
    this.#endSubscription = this.#hooks.bus.subscribe((event) => {
      this.#lengths.heard(event);
      this.#measurements.heard(event);
    });
    const { jobs } = this.#hooks;
    this.#lines.begin(jobs.running.values());
    jobs.watcher = this.#lines;
    this.#lengths.begin();
    this.#measurements.begin();
    this.#delayed.begin();
  }

  #end(): void {
    this.#endSubscription();
    this.#hooks.jobs.watcher = null;
    this.#lines.stop();
    this.#lengths.stop();
    this.#measurements.stop();
    this.#delayed.stop();
  }
}

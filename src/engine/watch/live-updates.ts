/**
 * Events that are published only while a client watches: the latest lines of running jobs, and the numbers that have changed
 * (backlogs, statistics, failures and delayed jobs). Without a client, it runs no timer and sends Redis no command.
 */
import type { EngineEvent, EngineFact } from '../../protocol/events.ts';
import type { QueueStatistics } from '../../protocol/statistics.ts';
import type { Cancel, Clock } from '../../resque/redis/clock.ts';
import type { EventBus } from '../events/event-bus.ts';
import type { RunningJobs } from '../jobs/running-jobs.ts';
import type { Statistics } from '../statistics/statistics.ts';
import { LastLines } from './last-lines.ts';
import type { ReadFigures, RedisFigures, WaitingFigures } from './redis-figures.ts';

const intervalMs = 1_000;
/** Statistics of a queue take up to 50 µs, and jobs must not wait. More queues than this take turns. */
const queuesAtOnce = 200;

export interface LiveUpdatesHooks {
  readonly bus: EventBus;
  readonly clock: Clock;
  readonly figures: RedisFigures;
  readonly jobs: RunningJobs;
  readonly statistics: Statistics;
  readonly queues: () => readonly string[];
  /** Whether the config has any. */
  readonly hasSchedules: () => boolean;
}

/** Statistics that were published of a queue. */
interface Told {
  readonly version: string | null;
  readonly text: string;
}

/** Of a watch that is over: the snapshot still has its statistics, which may be out of date. */
const outdated: Told = { version: 'outdated', text: '' };

export class LiveUpdates {
  readonly #hooks: LiveUpdatesHooks;
  readonly #publish: (fact: EngineFact) => void;
  readonly #lines: LastLines;
  /** Numbers that were published, by what they are about. */
  readonly #told = new Map<string, number | string>();
  readonly #toldStatistics = new Map<string, Told>();
  #waiting: ReadonlyMap<string, WaitingFigures> = new Map();
  /** The queue that is next if not all are measured in a second. */
  #next = 0;
  #count = 0;
  #isStopped = false;
  #stops: Cancel[] = [];

  constructor(hooks: LiveUpdatesHooks) {
    this.#hooks = hooks;
    this.#publish = (fact) => hooks.bus.publish(fact);
    this.#lines = new LastLines(this.#publish);
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

  /** A command has just changed the failures: publishes their number even if no client watches. */
  async recount(): Promise<void> {
    const read = await this.#hooks.figures.readAnew();
    if (read === null) return;
    this.#told.delete('failures');
    if (this.#isOn) this.#tell(read);
    else this.#tellFailures(read);
  }

  /** For good. */
  stop(): void {
    this.#end();
    this.#isStopped = true;
  }

  /** Publishes everything, and later what changes. */
  #begin(): void {
    const { bus, clock, jobs, queues } = this.#hooks;
    this.#lines.begin(jobs.running.values());
    jobs.watcher = this.#lines;
    this.#told.clear();
    const known = new Set(queues());
    for (const queue of this.#toldStatistics.keys()) {
      if (known.has(queue)) this.#toldStatistics.set(queue, outdated);
      else this.#toldStatistics.delete(queue);
    }
    const tick = () => {
      this.#measure(queuesAtOnce);
      void this.#read();
    };
    this.#stops = [
      bus.subscribe((event) => this.#heard(event)),
      clock.every(intervalMs, tick, { keepsAlive: false }),
    ];
    // A client that asks only once gets all of them.
    this.#measure(Number.POSITIVE_INFINITY);
    void this.#read();
  }

  #end(): void {
    for (const stop of this.#stops) stop();
    this.#stops = [];
    this.#hooks.jobs.watcher = null;
    this.#lines.stop();
    this.#waiting = new Map();
  }

  /** Notes numbers that commands have published. */
  #heard(event: EngineEvent): void {
    if (event.type === 'queue.backlog') this.#told.set(`queue ${event.queue}`, event.backlog);
    if (event.type === 'failures.counted') this.#told.set('failures', event.total);
    if (event.type !== 'queue.removed') return;
    this.#told.delete(`queue ${event.queue}`);
    this.#toldStatistics.delete(event.queue);
  }

  async #read(): Promise<void> {
    const read = await this.#hooks.figures.read();
    if (read !== null && this.#isOn) this.#tell(read);
  }

  #tell(read: ReadFigures): void {
    this.#waiting = read.queues;
    // Some may have been removed since.
    for (const queue of this.#hooks.queues()) {
      const waiting = read.queues.get(queue);
      const backlog = waiting?.length ?? -1;
      if (waiting !== undefined && this.#isNews(`queue ${queue}`, backlog))
        this.#publish({ type: 'queue.backlog', queue, backlog });
    }
    this.#tellFailures(read);
    const { jobs = 0, isComplete = true } = read.delayed ?? {};
    const delayed = { jobs, isComplete, hasSchedules: read.hasSchedules || this.#hooks.hasSchedules() };
    if (this.#isNews('delayed', JSON.stringify(delayed)))
      this.#publish({ type: 'delayed.counted', ...delayed });
  }

  #tellFailures({ failures }: ReadFigures): void {
    if (failures !== null && this.#isNews('failures', failures))
      this.#publish({ type: 'failures.counted', total: failures });
  }

  #isNews(about: string, number: number | string): boolean {
    const isNews = this.#told.get(about) !== number;
    this.#told.set(about, number);
    return isNews;
  }

  #measure(most: number): void {
    const all = this.#hooks.queues();
    const measured: { queue: string; statistics: QueueStatistics }[] = [];
    let computed = 0;
    for (let turn = 0; turn < all.length && computed < most; turn += 1) {
      const queue = all[(this.#next + turn) % all.length] ?? '';
      const version = this.#versionOf(queue);
      const told = this.#toldStatistics.get(queue);
      if (version === (told?.version ?? null)) continue;
      computed += 1;
      if (computed === most) this.#next = (this.#next + turn + 1) % all.length;
      const statistics = this.#statisticsOf(queue);
      const text = JSON.stringify(statistics);
      this.#toldStatistics.set(queue, { version, text });
      if (text !== told?.text) measured.push({ queue, statistics });
    }
    if (measured.length > 0) this.#publish({ type: 'queues.measured', queues: measured });
  }

  /** Changes whenever the statistics may; `null` if there is nothing to tell. */
  #versionOf(queue: string): string | null {
    const version = this.#hooks.statistics.versionOf(queue);
    const { length = null, oldest = null } = this.#waiting.get(queue) ?? {};
    if (version === null && oldest === null) return null;
    return [version, length, oldest?.sinceMs, oldest?.isKnown].join(' ');
  }

  #statisticsOf(queue: string): QueueStatistics {
    const windows = this.#hooks.statistics.windows(queue);
    const { length = null, oldest = null } = this.#waiting.get(queue) ?? {};
    const perMinute = windows?.lastMinute.perMinute ?? 0;
    const drainMs = length === null || perMinute === 0 ? null : Math.round((length * 60_000) / perMinute);
    return { windows, drainMs, oldest };
  }
}

/**
 * Publishes the statistics of queues after they change, once a second. Nothing else computes them, so they cost nothing while
 * nobody watches.
 */
import type { EngineEvent, EngineFact } from '../../protocol/events.ts';
import type { QueueStatistics } from '../../protocol/statistics.ts';
import type { Cancel } from '../../resque/redis/clock.ts';
import type { ResqueClient } from '../../resque/steps/client.ts';
import type { Statistics } from '../statistics/statistics.ts';
import { OldestJobs } from './oldest-jobs.ts';

const intervalMs = 1_000;
/** A queue takes up to 50 µs, and jobs must not wait. More queues than this take turns. */
const queuesAtOnce = 200;

export interface MeasurementsHooks {
  readonly client: ResqueClient;
  readonly queues: () => readonly string[];
  readonly statistics: Statistics;
  readonly publish: (fact: EngineFact) => void;
}

/** What was published of a queue. */
interface Told {
  readonly version: string | null;
  readonly text: string;
}

/** Of a watch that is over: the snapshot still has its statistics, which may be out of date. */
const outdated: Told = { version: 'outdated', text: '' };

export class Measurements {
  readonly #hooks: MeasurementsHooks;
  readonly #oldest: OldestJobs;
  readonly #told = new Map<string, Told>();
  /** The queue that is next if not all are measured in a second. */
  #next = 0;
  #cancel: Cancel = () => {};

  constructor(hooks: MeasurementsHooks) {
    this.#hooks = hooks;
    this.#oldest = new OldestJobs(hooks.client);
  }

  /** Publishes everything, and later what changes. */
  begin(): void {
    const known = new Set(this.#hooks.queues());
    for (const queue of this.#told.keys()) {
      if (known.has(queue)) this.#told.set(queue, outdated);
      else this.#told.delete(queue);
    }
    this.#oldest.begin();
    const { clock } = this.#hooks.client;
    this.#cancel = clock.every(intervalMs, () => this.#measure(queuesAtOnce), { keepsAlive: false });
    // A client that asks only once gets all of them.
    this.#measure(Number.POSITIVE_INFINITY);
  }

  stop(): void {
    this.#cancel();
    this.#oldest.stop();
  }

  heard(event: EngineEvent): void {
    this.#oldest.heard(event);
    if (event.type === 'queue.removed') this.#told.delete(event.queue);
  }

  #measure(most: number): void {
    const all = this.#hooks.queues();
    const measured: { queue: string; statistics: QueueStatistics }[] = [];
    let computed = 0;
    for (let turn = 0; turn < all.length && computed < most; turn += 1) {
      const queue = all[(this.#next + turn) % all.length] ?? '';
      const version = this.#versionOf(queue);
      const told = this.#told.get(queue);
      if (version === (told?.version ?? null)) continue;
      computed += 1;
      if (computed === most) this.#next = (this.#next + turn + 1) % all.length;
      const statistics = this.#statisticsOf(queue);
      const text = JSON.stringify(statistics);
      this.#told.set(queue, { version, text });
      if (text !== told?.text) measured.push({ queue, statistics });
    }
    if (measured.length > 0) this.#hooks.publish({ type: 'queues.measured', queues: measured });
  }

  /** Changes whenever the statistics may; `null` if there is nothing to tell. */
  #versionOf(queue: string): string | null {
    const version = this.#hooks.statistics.versionOf(queue);
    const oldest = this.#oldest.of(queue);
    if (version === null && oldest === null) return null;
    return [version, this.#oldest.backlogOf(queue), oldest?.sinceMs, oldest?.isKnown].join(' ');
  }

  #statisticsOf(queue: string): QueueStatistics {
    const windows = this.#hooks.statistics.windows(queue);
    const backlog = this.#oldest.backlogOf(queue);
    const perMinute = windows?.lastMinute.perMinute ?? 0;
    const drainMs = backlog === null || perMinute === 0 ? null : Math.round((backlog * 60_000) / perMinute);
    return { windows, drainMs, oldest: this.#oldest.of(queue) };
  }
}

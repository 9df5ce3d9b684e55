/**
 * The source of all numbers about jobs: for the screen and `status`, whose windows and charts it computes on request, and for
 * metrics, whose totals it counts. It listens to events, so jobs know nothing of it. All of it is about the jobs that this
 * engine ran.
 */
import type { EngineEvent } from '../../protocol/events.ts';
import type { StatisticsSteps, StatisticsWindows } from '../../protocol/statistics.ts';
import { waitedMs } from '../../resque/format/enqueued-at.ts';
import type { Clock } from '../../resque/redis/clock.ts';
import { Histogram, stepBoundsMs } from './histogram.ts';
import { JobSeries } from './job-series.ts';
import { QueueCounts, slotMs, slotsPerMinute } from './queue-counts.ts';
import { RunnerTotals } from './runner-totals.ts';

const minuteMs = slotMs * slotsPerMinute;

export class Statistics {
  readonly runner = new RunnerTotals();
  /** Round trips of steps. */
  readonly roundTrips = new Histogram(stepBoundsMs);
  readonly series = new JobSeries();
  readonly #clock: Clock;
  readonly #isKnown: (queue: string) => boolean;
  /** Only queues whose jobs have started. */
  readonly #queues = new Map<string, QueueCounts>();
  #minute = 0;

  /** @param isKnown whether this engine still has a queue with this name */
  constructor(clock: Clock, isKnown: (queue: string) => boolean) {
    this.#clock = clock;
    this.#isKnown = isKnown;
  }

  heard(event: EngineEvent): void {
    switch (event.type) {
      case 'job.started': {
        const { queue, jobClass, startedAtMs, enqueuedAtMs } = event.job;
        const waitMs = enqueuedAtMs === undefined ? null : waitedMs(enqueuedAtMs, startedAtMs);
        const known = this.#queueOf(queue);
        known?.started(this.#now(), waitMs);
        if (waitMs !== null && known !== null)
          for (const totals of this.series.of(queue, jobClass)) totals.waited(waitMs);
        break;
      }
      case 'job.finished': {
        const { queue, jobClass, outcome, durationMs } = event;
        const known = this.#queues.get(queue);
        if (known === undefined) break;
        if (outcome === 'requeued' || outcome === 'snoozed') known.returned(this.#now(), outcome);
        else known.finished(this.#now(), outcome, durationMs);
        for (const totals of this.series.of(queue, jobClass)) totals.end(outcome, durationMs, event);
        break;
      }
      case 'failure.recorded':
        // Its payload is not a job, so there are no other events of it.
        if (event.failure.jobId === null) {
          const { queue, jobClass } = event.failure;
          const known = this.#queueOf(queue);
          if (known === null) break;
          known.finished(this.#now(), 'failed', null);
          for (const totals of this.series.of(queue, jobClass)) totals.end('failed', null);
        }
        break;
      case 'queue.removed':
        // It may have moved to another entry of the config.
        if (this.#isKnown(event.queue)) break;
        this.#queues.delete(event.queue);
        this.series.removed(event.queue);
        break;
      default:
        this.runner.heard(event);
    }
  }

  /**
   * Changes whenever `windows` may have another result.
   *
   * @returns `null` if no job of the queue has started
   */
  versionOf(queue: string): string | null {
    const counts = this.#queues.get(queue);
    return counts === undefined ? null : `${counts.version} ${Math.floor(this.#clock.elapsedMs() / slotMs)}`;
  }

  /** @returns `null` if no job of the queue has started */
  windows(queue: string): StatisticsWindows | null {
    const counts = this.#queues.get(queue);
    if (counts === undefined) return null;
    const nowMs = this.#clock.elapsedMs();
    return {
      lastMinute: counts.lastMinute(nowMs),
      last15Minutes: counts.last15Minutes(nowMs),
      sinceStart: counts.sinceStart(nowMs),
    };
  }

  /** The last hour of a queue. */
  steps(queue: string): StatisticsSteps {
    const nowMs = this.#clock.elapsedMs();
    return {
      stepMs: minuteMs,
      lastFromMs: Math.round(this.#clock.nowMs() - (nowMs % minuteMs)),
      steps: this.#queues.get(queue)?.minutes(nowMs) ?? [],
    };
  }

  #queueOf(queue: string): QueueCounts | null {
    const known = this.#queues.get(queue);
    if (known !== undefined) return known;
    if (!this.#isKnown(queue)) return null;
    const created = new QueueCounts(this.#clock.elapsedMs());
    this.#queues.set(queue, created);
    return created;
  }

  #now(): number {
    const nowMs = this.#clock.elapsedMs();
    // Once a minute at most, and only while jobs run: otherwise the memory doesn't grow.
    const minute = Math.floor(nowMs / minuteMs);
    if (minute !== this.#minute) for (const counts of this.#queues.values()) counts.rest(nowMs);
    this.#minute = minute;
    return nowMs;
  }
}

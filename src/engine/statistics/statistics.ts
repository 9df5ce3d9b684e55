/**
 * The source of all numbers about queues: for the screen and `status`, whose windows and charts it computes on request. It
 * listens to events, so jobs know nothing of it. What it computes is about the jobs that this engine ran.
 */
import type { EngineEvent } from '../../protocol/events.ts';
import type { StatisticsSteps, StatisticsWindows } from '../../protocol/statistics.ts';
import { waitedMs } from '../../resque/format/enqueued-at.ts';
import type { Clock } from '../../resque/redis/clock.ts';
import { QueueCounts, slotMs, slotsPerMinute } from './queue-counts.ts';

const minuteMs = slotMs * slotsPerMinute;

export class Statistics {
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
        const { queue, startedAtMs, enqueuedAtMs } = event.job;
        const waitMs = enqueuedAtMs === undefined ? null : waitedMs(enqueuedAtMs, startedAtMs);
        this.#countsOf(queue)?.started(this.#now(), waitMs);
        break;
      }
      case 'job.finished': {
        const { queue, outcome, durationMs } = event;
        const counts = this.#queues.get(queue);
        if (outcome === 'requeued' || outcome === 'snoozed') counts?.returned(this.#now(), outcome);
        else counts?.finished(this.#now(), outcome, durationMs);
        break;
      }
      case 'failure.recorded':
        // Its payload is not a job, so there are no other events of it.
        if (event.failure.jobId === null)
          this.#countsOf(event.failure.queue)?.finished(this.#now(), 'failed', null);
        break;
      case 'queue.removed':
        // It may have moved to another entry of the config.
        if (!this.#isKnown(event.queue)) this.#queues.delete(event.queue);
        break;
      default: // Says nothing about jobs.
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

  #countsOf(queue: string): QueueCounts | null {
    const known = this.#queues.get(queue);
    if (known !== undefined) return known;
    if (!this.#isKnown(queue)) return null;
    const counts = new QueueCounts(this.#clock.elapsedMs());
    this.#queues.set(queue, counts);
    return counts;
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

/**
 * What is in Redis, for screens and metrics: lengths of queues, when their oldest jobs came, failures and delayed jobs. Reads
 * everything at once, one read at a time, and nothing while Redis is down.
 */
import type { OldestJob } from '../../protocol/statistics.ts';
import { mostTimes } from '../../resque/delayed/delayed-count.ts';
import { waitedMs } from '../../resque/format/enqueued-at.ts';
import { readPayload } from '../../resque/format/payload.ts';
import { RedisError } from '../../resque/redis/redis-error.ts';
import type { ResqueClient } from '../../resque/steps/client.ts';
import type { ListFigures } from '../../resque/waiting/queue-figures.ts';

export interface WaitingFigures {
  /** `null` if unknown: the key is not a list. */
  readonly length: number | null;
  /** How long the job at the head has waited, if its payload says when it was enqueued. 0 for an empty queue. */
  readonly oldestMs: number | null;
  readonly oldest: OldestJob | null;
}

/** `null`: unknown. */
export interface ReadFigures {
  readonly queues: ReadonlyMap<string, WaitingFigures>;
  readonly failures: number | null;
  readonly delayed: { readonly jobs: number; readonly isComplete: boolean } | null;
  /** A lower bound: each time that was not looked at counts as one job. */
  readonly leastDelayed: number | null;
  /** Whether a scheduler keeps schedules in Redis. */
  readonly hasSchedules: boolean;
}

/** What the last read has found. */
interface Found {
  readonly head: Buffer | null;
  /** What the payload at the head says. */
  readonly enqueuedAtMs: number | null;
  /** `null` if the queue was never seen empty. */
  readonly emptyAtMs: number | null;
}

export class RedisFigures {
  readonly #client: ResqueClient;
  readonly #queues: () => readonly string[];
  #found: ReadonlyMap<string, Found> = new Map();
  #reading: Promise<ReadFigures | null> | null = null;

  constructor(client: ResqueClient, queues: () => readonly string[]) {
    this.#client = client;
    this.#queues = queues;
  }

  /** Joins a read that has begun. @returns `null` if Redis can't be read */
  read(): Promise<ReadFigures | null> {
    this.#reading ??= this.#read().finally(() => {
      this.#reading = null;
    });
    return this.#reading;
  }

  /** Begins after the present moment. */
  async readAnew(): Promise<ReadFigures | null> {
    await this.#reading;
    return await this.read();
  }

  async #read(): Promise<ReadFigures | null> {
    if (!this.#client.session.isUp) return null;
    const names = this.#queues();
    // Jobs that come during the read are newer.
    const nowMs = this.#client.clock.nowMs();
    try {
      const { queues, failures, delayed, hasSchedules } = await this.#client.figures(names);
      const found = new Map<string, Found>();
      const waiting = new Map<string, WaitingFigures>();
      for (const [at, name] of names.entries()) {
        const { length, head } = queues[at] ?? { length: null, head: null };
        const now = foundNow({ length, head }, this.#found.get(name), nowMs);
        found.set(name, now);
        waiting.set(name, { length, ...oldestOf(length, now, nowMs) });
      }
      this.#found = found;
      const leastDelayed = delayed === null ? null : delayed.jobs + Math.max(0, delayed.times - mostTimes);
      return { queues: waiting, failures, delayed, leastDelayed, hasSchedules };
    } catch (error) {
      // The session reports it, unless it is only a refusal.
      if (!(error instanceof RedisError)) throw error;
      return null;
    }
  }
}

function foundNow({ length, head }: ListFigures, before: Found | undefined, nowMs: number): Found {
  const emptyAtMs = length === 0 ? nowMs : (before?.emptyAtMs ?? null);
  if (head === null) return { head, enqueuedAtMs: null, emptyAtMs };
  if (before?.head?.equals(head) === true) return { ...before, emptyAtMs };
  const payload = readPayload(head);
  return { head, enqueuedAtMs: payload.isObject ? payload.enqueuedAtMs : null, emptyAtMs };
}

function oldestOf(
  length: number | null,
  { enqueuedAtMs, emptyAtMs }: Found,
  nowMs: number,
): Pick<WaitingFigures, 'oldestMs' | 'oldest'> {
  if (length === 0) return { oldestMs: 0, oldest: null };
  const oldestMs = enqueuedAtMs === null ? null : waitedMs(enqueuedAtMs, nowMs);
  // A delayed job was created before it came to its queue.
  if (enqueuedAtMs !== null && oldestMs !== null)
    return { oldestMs, oldest: { sinceMs: Math.max(enqueuedAtMs, emptyAtMs ?? 0), isKnown: true } };
  // It came after the queue was last seen empty.
  return { oldestMs, oldest: emptyAtMs === null ? null : { sinceMs: emptyAtMs, isKnown: false } };
}

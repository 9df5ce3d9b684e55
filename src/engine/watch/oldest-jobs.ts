/**
 * When the oldest waiting job of each queue came. If its payload says so, that is known. Otherwise the queue may have been seen
 * empty, and the job came after that. Reads the heads of the queues that have jobs, every few seconds, because jobs are
 * taken from there.
 */
import type { EngineEvent } from '../../protocol/events.ts';
import type { OldestJob } from '../../protocol/statistics.ts';
import { waitedMs } from '../../resque/format/enqueued-at.ts';
import { readPayload } from '../../resque/format/payload.ts';
import type { Cancel } from '../../resque/redis/clock.ts';
import { RedisError } from '../../resque/redis/redis-error.ts';
import type { ResqueClient } from '../../resque/steps/client.ts';
import { backlogIntervalMs } from './list-lengths.ts';

const intervalMs = 5_000;

interface Waiting {
  readonly backlog: number;
  /** The queue was empty then; `null` if it was never seen empty. */
  readonly emptyAtMs: number | null;
  /** What the payload at its head says. */
  enqueuedAtMs: number | null;
}

export class OldestJobs {
  readonly #client: ResqueClient;
  readonly #queues = new Map<string, Waiting>();
  #cancel: Cancel = () => {};
  /** Queues whose first jobs have just come. */
  #news: string[] = [];
  #isReading = false;

  constructor(client: ResqueClient) {
    this.#client = client;
  }

  begin(): void {
    const read = () => void this.#read(this.#waiting);
    this.#cancel = this.#client.clock.every(intervalMs, read, { keepsAlive: false });
  }

  stop(): void {
    this.#cancel();
    this.#queues.clear();
  }

  heard(event: EngineEvent): void {
    if (event.type === 'queue.removed') this.#queues.delete(event.queue);
    if (event.type !== 'queue.backlog') return;
    const { queue, backlog } = event;
    const before = this.#queues.get(queue);
    // Only changes are published: it was empty until the read before this one.
    const wasEmpty = before?.backlog === 0;
    const emptyAtMs = wasEmpty ? this.#client.clock.nowMs() - backlogIntervalMs : (before?.emptyAtMs ?? null);
    const enqueuedAtMs = backlog > 0 ? (before?.enqueuedAtMs ?? null) : null;
    this.#queues.set(queue, { backlog, emptyAtMs, enqueuedAtMs });
    if (backlog > 0 && (before === undefined || wasEmpty)) this.#readSoon(queue);
  }

  /** `null` before the first count, and if the key is not a list. */
  backlogOf(queue: string): number | null {
    const backlog = this.#queues.get(queue)?.backlog ?? -1;
    return backlog < 0 ? null : backlog;
  }

  of(queue: string): OldestJob | null {
    const waiting = this.#queues.get(queue);
    if (waiting === undefined || waiting.backlog <= 0) return null;
    const { emptyAtMs, enqueuedAtMs } = waiting;
    if (enqueuedAtMs === null) return emptyAtMs === null ? null : { sinceMs: emptyAtMs, isKnown: false };
    // A delayed job was created before it came to its queue.
    return { sinceMs: Math.max(enqueuedAtMs, emptyAtMs ?? 0), isKnown: true };
  }

  get #waiting(): string[] {
    return [...this.#queues].filter(([, { backlog }]) => backlog > 0).map(([queue]) => queue);
  }

  /** With others that are heard of at the same time, in one command. */
  #readSoon(queue: string): void {
    this.#news.push(queue);
    if (this.#news.length > 1) return;
    setImmediate(() => {
      const queues = this.#news;
      this.#news = [];
      void this.#read(queues);
    });
  }

  async #read(queues: readonly string[]): Promise<void> {
    if (this.#isReading || queues.length === 0 || !this.#client.session.isUp) return;
    this.#isReading = true;
    try {
      const heads = await this.#client.listHeads(queues);
      for (const [at, queue] of queues.entries()) this.#note(queue, heads[at] ?? null);
    } catch (error) {
      // The session reports it, unless it is only a refusal.
      if (!(error instanceof RedisError)) throw error;
    } finally {
      this.#isReading = false;
    }
  }

  #note(queue: string, head: Buffer | null): void {
    const waiting = this.#queues.get(queue);
    if (waiting === undefined) return;
    const payload = head === null ? null : readPayload(head);
    const enqueuedAtMs = payload?.isObject === true ? payload.enqueuedAtMs : null;
    const isPast = enqueuedAtMs !== null && waitedMs(enqueuedAtMs, this.#client.clock.nowMs()) !== null;
    waiting.enqueuedAtMs = isPast ? enqueuedAtMs : null;
  }
}

/**
 * The text of /metrics. No matter how often it is read, it is made at most once a second, and Redis is read at most once a
 * second, one read at a time. A reader waits up to half a second for Redis. Then the page has no metrics that are
 * read from Redis.
 */
import type { EngineFigures, ReadFigures } from '../../engine/figures.ts';
import { Collector, type CollectorOptions, mostQueues } from './collect.ts';
import { OwnProcess } from './own-readings.ts';
import { contentType, pageText } from './text.ts';

const lifetimeMs = 1_000;
const redisLimitMs = 500;

export interface Page {
  readonly contentType: string;
  readonly body: Buffer;
}

export interface MetricsSource {
  figures(): EngineFigures;
  /** `null` if Redis can't be read. */
  readFigures(queues: readonly string[], withOldest: number): Promise<ReadFigures | null>;
}

interface Kept<T> {
  readonly sinceMs: number;
  readonly value: Promise<T>;
}

export class MetricsPages {
  readonly #source: MetricsSource;
  readonly #collector: Collector;
  readonly #own = new OwnProcess();
  #page: Kept<Page> | null = null;
  #reading: (Kept<ReadFigures | null> & { isPending: boolean }) | null = null;

  constructor(source: MetricsSource, options: CollectorOptions) {
    this.#source = source;
    this.#collector = new Collector(options);
  }

  stop(): void {
    this.#own.stop();
  }

  page(): Promise<Page> {
    const kept = this.#page;
    if (kept !== null && performance.now() - kept.sinceMs < lifetimeMs) return kept.value;
    const value = this.#make();
    this.#page = { sinceMs: performance.now(), value };
    // The next reader tries again.
    value.catch(() => {
      this.#page = null;
    });
    return value;
  }

  async #make(): Promise<Page> {
    const read = await this.#readInTime();
    const samples = this.#collector.collect(this.#source.figures(), read, this.#own.read());
    return { contentType, body: await pageText(samples) };
  }

  /** @returns `null` if Redis can't be read now */
  async #readInTime(): Promise<ReadFigures | null> {
    const { isRedisUp, queues } = this.#source.figures();
    if (!isRedisUp) return null;
    const nowMs = performance.now();
    const last = this.#reading;
    // A read that hangs is not repeated.
    const isUsable = last !== null && (last.isPending || nowMs - last.sinceMs < lifetimeMs);
    const reading = isUsable ? last : this.#read(queues.map(({ name }) => name));
    const leftMs = reading.sinceMs + redisLimitMs - nowMs;
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<null>((resolve) => {
      timer = setTimeout(() => resolve(null), Math.max(0, leftMs));
    });
    const read = await Promise.race([reading.value, late]);
    clearTimeout(timer);
    return read;
  }

  #read(queues: readonly string[]) {
    const value = this.#source.readFigures(queues, mostQueues);
    const reading = { sinceMs: performance.now(), value, isPending: true };
    const end = () => {
      reading.isPending = false;
    };
    value.then(end, end);
    this.#reading = reading;
    return reading;
  }
}

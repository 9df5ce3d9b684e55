/** Job rates from Redis' counters. A counter that has decreased gives no rate. Pure. */
import { grouped } from '../../messages/quantities.ts';
import type { StatusFacts } from '../../resque/workers/read-status.ts';
import type { WorkerFacts } from '../../resque/workers/registry.ts';

/** Jobs per second; `null` if unknown. */
export type Rate = number | null;

/** Jobs that a worker has finished, successfully or not. node-resque counts failed jobs separately. */
export function finishedBy({ processed, failed, about, isPinging }: WorkerFacts): number | null {
  if (processed === null || failed === null) return null;
  return about.part === 'number' || isPinging ? processed + failed : processed;
}

export class Rates {
  readonly #before: StatusFacts | null;
  readonly #now: StatusFacts;
  readonly #elapsedSeconds: number;
  readonly #workersBefore: ReadonlyMap<string, WorkerFacts>;
  /** Workers that have gone since the previous reading. */
  readonly #gone: readonly WorkerFacts[];

  /** @param before the previous reading; `null` in the first one */
  constructor(before: StatusFacts | null, now: StatusFacts) {
    this.#before = before;
    this.#now = now;
    this.#elapsedSeconds = before === null ? 0 : (now.nowMs - before.nowMs) / 1_000;
    this.#workersBefore = new Map((before?.workers ?? []).map((worker) => [worker.id, worker]));
    const ids = new Set(now.workers.map(({ id }) => id));
    this.#gone = (before?.workers ?? []).filter(({ id }) => !ids.has(id));
  }

  total(): Rate {
    return this.#perSecond(difference(this.#before?.processed ?? null, this.#now.processed));
  }

  /**
   * The rate of some workers together.
   *
   * @param wasOne whether a worker that has gone was one of them. Its last jobs are unknown, so there is no rate then.
   */
  of(workers: readonly WorkerFacts[], wasOne: (worker: WorkerFacts) => boolean): Rate {
    if (this.#before === null || this.#gone.some(wasOne)) return null;
    return this.#perSecond(sumOf(workers.map((worker) => this.#finishedSince(worker))));
  }

  #finishedSince(worker: WorkerFacts): number | null {
    const before = this.#workersBefore.get(worker.id);
    // A new worker counts from its start.
    return difference(before === undefined ? 0 : finishedBy(before), finishedBy(worker));
  }

  #perSecond(jobs: number | null): Rate {
    return jobs === null || this.#elapsedSeconds <= 0 ? null : rounded(jobs / this.#elapsedSeconds);
  }
}

/** The average of a younger worker depends more on its start than on its speed. */
const leastAgeMs = 1_000;

export function averagePerMinute(
  jobs: number | null,
  startedAtMs: number | null,
  nowMs: number,
): number | null {
  if (jobs === null || startedAtMs === null || nowMs - startedAtMs < leastAgeMs) return null;
  return rounded((jobs * 60_000) / (nowMs - startedAtMs));
}

/** More digits would only show the precision of the clock. */
function rounded(rate: number): number {
  return Math.round(rate * 1_000) / 1_000;
}

/** @returns `null` if one of them is `null` */
export function sumOf(numbers: readonly (number | null)[]): number | null {
  return numbers.reduce<number | null>(
    (sum, number) => (sum === null || number === null ? null : sum + number),
    0,
  );
}

function difference(before: number | null, now: number | null): number | null {
  return before === null || now === null || now < before ? null : now - before;
}

/** `0`, `0.4`, `12`, `1,204`; `-` if unknown. */
export function rateText(rate: number | null): string {
  if (rate === null) return '-';
  if (rate === 0) return '0';
  if (rate < 0.05) return '<0.1';
  return rate < 9.95 ? rate.toFixed(1) : grouped(Math.round(rate));
}

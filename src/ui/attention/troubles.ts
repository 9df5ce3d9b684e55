/**
 * Notices trouble that an operator should look at, although the screen may be behind other windows: Redis is away, a queue
 * can't start, failures burst. It looks at counters and states of the engine only, never at what jobs print. Pure.
 *
 * A burst begins with five failures within ten seconds, if that is three times the rate of the two minutes before. It ends
 * when there are fewer, or when they have become usual. So it counts once, and a queue that always fails a little is no burst.
 */
import type { Snapshot } from '../../protocol/snapshot.ts';

export interface Troubles {
  readonly isRedisDown: boolean;
  /** Number of queues whose program can't be started. */
  readonly unstartable: number;
  readonly isBursting: boolean;
}

const burstFailures = 5;
const burstMs = 10_000;
/** How long ago failures are usual. */
const usualMs = 120_000;
const risesBy = 3;
/** Less than at the beginning, so that a burst doesn't end and begin again all the time. */
const staysBy = 1.5;
/** Failures of one span share a sample. */
const sampleMs = 1_000;

interface Sample {
  readonly atMs: number;
  count: number;
}

export class TroubleWatch {
  #samples: Sample[] = [];
  /** Failures at the last look; `null` before the first. */
  #failed: number | null = null;
  #enginePid: number | null = null;
  #isBursting = false;

  /** @param nowMs by any clock that never goes back */
  look(model: Pick<Snapshot, 'engine' | 'redis' | 'queues' | 'totals'>, nowMs: number): Troubles {
    this.#count(model, nowMs);
    const recent = this.#since(nowMs - burstMs);
    const before = this.#since(nowMs - burstMs - usualMs) - recent;
    const usual = before * (burstMs / usualMs);
    this.#isBursting = recent >= burstFailures && recent >= usual * (this.#isBursting ? staysBy : risesBy);
    return {
      isRedisDown: model.redis.state === 'down',
      unstartable: model.queues.filter(({ pauses }) => pauses.some(({ kind }) => kind === 'unstartable'))
        .length,
      isBursting: this.#isBursting,
    };
  }

  #count({ engine, totals }: Pick<Snapshot, 'engine' | 'totals'>, nowMs: number): void {
    const pid = engine?.pid ?? null;
    // What failed before this screen was opened is no news.
    const isNew = this.#failed === null || pid !== this.#enginePid;
    const added = isNew ? 0 : Math.max(0, totals.failed - (this.#failed ?? 0));
    this.#enginePid = pid;
    this.#failed = pid === null ? null : totals.failed;
    this.#samples = this.#samples.filter(({ atMs }) => atMs > nowMs - burstMs - usualMs);
    if (added === 0) return;
    const last = this.#samples.at(-1);
    if (last !== undefined && nowMs - last.atMs < sampleMs) last.count += added;
    else this.#samples.push({ atMs: nowMs, count: added });
  }

  #since(fromMs: number): number {
    return this.#samples.reduce((sum, { atMs, count }) => sum + (atMs > fromMs ? count : 0), 0);
  }
}

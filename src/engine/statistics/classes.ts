/**
 * Counts durations in classes whose bounds rise by a factor, as for a logarithmic scale: the same relative precision from a
 * millisecond to days, in a fixed number of counters. Four classes double the duration:
 *
 *     class 0   under 1 ms
 *     class n   2^((n - 1) / 4) ms up to 2^(n / 4) ms
 *     the last  everything from 2^27.5 ms, about two days
 *
 * A percentile is the geometric middle of its class, so it is wrong by at most 2^(1/8), which is 9.1 %. A value interpolated
 * within the class would often be nearer, but at worst wrong by 19 %.
 */
import type { Spread } from '../../protocol/statistics.ts';

export const classCount = 112;

const perDoubling = 4;

/** Durations are whole milliseconds. Below this, a class has at most one of them, and the percentiles are exact. */
const exactMs = 8;

const middles = Float64Array.from({ length: classCount }, (_, at) => {
  const middle = at === 0 ? 0 : 2 ** ((at - 0.5) / perDoubling);
  return middle < exactMs ? Math.round(middle) : Number(middle.toPrecision(3));
});

/** @param ms not negative */
export function classOf(ms: number): number {
  if (ms < 1) return 0;
  const at = 1 + Math.floor(perDoubling * Math.log2(ms));
  return at < classCount ? at : classCount - 1;
}

/** @returns `null` if nothing was counted */
export function spreadOf(counts: Uint32Array, maxMs: number): Spread | null {
  let total = 0;
  for (let at = 0; at < classCount; at += 1) total += counts[at] ?? 0;
  if (total === 0) return null;
  return {
    p50Ms: percentile(counts, total, 0.5, maxMs),
    p95Ms: percentile(counts, total, 0.95, maxMs),
    maxMs,
  };
}

/** The smallest value that is no less than this share of all. */
function percentile(counts: Uint32Array, total: number, share: number, maxMs: number): number {
  let left = Math.ceil(share * total);
  let at = 0;
  for (; at < classCount - 1; at += 1) {
    left -= counts[at] ?? 0;
    if (left <= 0) break;
  }
  // The last class has no end.
  return at === classCount - 1 ? maxMs : Math.min(middles[at] ?? 0, maxMs);
}

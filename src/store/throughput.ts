/**
 * Counts what ends per stretch of time. Each count goes into the newest bucket, so that a clock which was set
 * back does no harm: from then on the newest bucket is called by the number of the new time, and what was
 * counted before moves with it.
 */
import { type Throughput, throughputBucketMs, throughputBuckets } from '../protocol/snapshot.ts';

/** Where nobody knows since when there was nothing. */
export const emptyThroughput: Throughput = { last: 0, counts: [] };

export function bucketOf(atMs: number): number {
  return Math.floor(atMs / throughputBucketMs);
}

/** Nothing has ended yet, and it is known that counting began now. */
export function throughputSince(atMs: number): Throughput {
  return { last: bucketOf(atMs), counts: [0] };
}

/** One more has ended. */
export function counted({ last, counts }: Throughput, atMs: number): Throughput {
  const bucket = bucketOf(atMs);
  const isNewer = bucket > last || counts.length === 0;
  if (!isNewer) {
    const same = counts.slice();
    same[same.length - 1] = (same[same.length - 1] ?? 0) + 1;
    return { last: bucket, counts: same };
  }
  const gap = counts.length === 0 ? 1 : Math.min(bucket - last, throughputBuckets);
  const moved = counts.slice(Math.max(0, counts.length + gap - throughputBuckets));
  for (let zeros = 1; zeros < gap; zeros += 1) moved.push(0);
  moved.push(1);
  return { last: bucket, counts: moved };
}

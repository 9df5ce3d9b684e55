/**
 * Counts jobs that end, by bucket of time. Each count goes into the newest bucket. After the clock has been set back, the
 * newest bucket takes the number of the new time, and earlier counts move with it.
 */
import { type Throughput, throughputBucketMs, throughputBuckets } from '../protocol/snapshot.ts';

export function bucketOf(atMs: number): number {
  return Math.floor(atMs / throughputBucketMs);
}

/** Counting begins now. */
export function throughputSince(atMs: number): Throughput {
  return { last: bucketOf(atMs), counts: [0] };
}

/** Before counting begins. */
export const emptyThroughput = throughputSince(0);

/** One more job has ended. */
export function counted({ last, counts }: Throughput, atMs: number): Throughput {
  const bucket = bucketOf(atMs);
  const gap = Math.min(bucket - last, throughputBuckets);
  const moved = counts.slice(Math.max(0, counts.length + gap - throughputBuckets));
  for (let zeros = 0; zeros < gap; zeros += 1) moved.push(0);
  moved[moved.length - 1] = (moved[moved.length - 1] ?? 0) + 1;
  return { last: bucket, counts: moved };
}

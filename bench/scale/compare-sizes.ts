/** Shared code of the parts of this bench. */
import { type Contestant, runContest, turnRatios } from '../lib/contest.ts';
import type { RedisServer } from '../lib/redis-server.ts';
import { printVerdict, spreadText } from '../lib/report.ts';

const goal = 0.95;

/** Compares each size with the smallest one; the verdict is about the largest one. */
export async function compareSizes(redis: RedisServer, sizes: readonly Contestant[]): Promise<void> {
  const [smallest, ...larger] = sizes;
  const largest = larger.at(-1);
  if (smallest === undefined || largest === undefined) throw new Error('there is nothing to compare');
  await runContest(
    redis,
    sizes,
    larger.map((each) => [each, smallest]),
  );
  const ratio = turnRatios(largest, smallest, 'jobsPerSecond');
  printVerdict(
    `${largest.name}: at least ${goal} of the jobs/s with ${smallest.name} (median)`,
    ratio.median >= goal,
    spreadText(ratio, 2),
  );
}

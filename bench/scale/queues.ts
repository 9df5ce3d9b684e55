/**
 * Runners with few and with many queues. The same work for each, four slots of one queue; the others, an entry each,
 * are waited for and stay empty. The one at work is the last, behind all others.
 */
import type { Bench } from '../lib/bench.ts';
import type { Contestant } from '../lib/contest.ts';
import { slots, startRunnerContestant } from '../lib/contestants.ts';
import { numberFlag } from '../lib/flags.ts';
import { noopProgram } from '../lib/job-programs.ts';
import type { RedisServer } from '../lib/redis-server.ts';
import { compareSizes } from './compare-sizes.ts';

const sizes = [1, 10, 100, 1_000];

export async function measureQueues(bench: Bench, redis: RedisServer): Promise<void> {
  const contestants: Contestant[] = [];
  const jobs = numberFlag('jobs', 2_000);
  const script = await noopProgram(bench);
  for (const size of sizes) {
    const names = Array.from({ length: size }, (_, at) => `of-${size}-${at + 1}`);
    const busy = names.at(-1) ?? '';
    const runners = Object.fromEntries(names.map((name) => [name, name === busy ? slots : 1]));
    const name = size === 1 ? '1 queue' : `${size} queues`;
    contestants.push(
      await startRunnerContestant(bench, redis, { name, runners, queues: [busy], script, jobs }),
    );
  }
  await compareSizes(redis, contestants);
}

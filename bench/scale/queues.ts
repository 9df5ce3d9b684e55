/**
 * Runners with few and many queues. Each runner does the same work in four slots of its last queue. It also waits for the
 * other queues, one entry each, which stay empty.
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

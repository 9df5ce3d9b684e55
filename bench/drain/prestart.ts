/**
 * No-op jobs in prestarted programs. If the queue is never empty, prestarting gains nothing; this measures its cost.
 */
import type { Bench, Command } from '../lib/bench.ts';
import { runContest } from '../lib/contest.ts';
import { slots, startBaselineContestant, startRunnerContestant } from '../lib/contestants.ts';
import { numberFlag } from '../lib/flags.ts';
import { noopProgram } from '../lib/job-programs.ts';
import type { RedisServer } from '../lib/redis-server.ts';

export async function measurePrestart(bench: Bench, redis: RedisServer): Promise<void> {
  const jobs = numberFlag('jobs', 2_000);
  const command: Command = [await noopProgram(bench)];
  const name = 'prestart';
  const runners = { [name]: { concurrency: slots, script: command, prestart: true } };
  const prestart = await startRunnerContestant(bench, redis, { name, runners, jobs });
  const plain = await startRunnerContestant(bench, redis, { name: 'runner', script: command, jobs });
  const baseline = await startBaselineContestant(bench, redis, { command, jobs });
  const others = [plain, baseline];
  await runContest(
    redis,
    [prestart, ...others],
    others.map((other) => [prestart, other]),
  );
}

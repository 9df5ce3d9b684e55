/** Python jobs that only read their payload: most of the time is the start of Python. */
import type { Bench } from '../lib/bench.ts';
import { runContest } from '../lib/contest.ts';
import { startOpponent, startRunnerContestant } from '../lib/contestants.ts';
import { numberFlag } from '../lib/flags.ts';
import { pythonProgram } from '../lib/job-programs.ts';
import type { RedisServer } from '../lib/redis-server.ts';

export async function measurePython(bench: Bench, redis: RedisServer): Promise<void> {
  const command = await pythonProgram('read-json');
  if (command === null) {
    console.log('Skipped Python: python3 is not installed.');
    return;
  }
  // A job takes ten times as long as a no-op.
  const jobs = Math.ceil(numberFlag('jobs', 2_000) / 10);
  const ours = await startRunnerContestant(bench, redis, { name: 'runner', script: command, jobs });
  const opponent = await startOpponent(bench, redis, { command, jobs });
  await runContest(redis, [ours, opponent], [[ours, opponent]]);
}

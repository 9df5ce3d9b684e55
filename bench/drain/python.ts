/** Jobs in Python that do no more than read their payload: most of the time goes into the start of Python. */
import type { Bench } from '../lib/bench.ts';
import { runContest } from '../lib/contest.ts';
import { startOpponent, startRunnerContestant } from '../lib/contestants.ts';
import { numberFlag } from '../lib/flags.ts';
import { pythonProgram } from '../lib/job-programs.ts';
import type { RedisServer } from '../lib/redis-server.ts';

export async function measurePython(bench: Bench, redis: RedisServer): Promise<void> {
  const command = await pythonProgram('read-json');
  if (command === null) {
    console.log('There is no python3 here: left out.');
    return;
  }
  // Each takes ten times as long as a no-op.
  const jobs = Math.ceil(numberFlag('jobs', 2_000) / 10);
  const ours = await startRunnerContestant(bench, redis, { name: 'runner', script: command, jobs });
  const opponent = await startOpponent(bench, redis, { command, jobs });
  await runContest(redis, [ours, opponent], [[ours, opponent]]);
}

/**
 * No-op jobs while a program reads the log from a pipe, on the same cores: two lines a job. Beside it runs the same runner
 * with its log in /dev/null, so the ratio is the cost of handing the log on.
 */
import type { Bench, Command } from '../lib/bench.ts';
import { type Contestant, runContest, turnRatios } from '../lib/contest.ts';
import { startRunnerContestant } from '../lib/contestants.ts';
import { numberFlag, textFlag } from '../lib/flags.ts';
import { noopProgram } from '../lib/job-programs.ts';
import type { RedisServer } from '../lib/redis-server.ts';
import { printVerdict, spreadText } from '../lib/report.ts';

const goal = 0.9;

export async function measureLog(bench: Bench, redis: RedisServer): Promise<void> {
  const jobs = numberFlag('jobs', 2_000);
  const script: Command = [await noopProgram(bench)];
  const start = (name: string, log: 'nowhere' | 'pipe', build?: string) =>
    startRunnerContestant(bench, redis, {
      ...{ name, script, jobs, log },
      ...(build === undefined ? {} : { build }),
    });
  const unread = await start('nowhere', 'nowhere');
  const read = await start('pipe', 'pipe');
  const contestants = [unread, read];
  const pairs: [Contestant, Contestant][] = [[read, unread]];
  const build = textFlag('against');
  if (build !== null) {
    const other = await start('against', 'pipe', build);
    contestants.push(other);
    pairs.push([other, unread]);
  }
  await runContest(redis, contestants, pairs);
  const ratio = turnRatios(read, unread, 'jobsPerSecond');
  printVerdict(
    `at least ${goal} of the jobs/s without a reader of the log (median)`,
    ratio.median >= goal,
    spreadText(ratio, 2),
  );
}

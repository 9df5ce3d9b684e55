/** Jobs that do nothing in persistent programs, compared with a start per job. */
import type { Bench, Command } from '../lib/bench.ts';
import { type Contestant, runContest, turnRatios } from '../lib/contest.ts';
import { slots, startBaselineContestant, startRunnerContestant } from '../lib/contestants.ts';
import { numberFlag } from '../lib/flags.ts';
import { nodeProgram, noopProgram, pythonProgram } from '../lib/job-programs.ts';
import type { RedisServer } from '../lib/redis-server.ts';
import { printVerdict, spreadText } from '../lib/report.ts';

const goal = 15;
/** Makes a turn about as long as a turn of the baseline. */
const jobsFactor = 20;

export async function measurePersistent(bench: Bench, redis: RedisServer): Promise<void> {
  const jobs = numberFlag('jobs', 2_000);
  const programs = { node: nodeProgram('persistent-noop'), python: await pythonProgram('persistent-noop') };
  const ours: Contestant[] = [];
  for (const [language, script] of Object.entries(programs)) {
    if (script === null) console.log('Skipped Python: python3 is not installed.\n');
    else ours.push(await startPersistent(bench, redis, `persistent-${language}`, script, jobsFactor * jobs));
  }
  const command: Command = [await noopProgram(bench)];
  const baseline = await startBaselineContestant(bench, redis, { command, jobs });
  await runContest(
    redis,
    [...ours, baseline],
    ours.map((each) => [each, baseline]),
  );
  for (const each of ours) {
    const ratio = turnRatios(each, baseline, 'jobsPerSecond');
    printVerdict(
      `${each.name}: at least ${goal} times the jobs/s of the baseline, which starts a program per job (median)`,
      ratio.median >= goal,
      spreadText(ratio, 1),
    );
  }
}

async function startPersistent(
  bench: Bench,
  redis: RedisServer,
  name: string,
  script: Command,
  jobs: number,
): Promise<Contestant> {
  const runners = { [name]: { concurrency: slots, script, mode: 'persistent' } };
  return await startRunnerContestant(bench, redis, { name, runners, jobs });
}

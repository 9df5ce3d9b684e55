/** Runners with few and many slots, for jobs that do nothing and jobs that sleep. */
import type { Bench, Command } from '../lib/bench.ts';
import { type Contestant, runContest } from '../lib/contest.ts';
import { startRunnerContestant } from '../lib/contestants.ts';
import { numberFlag } from '../lib/flags.ts';
import { napProgram, noopProgram } from '../lib/job-programs.ts';
import type { RedisServer } from '../lib/redis-server.ts';
import { median } from '../lib/statistics.ts';

const sizes = [1, 4, 16, 64, 256];
const napSeconds = 0.05;
/** Jobs per slot. With few slots, sleeping jobs take long, so a few are enough. */
const napsPerSlot = 40;

export async function measureSlots(bench: Bench, redis: RedisServer): Promise<void> {
  const jobs = numberFlag('jobs', 2_000);
  console.log('jobs that do nothing:');
  await contest(bench, redis, [await noopProgram(bench)], () => jobs);
  console.log(`jobs that sleep for ${1000 * napSeconds} ms:`);
  const nap = await napProgram(bench, napSeconds);
  const naps = await contest(bench, redis, nap, (slots) => Math.min(jobs, napsPerSlot * slots));
  const shares = naps.map(({ name, turns }, at) => {
    const perSecond = median(turns.map(({ jobsPerSecond }) => jobsPerSecond));
    const share = (perSecond * napSeconds) / (sizes[at] ?? Number.NaN);
    return `${name} ${(100 * share).toFixed(0)} %`;
  });
  console.log(`Share of the maximum, if only sleeping took time: ${shares.join(', ')}.`);
}

async function contest(
  bench: Bench,
  redis: RedisServer,
  script: Command,
  jobsOf: (slots: number) => number,
): Promise<Contestant[]> {
  const contestants: Contestant[] = [];
  for (const slots of sizes) {
    const name = slots === 1 ? '1 slot' : `${slots} slots`;
    const spec = { name, script, runners: { [name]: slots }, jobs: jobsOf(slots) };
    contestants.push(await startRunnerContestant(bench, redis, spec));
  }
  const [smallest, ...larger] = contestants;
  const pairs = smallest === undefined ? [] : larger.map((each) => [each, smallest] as const);
  await runContest(redis, contestants, pairs);
  return contestants;
}

/**
 * How many jobs that do nothing get through 4 slots, and what CPU the runner needs for each: in turns with the
 * baseline, which does it as the program of 2012 did; or, with `--against=FILE`, with another build of the runner.
 * `--rounds=6 --jobs=2000`.
 */
import { type Bench, type BenchProcess, runBench } from './lib/bench.ts';
import { compile } from './lib/compile.ts';
import { numberFlag, textFlag } from './lib/flags.ts';
import { cpuSeconds, residentMegabytes } from './lib/process-usage.ts';
import { type RedisServer, startRedis } from './lib/redis-server.ts';
import { printHeading, printTable, spreadText } from './lib/report.ts';
import { ratios, spread } from './lib/statistics.ts';
import { startPeer, startRunner } from './lib/subjects.ts';
import { waitFor } from './lib/wait-for.ts';

const slots = 4;

interface Round {
  readonly jobsPerSecond: number;
  readonly cpuMsPerJob: number;
  /** What Redis spends on it: on the same machine that counts as well. */
  readonly redisCpuMsPerJob: number;
}

/** One who takes jobs from the queue of its name. */
interface Contestant {
  readonly name: string;
  readonly process: BenchProcess;
  readonly rounds: Round[];
}

async function drain(
  redis: RedisServer,
  { name, process: { pid } }: Contestant,
  jobs: number,
): Promise<Round> {
  const processed = async () => Number(await redis.client.get('resque:stat:processed'));
  const wanted = (await processed()) + jobs;
  const cpuBefore = [await cpuSeconds(pid), await cpuSeconds(redis.pid)] as const;
  const startedAt = performance.now();
  await redis.enqueueMany(name, jobs);
  await waitFor(`${jobs} jobs`, async () => (await processed()) >= wanted, { limitMs: 600_000, everyMs: 10 });
  const seconds = (performance.now() - startedAt) / 1000;
  return {
    jobsPerSecond: jobs / seconds,
    cpuMsPerJob: (1000 * ((await cpuSeconds(pid)) - cpuBefore[0])) / jobs,
    redisCpuMsPerJob: (1000 * ((await cpuSeconds(redis.pid)) - cpuBefore[1])) / jobs,
  };
}

async function startContestants(bench: Bench, redis: RedisServer): Promise<[Contestant, Contestant]> {
  const program = (await compile(bench, 'noop')) ?? '/bin/true';
  const runner = async (name: string, build?: string): Promise<Contestant> => {
    const spec = { redis, runners: { [name]: slots }, script: program };
    return {
      name,
      process: await startRunner(bench, build === undefined ? spec : { ...spec, build }),
      rounds: [],
    };
  };
  const ours = await runner('runner');
  const against = textFlag('against');
  if (against !== null) return [ours, await runner('against', against)];
  const args = [String(redis.port), 'baseline', String(slots), program];
  const baseline = await startPeer(bench, { name: 'baseline', args, isBundled: false });
  await redis.waitForBlpop(1 + slots);
  return [ours, { name: 'baseline', process: baseline, rounds: [] }];
}

function report(ours: Contestant, theirs: Contestant): void {
  const figures = ({ rounds }: Contestant, name: keyof Round) => rounds.map((round) => round[name]);
  const row = (contestant: Contestant) => [
    contestant.name,
    spreadText(spread(figures(contestant, 'jobsPerSecond')), 0),
    spreadText(spread(figures(contestant, 'cpuMsPerJob')), 2),
    spreadText(spread(figures(contestant, 'redisCpuMsPerJob')), 2),
    residentMegabytes(contestant.process.pid).toFixed(0),
  ];
  const ratio = (name: keyof Round) => spreadText(ratios(figures(ours, name), figures(theirs, name)), 2);
  printTable([
    ['', 'jobs/s', 'CPU ms a job', 'of Redis', 'MB resident'],
    row(ours),
    row(theirs),
    ['ratio', ratio('jobsPerSecond'), ratio('cpuMsPerJob'), ratio('redisCpuMsPerJob'), ''],
  ]);
  console.log('Median of the rounds, the least and the most. CPU is without that of the children.');
}

async function measure(bench: Bench): Promise<void> {
  const rounds = numberFlag('rounds', 6);
  const jobs = numberFlag('jobs', 2_000);
  const redis = await startRedis(bench);
  await printHeading(`drain: ${rounds} rounds of ${jobs} no-op jobs through ${slots} slots`, redis);
  const contestants = await startContestants(bench, redis);
  // What is measured is a daemon, so compiled code: some jobs before.
  for (const contestant of contestants) await drain(redis, contestant, Math.min(jobs, 500));
  for (let round = 0; round < rounds; round += 1) {
    for (const contestant of contestants) contestant.rounds.push(await drain(redis, contestant, jobs));
  }
  report(...contestants);
}

await runBench(measure);

/** Several who get the same jobs done, in turns, all of them alive all the time; and what it takes each. */
import type { BenchProcess } from './bench.ts';
import { numberFlag } from './flags.ts';
import { cpuSeconds, residentMegabytes } from './process-usage.ts';
import type { RedisServer } from './redis-server.ts';
import { printTable, spreadText } from './report.ts';
import { ratios, type Spread, spread } from './statistics.ts';

export interface Contestant {
  readonly name: string;
  readonly process: BenchProcess;
  /** In one of its turns. */
  readonly jobs: number;
  readonly work: Work;
  readonly turns: Turn[];
}

/** One turn; what is measured is its middle. */
export interface Work {
  readonly before?: (jobs: number) => Promise<void>;
  /** Ends when so many jobs have. */
  readonly during: (jobs: number) => Promise<void>;
  /** Until it is idle. */
  readonly after?: () => Promise<void>;
}

interface Turn {
  readonly jobsPerSecond: number;
  /** Without that of its children. */
  readonly cpuMsPerJob: number;
  /** What Redis spends on it: on the same machine that counts as well. */
  readonly redisCpuMsPerJob: number;
}

/** One divided by the other. */
type Pair = readonly [Contestant, Contestant];

/** A turn of each in every round; prints the figures of each and the ratios of these pairs, and ends them all. */
export async function runContest(
  redis: RedisServer,
  contestants: readonly Contestant[],
  pairs: readonly Pair[],
): Promise<void> {
  await takeTurns(redis, contestants, numberFlag('rounds', 6));
  printTurns(contestants, pairs);
  for (const { process } of contestants) await process.stop();
}

async function takeTurns(
  redis: RedisServer,
  contestants: readonly Contestant[],
  rounds: number,
): Promise<void> {
  // What is measured are daemons, so compiled code: some jobs before.
  for (const contestant of contestants) await takeTurn(redis, contestant, Math.ceil(contestant.jobs / 4));
  for (let round = 0; round < rounds; round += 1) {
    for (const contestant of contestants) {
      contestant.turns.push(await takeTurn(redis, contestant, contestant.jobs));
    }
  }
}

async function takeTurn(redis: RedisServer, { process, work }: Contestant, jobs: number): Promise<Turn> {
  await work.before?.(jobs);
  const pids = [process.pid, redis.pid];
  const before = await Promise.all(pids.map(cpuSeconds));
  const startedAt = performance.now();
  await work.during(jobs);
  const seconds = (performance.now() - startedAt) / 1000;
  const after = await Promise.all(pids.map(cpuSeconds));
  await work.after?.();
  const [cpuMsPerJob = Number.NaN, redisCpuMsPerJob = Number.NaN] = after.map(
    (used, at) => (1000 * (used - (before[at] ?? 0))) / jobs,
  );
  return { jobsPerSecond: jobs / seconds, cpuMsPerJob, redisCpuMsPerJob };
}

/** Round by round, what one took or got done, divided by what the other did. */
export function turnRatios(one: Contestant, other: Contestant, figure: keyof Turn): Spread {
  return ratios(figures(one, figure), figures(other, figure));
}

function printTurns(contestants: readonly Contestant[], pairs: readonly Pair[]): void {
  printTable([
    ['', 'jobs/s', 'CPU ms a job', 'of Redis', 'MB resident'],
    ...contestants.map((each) => [
      each.name,
      spreadText(spread(figures(each, 'jobsPerSecond')), 0),
      milliseconds(spread(figures(each, 'cpuMsPerJob'))),
      milliseconds(spread(figures(each, 'redisCpuMsPerJob'))),
      residentMegabytes(each.process.pid).toFixed(0),
    ]),
    ...pairs.map(([one, other]) => [
      `${one.name} : ${other.name}`,
      ratioText(turnRatios(one, other, 'jobsPerSecond')),
      ratioText(turnRatios(one, other, 'cpuMsPerJob')),
      ratioText(turnRatios(one, other, 'redisCpuMsPerJob')),
      '',
    ]),
  ]);
}

/** What the figures of `runContest` are. */
export function printLegend(): void {
  console.log(
    'Median of the rounds, the least and the most. CPU and memory are without those of the children.',
  );
}

function figures({ turns }: Contestant, figure: keyof Turn): number[] {
  return turns.map((turn) => turn[figure]);
}

/** Some take a twentieth of what others do. */
function milliseconds(value: Spread): string {
  return spreadText(value, value.median < 0.2 ? 3 : 2);
}

/** CPU comes in steps of 10 ms: where one is too little for them, there is no ratio. */
function ratioText(ratio: Spread): string {
  return Number.isFinite(ratio.most) && ratio.least > 0 ? spreadText(ratio, 2) : '–';
}

/** Several programs do the same jobs in turns, and all stay alive. Measures the cost of each. */
import type { BenchProcess } from './bench.ts';
import { numberFlag } from './flags.ts';
import { cpuSeconds, residentMegabytes } from './process-usage.ts';
import type { RedisServer } from './redis-server.ts';
import { printTable, spreadText } from './report.ts';
import { ratios, type Spread, spread } from './statistics.ts';

export interface Contestant {
  readonly name: string;
  readonly process: BenchProcess;
  /** Jobs per turn. */
  readonly jobs: number;
  readonly work: Work;
  readonly turns: Turn[];
}

/** One turn; only its middle is measured. */
export interface Work {
  readonly before?: (jobs: number) => Promise<void>;
  /** Resolves when this many jobs have ended. */
  readonly during: (jobs: number) => Promise<void>;
  /** Resolves when it is idle. */
  readonly after?: () => Promise<void>;
}

interface Turn {
  readonly jobsPerSecond: number;
  /** Without its children. */
  readonly cpuMsPerJob: number;
  /** CPU time of Redis, which matters on the same machine. */
  readonly redisCpuMsPerJob: number;
}

/** One divided by the other. */
type Pair = readonly [Contestant, Contestant];

/** Each program has a turn in every round. Prints the figures and the ratios of these pairs, and ends all programs. */
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
  // Some jobs to warm up: daemons run compiled code.
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

/** The ratios of two programs in each round. */
export function turnRatios(one: Contestant, other: Contestant, figure: keyof Turn): Spread {
  return ratios(figures(one, figure), figures(other, figure));
}

function printTurns(contestants: readonly Contestant[], pairs: readonly Pair[]): void {
  printTable([
    ['', 'jobs/s', 'CPU ms per job', 'of Redis', 'MB resident'],
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

/** Explains the figures of `runContest`. */
export function printLegend(): void {
  console.log('Median of the rounds (minimum–maximum). CPU and memory exclude children.');
}

function figures({ turns }: Contestant, figure: keyof Turn): number[] {
  return turns.map((turn) => turn[figure]);
}

/** Some programs take a twentieth of others. */
function milliseconds(value: Spread): string {
  return spreadText(value, value.median < 0.2 ? 3 : 2);
}

/** A dash if the CPU time is too short to compare: it is counted in steps of 10 ms. */
function ratioText(ratio: Spread): string {
  return Number.isFinite(ratio.most) && ratio.least > 0 ? spreadText(ratio, 2) : '–';
}

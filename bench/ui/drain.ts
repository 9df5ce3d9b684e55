/**
 * The cost of a screen for jobs: no-op jobs on four queues, in turns through a runner without a screen, one with an
 * attached screen, and one with its own screen. All three stay alive.
 */
import type { Bench } from '../lib/bench.ts';
import { drainedPerSecond } from '../lib/drain.ts';
import { numberFlag } from '../lib/flags.ts';
import { noopProgram } from '../lib/job-programs.ts';
import type { RedisServer } from '../lib/redis-server.ts';
import { printTable, printVerdict, spreadText } from '../lib/report.ts';
import { Screen } from '../lib/screen.ts';
import { ratios, spread } from '../lib/statistics.ts';
import { runnerProgram, startRunner } from '../lib/subjects.ts';
import { cpuPercents, startScreen } from './stage.ts';

const goal = 0.95;
const queueCount = 4;

interface Contestant {
  readonly name: string;
  readonly queues: readonly string[];
  readonly enginePid: number;
  readonly screen: Screen | null;
  readonly jobsPerSecond: number[];
  readonly engineCpuMsPerJob: number[];
  /** Percent of a core. */
  readonly screenCpu: number[];
  readonly framesPerSecond: number[];
}

export async function measureDrain(bench: Bench, redis: RedisServer): Promise<void> {
  const rounds = numberFlag('rounds', 6);
  const jobs = numberFlag('jobs', 2_000);
  const contestants = await startContestants(bench, redis);
  // Some jobs to warm up: daemons run compiled code.
  for (const contestant of contestants) {
    await drainedPerSecond(redis, contestant.queues, Math.min(jobs, 1_000));
  }
  for (let round = 0; round < rounds; round += 1) {
    for (const contestant of contestants) await measureRound(redis, contestant, jobs);
  }
  report(contestants);
  for (const { screen } of contestants) await screen?.stop();
}

async function startContestants(
  bench: Bench,
  redis: RedisServer,
): Promise<[Contestant, Contestant, Contestant]> {
  const script = await noopProgram(bench);
  const specOf = (name: string) => {
    const queues = Array.from({ length: queueCount }, (_, at) => `${name}-${at + 1}`);
    return { name, redis, script, runners: Object.fromEntries(queues.map((queue) => [queue, 1])) };
  };
  const contestant = (
    spec: ReturnType<typeof specOf>,
    name: string,
    enginePid: number,
    screen: Screen | null,
  ): Contestant => {
    const figures = { jobsPerSecond: [], engineCpuMsPerJob: [], screenCpu: [], framesPerSecond: [] };
    return { name, queues: Object.keys(spec.runners), enginePid, screen, ...figures };
  };

  const [bare, attached, own] = [specOf('bare'), specOf('attached'), specOf('own')];
  const bareRunner = await startRunner(bench, bare);
  const attachedRunner = await startRunner(bench, attached);
  const config = bench.path('attached.json');
  const screen = new Screen(bench, { command: [process.execPath, runnerProgram(), 'attach', config] });
  await screen.waitForText('attached-1');
  const ownScreen = await startScreen(bench, 'own', own);
  return [
    contestant(bare, 'without a screen', bareRunner.pid, null),
    contestant(attached, 'with an attached screen', attachedRunner.pid, screen),
    contestant(own, 'with its own screen', ownScreen.enginePid, ownScreen.screen),
  ];
}

async function measureRound(redis: RedisServer, contestant: Contestant, jobs: number): Promise<void> {
  const { queues, enginePid, screen } = contestant;
  const pids = screen === null ? [enginePid] : [enginePid, screen.pid];
  const framesBefore = screen?.frames ?? 0;
  const startedAt = performance.now();
  const [engineCpu = Number.NaN, screenCpu] = await cpuPercents(pids, async () => {
    contestant.jobsPerSecond.push(await drainedPerSecond(redis, queues, jobs));
  });
  const seconds = (performance.now() - startedAt) / 1000;
  contestant.engineCpuMsPerJob.push((10 * engineCpu * seconds) / jobs);
  if (screen === null || screenCpu === undefined) return;
  contestant.screenCpu.push(screenCpu);
  contestant.framesPerSecond.push((screen.frames - framesBefore) / seconds);
}

function report([bare, ...looked]: readonly [Contestant, ...Contestant[]]): void {
  const text = (values: readonly number[], digits: number) =>
    values.length === 0 ? '' : spreadText(spread(values), digits);
  const ratio = ({ jobsPerSecond }: Contestant) => ratios(jobsPerSecond, bare.jobsPerSecond);
  printTable([
    ['', 'jobs/s', 'ratio', 'engine CPU ms per job', 'screen CPU %', 'frames/s'],
    ...[bare, ...looked].map((each) => [
      each.name,
      text(each.jobsPerSecond, 0),
      each === bare ? '' : spreadText(ratio(each), 2),
      text(each.engineCpuMsPerJob, 2),
      text(each.screenCpu, 1),
      text(each.framesPerSecond, 1),
    ]),
  ]);
  for (const each of looked) {
    const { median } = ratio(each);
    printVerdict(
      `${each.name}: at least ${goal} of the jobs/s of a runner without a screen (median)`,
      median >= goal,
      median.toFixed(2),
    );
  }
}

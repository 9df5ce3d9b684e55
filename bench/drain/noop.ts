/** Jobs that do nothing, to measure the cost of a job itself. */
import type { Bench, Command } from '../lib/bench.ts';
import { type Contestant, runContest, turnRatios } from '../lib/contest.ts';
import { slots, startOpponent, startRunnerContestant } from '../lib/contestants.ts';
import { jobsEnded } from '../lib/drain.ts';
import { numberFlag, textFlag } from '../lib/flags.ts';
import { noopProgram } from '../lib/job-programs.ts';
import { payloadOf, type RedisServer } from '../lib/redis-server.ts';
import { printVerdict, spreadText } from '../lib/report.ts';
import { startPeer } from '../lib/subjects.ts';

const goals = { baseline: 1.15, nodeResque: 1.5, spawnLoopCpu: 1.25 };

export async function measureNoop(bench: Bench, redis: RedisServer): Promise<void> {
  const jobs = numberFlag('jobs', 2_000);
  const command: Command = [await noopProgram(bench)];
  const ours = await startRunnerContestant(bench, redis, { name: 'runner', script: command, jobs });
  const opponent = await startOpponent(bench, redis, { command, jobs });
  if (textFlag('against') !== null) {
    await runContest(redis, [ours, opponent], [[ours, opponent]]);
    return;
  }
  const nodeResque = await startNodeResque(bench, redis, command, jobs);
  const spawnLoop = await startSpawnLoop(bench, command, jobs);
  const others = [opponent, nodeResque, spawnLoop];
  await runContest(
    redis,
    [ours, ...others],
    others.map((other) => [ours, other]),
  );

  const toBaseline = turnRatios(ours, opponent, 'jobsPerSecond');
  printVerdict(
    `at least ${goals.baseline} of the jobs/s of the baseline (median)`,
    toBaseline.median >= goals.baseline,
    spreadText(toBaseline, 2),
  );
  const toNodeResque = turnRatios(ours, nodeResque, 'jobsPerSecond');
  printVerdict(
    `at least ${goals.nodeResque} of the jobs/s of node-resque (median)`,
    toNodeResque.median >= goals.nodeResque,
    spreadText(toNodeResque, 2),
  );
  const cpu = turnRatios(ours, spawnLoop, 'cpuMsPerJob');
  printVerdict(
    `at most ${goals.spawnLoopCpu} of the CPU that a bare spawn loop takes per job (median)`,
    cpu.median <= goals.spawnLoopCpu,
    spreadText(cpu, 2),
  );
}

async function startNodeResque(
  bench: Bench,
  redis: RedisServer,
  command: Command,
  jobs: number,
): Promise<Contestant> {
  const name = 'node-resque';
  const args = [String(redis.port), name, String(slots), ...command];
  const process = await startPeer(bench, { name, args, isBundled: false, hasChannel: true });
  let isIdle = Promise.resolve();
  return {
    name,
    process,
    jobs,
    turns: [],
    work: {
      // Its workers look for jobs when they start, so the jobs must be there.
      before: (count) => redis.enqueueMany(name, count),
      during: async (count) => {
        const ended = await jobsEnded(redis, count);
        isIdle = process.ask(count);
        await ended();
      },
      after: () => isIdle,
    },
  };
}

async function startSpawnLoop(bench: Bench, command: Command, jobs: number): Promise<Contestant> {
  const name = 'spawn-loop';
  const args = [String(slots), payloadOf(0), ...command, name];
  const process = await startPeer(bench, { name, args, isBundled: false, hasChannel: true });
  return { name, process, jobs, turns: [], work: { during: (count) => process.ask(count) } };
}
